"""Odd input to bulk changes, imports, exports and the feed is never our fault (5xx)."""

import json
import random
from typing import Any

import pytest

from tests.tickets_service.conftest import Caller
from tickets_service.import_files import FIELDS
from tickets_service.schemas import TicketFilterFields

ATOMS: list[Any] = [
    *(None, True, 0, -1, 2**31, 2**63, 10**30, 1.5, 1e300, "", "1", "CTT_1"),
    *("\x00", "open", "now", "a,b", "x" * 600, "2026-01-01", "%s", "%(x)s", "'; --"),
    *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", [], [1], [[1]], {}),
    *({"a": 1}, {"name": 5}, {"lat": 1, "lon": 2}, {"lat": None}),
]
TEXTS = [str(a) for a in ATOMS if not isinstance(a, dict | list)]
NAMES = sorted(FIELDS | TicketFilterFields().fields.keys() | {"ids", "colour"})
GOOD = {"title": "t", "category": "repair", "zone": "Johor"}
ACTIONS = ("start", "hold", "resume", "complete", "close", "reopen", "cancel")


class Odd:
    """A source of odd values, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def value(self, depth: int = 0) -> Any:
        kind = self.random.random()
        if depth < 2 and kind < 0.3:
            return self.fields(depth + 1)
        if depth < 2 and kind < 0.4:
            return [self.value(depth + 1) for _ in range(self.random.randint(0, 3))]
        return self.random.choice(ATOMS)

    def fields(self, depth: int = 1) -> dict[str, Any]:
        count = self.random.randint(0, 4)
        return {self.random.choice(NAMES): self.value(depth) for _ in range(count)}

    def bulk(self) -> dict[str, Any]:
        which: dict[str, Any]
        what: dict[str, Any]
        pick = self.random.choice
        which = pick(
            [{"ids": [1, 2]}, {"ids": self.value()}, {"filter": self.fields()}]
        )
        what = pick([{"set": self.fields()}, {"action": pick(ACTIONS), "reason": "x"}])
        return which | what

    def row(self) -> dict[str, Any]:
        good: dict[str, Any] = GOOD if self.random.random() < 0.7 else {}
        return self.fields() | good

    def raw(self) -> bytes:
        return self.random.randbytes(self.random.randint(0, 80))


def requests(odd: Odd) -> list[tuple[str, str, dict[str, Any]]]:
    pick = odd.random.choice
    jsonl, csv = "application/x-ndjson", "text/csv"
    bulk = json.dumps(odd.bulk())
    query = {pick([*NAMES, "after", "limit", "format"]): pick(TEXTS)}
    head = b"title,external_ref,zone,category\n"
    mapping = {"mapping": json.dumps(odd.value())}
    return [
        ("POST", "bulk", {"data": bulk, "content_type": "application/json"}),
        ("POST", "import", {"data": json.dumps(odd.row()), "content_type": jsonl}),
        ("POST", "import", {"data": head + odd.raw(), "content_type": csv}),
        ("POST", "import", {"data": odd.raw(), "content_type": jsonl}),
        (
            "POST",
            "import",
            {
                "data": b"title,zone\na,b\n",
                "content_type": csv,
                "query_string": mapping,
            },
        ),
        ("GET", "changes", {"query_string": query}),
        ("GET", "export", {"query_string": query, "buffered": True}),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_no_odd_input_is_our_fault(dispatcher: Caller, seed: int) -> None:
    for _ in range(2):
        dispatcher.open_ticket()
    odd = Odd(seed)
    for _ in range(40):
        for method, path, more in requests(odd):
            response = dispatcher.call(method, f"/tickets/{path}", **more)
            assert response.status_code < 500, (path, more, response.text)
