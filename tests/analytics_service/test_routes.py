"""The endpoints over HTTP: shapes, scope, drill-down, CSV, refusals."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.analytics_service.conftest import ReadAs, Reader, World
from tests.analytics_service.histories import KL

PATHS = ("/performance", "/trends", "/zones", "/zones/Johor", "/aging", "/sla")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_says_when_and_in_which_time_zone(
    admin: Reader, path: str
) -> None:
    answer = admin.get(path)
    assert answer["as_of"].endswith("Z")
    assert answer["time_zone"] == "Asia/Kuala_Lumpur"


def figures_in(answer: Any) -> Iterator[dict[str, Any]]:
    """Yield every figure anywhere in an answer."""
    if isinstance(answer, dict):
        if "tickets_url" in answer and "n" in answer:
            yield answer
        for value in answer.values():
            yield from figures_in(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from figures_in(value)


ASKED = (
    "/performance?by=team&compare=previous",
    "/performance?by=technician",
    "/performance?by=zone&category=repair",
    "/performance?by=category&zone=Johor,Perak",
    "/performance?by=priority&from={month_ago}&to={week_ago}",
    "/zones",
    "/aging",
    "/aging?from={month_ago}&to={week_ago}&zone=Johor",
    "/sla",
    "/sla?priority=urgent,high&from={month_ago}",
)
ROLES: dict[str, dict[str, Any]] = {
    "admin": {},
    "manager": {"zones": ["Johor", "Perak"]},
    "technician": {"team": True},
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", ASKED)
def test_a_figure_leads_to_exactly_the_rows_that_it_counts(
    read_as: ReadAs, world: World, path: str, role: str
) -> None:
    person = dict(ROLES[role])
    if person.pop("team", False):
        person["team_id"] = min(world.teams)
    reader = read_as(role, **person)
    seen: dict[str, int] = {}
    for figure in figures_in(reader.get(path.format(**days(world)))):
        url = figure["tickets_url"]
        if url is None:
            assert figure["n"] == 0
            continue
        if url not in seen:
            seen[url] = len(reader.rows(url))
        assert seen[url] == figure["n"], (figure, path)
    assert len(seen) > 3


def days(world: World) -> dict[str, str]:
    def before(n: int) -> str:
        return (world.now - timedelta(days=n)).astimezone(KL).date().isoformat()

    return {"week_ago": before(7), "month_ago": before(40), "today": before(0)}
