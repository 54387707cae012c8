"""A ticket's JSON, written with its row, so that a list only strings texts together.

`body_json` holds what changes with a write alone. Left out are the number (not yet
known when it is made), the zone (its name is another row's), the customer (not for
every reader) and running clocks: `sla_json` is the answer's object once both stand
for good, before that a list of their values. Refuses to run SQL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from db.vocabulary import UNFINISHED
from service_kit.answers import to_json
from tickets_service import ticket_json
from tickets_service.ticket_json import (
    CLOCKS,
    CUSTOMER,
    PLAIN,
    Calendars,
    clocks_json,
    customer_json,
    place_json,
)

COLUMNS = ("id", "version", "zone", "body_json", "sla_json", *CUSTOMER)
SELECTED = ", ".join(f"t.{name}" for name in COLUMNS)
BODY, SLA = COLUMNS.index("body_json"), COLUMNS.index("sla_json")
ELSEWHERE = frozenset({"id", "number", "zone", "version"})
IN_BODY = ("version", *(name for name in PLAIN if name not in ELSEWHERE))
CLOCK_SIZE = len(ticket_json.RESPONSE)
INSTANTS = tuple(
    place
    for place, name in enumerate(ticket_json.RESPONSE)
    if name.endswith(("due_at", "risk_at", "from_at", "breached_at"))
)
ANY_TIME = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class TicketText:
    """A ticket as one reader sees it. states: of its response and its resolution."""

    id: int
    version: int
    text: str
    states: tuple[str, str]


def texts_of(columns: Mapping[str, Any], calendars: Calendars) -> dict[str, str]:
    """Return the columns `body_json` and `sla_json` of a ticket's other columns."""
    body = {name: columns.get(name) for name in IN_BODY}
    body["coordinates"] = place_json(columns["lat"], columns["lon"])
    return {
        "body_json": to_json(body).decode()[1:-1],
        "sla_json": to_json(lasting_sla(columns, calendars)).decode(),
    }


def is_current(row: Sequence[Any]) -> bool:
    """Whether the texts of a row are those of its version.

    They are not after a write by a release that did not know them.
    """
    body = row[BODY]
    return body is not None and body.startswith(f'"version":{row[1]},')


def lasting_sla(columns: Mapping[str, Any], calendars: Calendars) -> Any:
    """Return the SLA as it will be sent, or the values of clocks that may change it."""
    clocks, status = [columns.get(name) for name in CLOCKS], columns["status"]
    if status in UNFINISHED and columns.get("calendar_id") is not None:
        return clocks
    return ticket_json.sla_json(clocks, status, ANY_TIME, calendars)


def ticket_text(
    row: Sequence[Any], now: datetime, calendars: Calendars, *, contacts: bool
) -> str:
    """Return the JSON of a row in the order of COLUMNS.

    contacts: whether the reader may see the customer unmasked.
    """
    sla = row[SLA]
    if sla.startswith("["):
        sla = to_json(running_sla(sla, now, calendars)).decode()
    return joined(row, sla, contacts=contacts)


def joined(row: Sequence[Any], sla: str, *, contacts: bool) -> str:
    number, _, zone, body, _, *customer = row[: len(COLUMNS)]
    shown = "null"
    if customer.count(None) < len(CUSTOMER):
        shown = to_json(customer_json(*customer, contacts=contacts)).decode()
    return (
        f'{{"id":{number},"number":"CTT_{number}","zone":{quoted(zone)},{body},'
        f'"customer":{shown},"sla":{sla}}}'
    )


def one_ticket(
    row: Sequence[Any], now: datetime, calendars: Calendars, *, contacts: bool
) -> TicketText:
    """Return the ticket of a row with what its tag is made of."""
    text = row[SLA]
    if text.startswith("["):
        sla = running_sla(text, now, calendars)
        text = to_json(sla).decode()
    else:
        sla = orjson.loads(text)
    states = (sla["response"]["state"], sla["resolution"]["state"])
    return TicketText(row[0], row[1], joined(row, text, contacts=contacts), states)


@lru_cache(maxsize=1_024)
def quoted(zone: str) -> str:
    return to_json(zone).decode()


def running_sla(text: str, now: datetime, calendars: Calendars) -> dict[str, Any]:
    calendar_id, *values = orjson.loads(text)
    clocks = values[:CLOCK_SIZE], values[CLOCK_SIZE:]
    for clock in clocks:
        for place in INSTANTS:
            if clock[place] is not None:
                clock[place] = datetime.fromisoformat(clock[place])
    return clocks_json(clocks, now, calendars(calendar_id), stopped=False)
