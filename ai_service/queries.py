"""Reads of the AI service: contract views of the others, and its own tables.

Every read for a caller goes through the visibility of db/scope.py; reads for
background work say so by their name. Nothing here changes a row.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    case,
    func,
    literal_column,
    or_,
    select,
    text,
)

from ai_service.views import search_texts, teams, tickets, visits, zones
from db.ai import Insight, Model
from db.scope import Actor, visible_teams, visible_tickets
from db.vocabulary import UNFINISHED, Role
from service_kit.errors import NotFound

# Rows as they come; each query says which columns.
Rows = Sequence[Any]

WORD_SIMILARITY = 0.3
SIMILAR_TEXT_CHARS = 120  # more words cost more and tell tickets apart no better
ENDED = ("completed", "closed", "cancelled")
RISK_HISTORY_ROWS = 200_000


def seen_by(actor: Actor) -> Any:
    """Return the condition on tickets that the actor may see."""
    return visible_tickets(
        actor,
        team_id=tickets.c.team_id,
        zone=tickets.c.zone,
        created_by=tickets.c.created_by,
    )


def get_ticket(connection: Connection, ticket_id: int, actor: Actor) -> Any:
    """Return one ticket; NotFound also when the actor may not see it."""
    found = connection.execute(
        select(tickets).where(tickets.c.id == ticket_id, seen_by(actor))
    ).first()
    if found is None:
        raise NotFound(f"There is no ticket {ticket_id}.")
    return found


def zone_places(connection: Connection) -> dict[str, Any]:
    """Return {zone name: id, name, lat, lon, aliases, tz} of all zones."""
    return {row.name: row for row in connection.execute(select(zones))}


def team_rows(connection: Connection, actor: Actor) -> Rows:
    """Return the teams that the actor may see, by id."""
    chosen = select(teams).where(visible_teams(actor, zone=teams.c.zone))
    return connection.execute(chosen.order_by(teams.c.id)).all()


def queued_rows(connection: Connection, *, without_ticket: int | None = None) -> Rows:
    """Return unfinished tickets that have a team, in working order within each team.

    Tickets on hold wait for someone else and take no team's time.
    """
    columns = tickets.c
    chosen = select(
        columns.team_id,
        columns.priority_rank,
        func.extract("epoch", columns.resolution_due_at).label("due_s"),
        columns.category,
        columns.estimated_minutes,
        columns.lat,
        columns.lon,
    ).where(
        columns.status.in_(("open", "in_progress")),
        columns.team_id.is_not(None),
    )
    if without_ticket is not None:
        chosen = chosen.where(columns.id != without_ticket)
    order = (
        columns.team_id,
        columns.priority_rank,
        columns.resolution_due_at,
        columns.id,
    )
    return connection.execute(chosen.order_by(*order)).all()


# ---- history for the models ----------------------------------------------------------


def all_judged_tickets(connection: Connection) -> Rows:
    """Return (priority, category, zone, used share, missed), oldest opening first.

    The newest 200,000; for background training, not for a caller.
    """
    c = tickets.c
    seconds = func.extract("epoch", c.completed_at - c.opened_at)
    promised = func.nullif(func.extract("epoch", c.resolution_due_at - c.opened_at), 0)
    used = func.coalesce(
        c.resolution_elapsed_s / func.nullif(c.resolution_target_s * 1.0, 0),
        seconds / promised,
    )
    missed = or_(c.resolution_verdict == "missed", c.breached_at.is_not(None))
    newest = (
        select(c.priority, c.category, c.zone, used, missed, c.opened_at, c.id)
        .where(
            or_(c.resolution_verdict.is_not(None), c.breached_at.is_not(None)),
            c.status != "cancelled",
        )
        .order_by(c.opened_at.desc(), c.id.desc())
        .limit(RISK_HISTORY_ROWS)
    )
    rows = connection.execute(newest).all()
    return [row[:5] for row in reversed(rows)]


def all_visit_minutes(connection: Connection) -> Rows:
    """Return (category, minutes on site) of visits that were done, oldest first."""
    minutes = func.extract("epoch", visits.c.finished_at - visits.c.on_site_at) / 60
    joined = visits.join(tickets, tickets.c.id == visits.c.ticket_id)
    return connection.execute(
        select(tickets.c.category, minutes.label("minutes"))
        .select_from(joined)
        .where(
            visits.c.status == "done",
            visits.c.on_site_at.is_not(None),
            visits.c.finished_at > visits.c.on_site_at,
        )
        .order_by(visits.c.finished_at.desc(), visits.c.id.desc())
        .limit(RISK_HISTORY_ROWS)
    ).all()[::-1]


def served_model(connection: Connection, name: str) -> Any:
    """Return (id, artefact, sha256, trained_at, rows, figures) of the served model."""
    return connection.execute(
        select(
            Model.id,
            Model.artefact,
            Model.sha256,
            Model.trained_at,
            Model.rows,
            Model.figures,
        )
        .where(Model.name == name, Model.is_served)
        .order_by(Model.id.desc())
        .limit(1)
    ).first()


def served_model_key(connection: Connection, name: str) -> tuple[int, bytes] | None:
    """Return (id, checksum) of the served model."""
    row = connection.execute(
        select(Model.id, Model.sha256)
        .where(Model.name == name, Model.is_served)
        .order_by(Model.id.desc())
        .limit(1)
    ).first()
    return None if row is None else (row.id, bytes(row.sha256 or b""))


def model_rows(connection: Connection) -> Rows:
    """Return the newest run of each model, without its artefact."""
    newest = select(func.max(Model.id)).where(Model.is_served).group_by(Model.name)
    return connection.execute(
        select(
            Model.name,
            Model.purpose,
            Model.trained_at,
            Model.rows,
            Model.features,
            Model.figures,
            Model.baseline,
            Model.sha256,
        )
        .where(Model.id.in_(newest))
        .order_by(Model.name)
    ).all()


# ---- unfinished work -----------------------------------------------------------------


def unfinished(actor: Actor | None) -> Select[Any]:
    """Return the select of unfinished tickets, for an actor or (None) for all."""
    c = tickets.c
    chosen = select(
        c.id,
        c.number,
        c.title,
        c.status,
        c.priority,
        c.category,
        c.zone,
        c.team_id,
        c.created_at,
        c.updated_at,
        c.opened_at,
        c.started_at,
        c.estimated_minutes,
        c.reopen_count,
        c.hold_reason,
        c.resolution_target_s,
        c.resolution_due_at,
        c.resolution_risk_at,
        c.resolution_elapsed_s,
        c.paused_at,
        c.breached_at,
        func.extract("epoch", c.opened_at).label("opened_s"),
        func.extract("epoch", c.resolution_risk_at).label("risk_s"),
        func.extract("epoch", c.resolution_due_at).label("due_s"),
    ).where(c.status.in_([s.value for s in UNFINISHED]))
    return chosen if actor is None else chosen.where(seen_by(actor))


def all_unfinished(connection: Connection) -> Rows:
    """Return all unfinished tickets, for the sweep; not for a caller."""
    return connection.execute(unfinished(None).order_by(tickets.c.id)).all()


def all_team_rows(connection: Connection) -> Rows:
    """Return all teams, for the sweep; not for a caller."""
    return connection.execute(select(teams).order_by(teams.c.id)).all()


def all_daily_counts(
    connection: Connection, *, since: datetime, until: datetime, tz: str
) -> Rows:
    """Return (zone, category, day, tickets created) for [since, until), local days."""
    day = func.date(func.timezone(tz, tickets.c.created_at))
    return connection.execute(
        select(
            tickets.c.zone,
            tickets.c.category,
            day.label("day"),
            func.count().label("n"),
        )
        .where(tickets.c.created_at >= since, tickets.c.created_at < until)
        .group_by(tickets.c.zone, tickets.c.category, day)
    ).all()


# ---- findings ------------------------------------------------------------------------


def insight_rows(
    connection: Connection,
    actor: Actor,
    *,
    zone: str | None = None,
    kinds: Sequence[str] = (),
) -> Rows:
    """Return findings that stand now and that the actor may see, gravest first."""
    gravity = case({"critical": 0, "warning": 1}, value=Insight.severity, else_=2)
    chosen = (
        select(Insight)
        .where(Insight.resolved_at.is_(None), Insight.dismissed_at.is_(None))
        .where(insights_seen_by(actor))
        .order_by(gravity, Insight.first_seen_at.desc(), Insight.id)
    )
    if zone is not None:
        chosen = chosen.where(Insight.zone == zone)
    if kinds:
        chosen = chosen.where(Insight.kind.in_(kinds))
    return connection.execute(chosen).all()


def insights_seen_by(actor: Actor) -> Any:
    """Return the condition on findings: those about rows that the actor sees whole.

    A finding of a zone counts tickets of all its teams, so a technician sees only
    findings about the own team, and a requester none.
    """
    if actor.role is Role.TECHNICIAN and actor.team_id is not None:
        return Insight.team_id == actor.team_id
    return visible_tickets(
        actor, team_id=Insight.team_id, zone=Insight.zone, created_by=None
    )


# ---- similar tickets -----------------------------------------------------------------


def similar_rows(
    connection: Connection,
    wanted: str,
    actor: Actor,
    *,
    limit: int,
    without_ticket: int | None = None,
) -> Rows:
    """Return ended tickets whose text is near `wanted`, the nearest and newest first.

    By trigrams: the share of the words of `wanted` found in number, title,
    description and place.
    """
    connection.execute(
        text("SELECT set_config('pg_trgm.word_similarity_threshold', :low, false)"),
        {"low": str(WORD_SIMILARITY)},
    )
    c, said = tickets.c, search_texts.c.search
    asked = wanted.lower()[:SIMILAR_TEXT_CHARS]
    pool = (
        select(c.id, func.word_similarity(asked, said).label("similarity"))
        .join(search_texts, search_texts.c.ticket_id == c.id)
        .where(
            said.op("%>")(asked),
            c.status.in_(ENDED),
            c.id != (without_ticket or 0),
            seen_by(actor),
        )
        .order_by(literal_column("similarity").desc(), c.id.desc())
        .limit(limit)
        .subquery()
    )
    done = (
        select(func.count())
        .where(visits.c.ticket_id == c.id, visits.c.on_site_at.is_not(None))
        .scalar_subquery()
    )
    columns = (
        c.id,
        c.number,
        c.title,
        c.status,
        c.category,
        c.priority,
        c.cause,
        c.zone,
        c.team_id,
        c.resolution_code,
        c.completed_at,
        c.reopen_count,
        c.resolution_verdict,
    )
    return connection.execute(
        select(
            *columns,
            (c.resolution_wall_s / 60.0).label("resolution_minutes"),
            done.label("visits_count"),
            pool.c.similarity,
        )
        .select_from(tickets.join(pool, pool.c.id == c.id))
        .order_by(pool.c.similarity.desc(), c.id.desc())
    ).all()


def team_names(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    rows = connection.execute(
        select(teams.c.id, teams.c.name).where(teams.c.id.in_(ids))
    )
    return {row.id: row.name for row in rows}


def local_midnight(now: datetime, days_ago: int) -> datetime:
    """Return the start of the local day `days_ago` days before local `now`."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(
        days=days_ago
    )
