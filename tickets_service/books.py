"""The policy and calendar versions of the database, kept because they never change.

A version is immutable, so it is cached for good; which of them are active is
asked anew whenever the newest one changes. Refuses to write.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from service_kit.errors import NotFound
from tickets_service import sla
from tickets_service.calendars import CalendarCache, WorkCalendar
from tickets_service.directory import ZoneNames

POLICY_COLUMNS = "id, name, version, calendar_id, targets, zones, priorities, options"
STATE_OF_POLICIES = (
    "SELECT coalesce(max(id), 0), count(*) FILTER (WHERE is_active) "
    "FROM tickets.sla_policies"
)
State = tuple[int, int]


def policy_from(row: Mapping[str, Any]) -> sla.Policy:
    """Return a policy from its row; options not named keep their defaults."""
    options = dict(row["options"] or {})
    known = {
        "response_pauses": bool(options.get("response_pauses", False)),
        "priority_change": options.get("priority_change", "retroactive"),
        "priority_change_floor_ratio": options.get("priority_change_floor_ratio"),
        "reopen": options.get("reopen", "resume"),
        "reopen_window_days": options.get("reopen_window_days", 14),
        "evidence": {
            category: tuple(names)
            for category, names in (options.get("evidence") or {}).items()
        },
    }
    if options.get("pausing_reasons") is not None:
        known["pausing_reasons"] = frozenset(options["pausing_reasons"])
    return sla.Policy(
        id=row["id"],
        name=row["name"],
        version=row["version"],
        calendar_id=row["calendar_id"],
        targets=sla.parse_targets(row["targets"]),
        zones=None if row["zones"] is None else tuple(row["zones"]),
        priorities=None if row["priorities"] is None else tuple(row["priorities"]),
        **known,
    )


class Shelf:
    """What one process keeps of a database's versions; shared by its threads."""

    def __init__(self) -> None:
        self.calendars = CalendarCache()
        self.policies: dict[int, sla.Policy] = {}
        self.zones = ZoneNames()
        self.forget_policies()

    def forget_policies(self) -> None:
        """Forget which policies are active, so that they are read again."""
        self.active: tuple[State, Sequence[sla.Policy]] = ((-1, -1), ())


class StoredBook:
    """A `Book` (tickets_service/ticket_state.py) that reads what it lacks."""

    def __init__(self, connection: Connection, shelf: Shelf) -> None:
        self.connection = connection
        self.shelf = shelf
        self.state: State | None = None  # read, or believed until a write proves it

    @property
    def known_state(self) -> State:
        """Return the state of the policies that this book chooses from."""
        if self.state is None:
            self.state = self._read_state()
        return self.state

    def believe(self) -> None:
        """Choose from the policies known last, unseen; the write must check them."""
        self.state = self.shelf.active[0] if self.shelf.active[1] else None

    def policy(self, policy_id: int) -> sla.Policy:
        found = self.shelf.policies.get(policy_id)
        if found is None:
            found = self._policies("WHERE id = %(id)s", {"id": policy_id})[0]
            self.shelf.policies[policy_id] = found
        return found

    def calendar(self, calendar_id: int) -> WorkCalendar:
        found = self.shelf.calendars.get(calendar_id)
        return found or self._load_calendar(calendar_id)

    def choose(self, zone: str, priority: str) -> sla.Policy | None:
        return sla.chosen(self.active_policies(), zone, priority)

    def active_policies(self) -> Sequence[sla.Policy]:
        """Return the newest active version of each policy name."""
        state = self.known_state
        known, policies = self.shelf.active
        if known != state:
            newest = {p.name: p for p in self._policies("WHERE is_active ORDER BY id")}
            policies = tuple(newest.values())
            self.shelf.active = (state, policies)
            self.shelf.policies.update({p.id: p for p in policies})
        return policies

    def _read_state(self) -> State:
        row = self.connection.exec_driver_sql(STATE_OF_POLICIES).one()
        return row[0], row[1]

    def _policies(
        self, where: str, values: Mapping[str, Any] | None = None
    ) -> list[sla.Policy]:
        sql = f"SELECT {POLICY_COLUMNS} FROM tickets.sla_policies {where}"  # noqa: S608
        rows = self.connection.exec_driver_sql(sql, values or {}).mappings().all()
        if values and not rows:
            raise NotFound("There is no such policy.")
        return [policy_from(dict(row)) for row in rows]

    def _load_calendar(self, calendar_id: int) -> WorkCalendar:
        definition = self.connection.exec_driver_sql(
            "SELECT definition FROM tickets.calendars WHERE id = %(id)s",
            {"id": calendar_id},
        ).scalar()
        if definition is None:
            raise NotFound(f"There is no calendar {calendar_id}.")
        return self.shelf.calendars.put(calendar_id, WorkCalendar.of(definition))
