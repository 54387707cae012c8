"""docs/domain.md says what the rules do."""

import pytest

from scripts.build_domain_docs import PAGE, written
from tickets_service.lifecycle import Action


def test_the_page_is_what_the_rules_would_write() -> None:
    page = PAGE.read_text()
    assert written(page) == page, "run: python -m scripts.build_domain_docs"


@pytest.mark.parametrize("action", Action)
def test_every_action_stands_in_the_table(action: Action) -> None:
    assert f"| `{action}` |" in PAGE.read_text()
