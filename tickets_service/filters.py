"""Which tickets a list, a count, an export or a bulk command means, as SQL.

One home for the meaning of every filter, so that a list, the statistics over it
and its export select the same rows. Visibility is db/scope.py's. The row of
`tickets.tickets` is called `t`; values are psycopg2 parameters, never text.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, literal_column
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from db.scope import Actor, sees_contacts, visible_tickets
from db.vocabulary import UNFINISHED, Role, SlaState

MAX_WORDS = 8
FEW_TEXTS = 200  # looked through for whether a word is known
SIMILAR = 0.5  # of the trigrams of a word; the default misses one typo in six
UNFINISHED_SQL = "t.status IN ('open', 'in_progress', 'on_hold')"
# A running clock past its due instant is breached before the sweeper says so.
BREACHED = (
    f"({UNFINISHED_SQL} AND t.resolution_verdict IS NULL AND "
    "(t.breached_at IS NOT NULL OR t.resolution_due_at < %(now)s))"
)
RUNNING = (
    f"({UNFINISHED_SQL} AND t.resolution_verdict IS NULL AND t.breached_at IS NULL "
    "AND t.resolution_due_at >= %(now)s)"
)
SLA_STATES: Mapping[str, str] = {
    SlaState.MET: "t.resolution_verdict = 'met'",
    SlaState.MISSED: "t.resolution_verdict = 'missed'",
    SlaState.BREACHED: BREACHED,
    SlaState.PAUSED: "(t.paused_at IS NOT NULL AND t.breached_at IS NULL)",
    SlaState.AT_RISK: f"({RUNNING} AND t.resolution_risk_at <= %(now)s)",
    SlaState.OK: f"({RUNNING} AND t.resolution_risk_at > %(now)s)",
    SlaState.NONE: (
        "(t.resolution_verdict IS NULL AND "
        "(t.policy_id IS NULL OR t.status = 'cancelled'))"
    ),
}


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """What to select; None leaves a thing open. Lists mean any of."""

    status: Sequence[str] | None = None
    priority: Sequence[str] | None = None
    category: Sequence[str] | None = None
    cause: Sequence[str] | None = None
    zone: Sequence[str] | None = None
    team_id: Sequence[int] | None = None
    technician_id: Sequence[int] | None = None
    created_by: Sequence[int] | None = None
    assigned: bool | None = None
    mine: bool | None = None
    sla_state: Sequence[str] | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    completed_from: datetime | None = None
    completed_to: datetime | None = None
    responded_from: datetime | None = None
    responded_to: datetime | None = None
    response_judged_from: datetime | None = None
    response_judged_to: datetime | None = None
    resolution_judged_from: datetime | None = None
    resolution_judged_to: datetime | None = None
    response_verdict: str | None = None
    unfinished_at: datetime | None = None
    in_hand_from: datetime | None = None
    in_hand_to: datetime | None = None
    late_reason: Sequence[str] | None = None
    held_for: Sequence[str] | None = None
    policy_id: Sequence[int] | None = None
    due_before: datetime | None = None
    updated_since: datetime | None = None
    tag: Sequence[str] | None = None
    external_ref: Sequence[str] | None = None
    parent_id: Sequence[int] | None = None
    duplicate_of_id: Sequence[int] | None = None
    ids: Sequence[int] | None = None
    q: str | None = None
    # Words of `q` that stand somewhere as they are (`spelled` finds them).
    exact: frozenset[str] = frozenset()

    def given(self) -> frozenset[str]:
        """Return the names of the filters that were given."""
        return frozenset(
            f.name
            for f in fields(self)
            if f.name != "exact" and getattr(self, f.name) is not None
        )


ANY_OF = (
    "status",
    "priority",
    "category",
    "cause",
    "zone",
    "team_id",
    "technician_id",
    "created_by",
    "external_ref",
    "parent_id",
    "duplicate_of_id",
    "policy_id",
)


def unfinished_at(name: str) -> str:
    """Return the clause that a ticket was unfinished at the instant of a value.

    The absences of the memo are microseconds: finished, and reopened or null.
    """
    at = f"extract(epoch FROM %({name})s::timestamptz) * 1000000"
    absences = "SELECT 1 FROM jsonb_array_elements(t.memo -> 'absences') gone"
    return (
        f"(t.created_at < %({name})s AND NOT EXISTS ({absences} WHERE "
        f"(gone ->> 0)::bigint < {at} "
        f"AND coalesce((gone ->> 1)::bigint >= {at}, true)))"
    )


# The same as rollup.late_reason.
LATE_REASON = (
    "CASE WHEN t.breached_at IS NULL OR t.status = 'cancelled' THEN NULL "
    "WHEN t.responded_at IS NULL OR t.responded_at > t.breached_at "
    "THEN 'not_answered' WHEN t.started_at IS NULL OR t.started_at > t.breached_at "
    "THEN 'not_started' WHEN t.reopen_count > 0 THEN 'reopened' "
    "ELSE 'not_finished' END"
)
HELD_FOR = (
    "EXISTS (SELECT 1 FROM jsonb_array_elements(t.memo #> '{clocks,3,4}') pause "
    "WHERE pause ->> 2 = ANY(%(held_for)s) AND pause ->> 1 IS NOT NULL)"
)
SIMPLE: Mapping[str, str] = {
    **{name: f"t.{name} = ANY(%({name})s)" for name in ANY_OF},
    "ids": "t.id = ANY(%(ids)s)",
    "tag": "t.tags <> '{}' AND t.tags && %(tag)s",  # as the index says it
    "created_from": "t.created_at >= %(created_from)s",
    "created_to": "t.created_at < %(created_to)s",
    "completed_from": "t.completed_at >= %(completed_from)s",
    "completed_to": "t.completed_at < %(completed_to)s",
    "responded_from": "t.responded_at >= %(responded_from)s",
    "responded_to": "t.responded_at < %(responded_to)s",
    # Analytics: the backlog of an instant, and what was in hand over a period.
    "unfinished_at": unfinished_at("unfinished_at"),
    "in_hand_from": "(t.completed_at IS NULL OR t.completed_at >= %(in_hand_from)s)",
    "in_hand_to": (
        "(t.completed_at < %(in_hand_to)s OR " + unfinished_at("in_hand_to") + ")"
    ),
    "late_reason": f"{LATE_REASON} = ANY(%(late_reason)s)",
    "held_for": HELD_FOR,
    "due_before": (
        f"t.due_key < %(due_before)s AND t.resolution_verdict IS NULL "
        f"AND {UNFINISHED_SQL}"
    ),
    "updated_since": "t.updated_at >= %(updated_since)s",
}
# A verdict is given when met, and at the due instant when missed (analytics).
JUDGED: Mapping[str, str] = {
    "response": (
        "CASE WHEN t.response_verdict = 'met' THEN t.responded_at "
        "WHEN t.status <> 'cancelled' OR t.response_verdict IS NOT NULL "
        "THEN t.response_breached_at END"
    ),
    "resolution": (
        "CASE WHEN t.resolution_verdict = 'met' THEN t.completed_at "
        "WHEN t.status <> 'cancelled' THEN t.breached_at END"
    ),
}


def conditions(
    wanted: TicketFilter, actor: Actor, now: datetime
) -> tuple[str, dict[str, Any]]:
    """Return the WHERE of a filter as the actor may see it, and its values.

    One value is compared with `=`, which lets an index give the order as well;
    `= ANY` of one would be filtered row by row along another index. Unfinished tickets
    are asked for in the words of their own indexes.
    """
    scope, values = scope_of(actor)
    clauses = ["t.deleted_at IS NULL"] + ([scope] if scope != "true" else [])
    values = dict(values) | {"now": now}
    for name in wanted.given():
        value = getattr(wanted, name)
        if name == "status" and set(value) <= set(UNFINISHED):
            clauses.append(UNFINISHED_SQL)
            if len(set(value)) == len(UNFINISHED):
                continue
        if name in ANY_OF and len(value) == 1:
            values[name] = value[0]
            clauses.append(f"t.{name} = %({name})s")
            continue
        values[name] = list(value) if isinstance(value, list | tuple) else value
        clauses.append(clause_of(name, wanted, actor, values))
    return " AND ".join(clauses), values


def clause_of(
    name: str, wanted: TicketFilter, actor: Actor, values: dict[str, Any]
) -> str:
    """Return the clause of one given filter; may add to the values."""
    if name in SIMPLE:
        return SIMPLE[name]
    special: Mapping[str, Callable[[], str]] = {
        "assigned": lambda: f"t.team_id IS {'NOT ' if wanted.assigned else ''}NULL",
        "mine": lambda: mine(actor, bool(wanted.mine), values),
        "sla_state": lambda: any_state(wanted.sla_state or ()),
        "response_verdict": lambda: "t.response_verdict = %(response_verdict)s",
        "q": lambda: text_search(wanted, actor, values),
    }
    if name in special:
        return special[name]()
    which, _, side = name.partition("_judged_")
    return f"{JUDGED[which]} {'>=' if side == 'from' else '<'} %({name})s"


def any_state(states: Sequence[str]) -> str:
    return "(" + " OR ".join(SLA_STATES[state] for state in states) + ")"


def mine(actor: Actor, wanted: bool, values: dict[str, Any]) -> str:
    """Return what "mine" means: one's work for technicians, else what one opened."""
    values["me"], values["my_team"] = actor.user_id, actor.team_id
    clause = "t.created_by = %(me)s"
    if actor.role is Role.TECHNICIAN:
        clause = "(t.technician_id = %(me)s OR t.team_id = %(my_team)s)"
    return clause if wanted else f"NOT coalesce({clause}, false)"


def text_search(wanted: TicketFilter, actor: Actor, values: dict[str, Any]) -> str:
    """Return the clause that every word of `q` stands in the ticket, or nearly so.

    A whole number is also looked for as a ticket's.
    """
    found = []
    for n, word in enumerate(words_of(wanted)):
        values[f"like{n}"] = f"%{escaped(word)}%"
        test = stands(n, actor)
        if may_be_misspelt(word) and word not in wanted.exact:
            values[f"word{n}"] = word
            test = f"({test} OR %(word{n})s <%% s.said)"
        found.append(test)
    if not found:
        return "true"
    return (
        "EXISTS (SELECT FROM tickets.search_texts s "
        f"WHERE s.ticket_id = t.id AND {' AND '.join(found)})"
    )


def words_of(wanted: TicketFilter) -> list[str]:
    return (wanted.q or "").lower().split()[:MAX_WORDS]


def stands(n: int, actor: Actor) -> str:
    """Return the clause that a word stands in `s`; contacts count for who sees them."""
    said = f"s.said LIKE %(like{n})s"
    return f"({said} OR s.contact LIKE %(like{n})s)" if sees_contacts(actor) else said


def may_be_misspelt(word: str) -> bool:
    return len(word) > 3 and word.isalpha()


def spelled(connection: Connection, wanted: TicketFilter, actor: Actor) -> TicketFilter:
    """Return the filter for this connection, with the words that need no tolerance.

    A word of a ticket that the caller may see is meant as it stands; any other is
    looked for with a letter off as well, which costs a hundred times as much.
    """
    words = {word for word in words_of(wanted) if may_be_misspelt(word)}
    if not words:
        return wanted
    exact = frozenset(word for word in words if is_known(connection, word, actor))
    if exact != words:
        connection.exec_driver_sql(f"SET pg_trgm.word_similarity_threshold = {SIMILAR}")
    return replace(wanted, exact=exact)


def is_known(connection: Connection, word: str, actor: Actor) -> bool:
    """Whether a word stands in one of a few tickets, seen by the caller.

    Not found among many that are not the caller's means False: more is found then.
    """
    scope, values = scope_of(actor)
    asked = (
        "SELECT EXISTS (SELECT FROM (SELECT s.ticket_id FROM tickets.search_texts s "  # noqa: S608
        f"WHERE {stands(0, actor)} LIMIT {FEW_TEXTS}) s "
        "JOIN tickets.tickets t ON t.id = s.ticket_id "
        f"WHERE t.deleted_at IS NULL AND {scope})"
    )
    like = {"like0": f"%{escaped(word)}%"}
    return bool(connection.exec_driver_sql(asked, {**values, **like}).scalar())


def escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def scope_of(actor: Actor) -> tuple[str, Mapping[str, Any]]:
    """Return db/scope.py's visibility as SQL on `t`, and its values."""
    return compiled_scope(actor.role, actor.user_id, actor.team_id, actor.zones)


@lru_cache(maxsize=4_096)
def compiled_scope(
    role: Role, user_id: int, team_id: int | None, zones: tuple[str, ...] | None
) -> tuple[str, Mapping[str, Any]]:
    actor = Actor(user_id, role, team_id=team_id, zones=zones)
    clause = visible_tickets(
        actor,
        team_id=literal_column("t.team_id"),
        zone=literal_column("t.zone"),
        created_by=literal_column("t.created_by"),
    )
    compiled = clause.compile(
        dialect=PGDialect_psycopg2(),
        compile_kwargs={"render_postcompile": True},
    )
    return str(compiled), dict(compiled.params)
