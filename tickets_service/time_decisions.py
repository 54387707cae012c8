"""What time alone brings: thresholds, expired offers, closing; and what it undoes."""

from datetime import date, datetime, timedelta

from db.vocabulary import Status, VisitStatus
from tickets_service import commands as ask
from tickets_service import sla
from tickets_service.calendars import WorkCalendar, edge, instant, micros
from tickets_service.drafting import Draft
from tickets_service.lifecycle import Action
from tickets_service.ticket_decisions import close
from tickets_service.ticket_state import Book, TicketState, VisitState
from tickets_service.visit_decisions import release

STALE = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
AUTO_CLOSE_DAYS = 5  # working days after the completion


def sweep(draft: Draft, _: ask.Sweep) -> None:
    visit = draft.ticket.live_visit
    if visit and is_expired(visit, draft.now):
        release(draft, visit, draft.now, "offer_expired")
    clocks = draft.ticket.clocks
    if clocks is not None:
        calendar = draft.book.calendar(clocks.calendar_id)
        warn(draft, "response", clocks.response, calendar)
        warn(draft, "resolution", clocks.resolution, calendar)
        closes = auto_close_at(draft.ticket, calendar)
        if closes is not None and closes <= draft.now:
            close(draft, ask.MoveTicket(Action.CLOSE), draft.now, {"auto": True})


def is_expired(visit: VisitState, now: datetime) -> bool:
    return (
        visit.status is VisitStatus.OFFERED
        and visit.expires_at is not None
        and visit.expires_at <= now
    )


def warn(draft: Draft, name: str, clock: sla.Clock, calendar: WorkCalendar) -> None:
    """Emit the thresholds that have passed, each once per cycle (R15).

    Not those of a promise broken long ago, such as a load brings: the breach alone.
    """
    if clock.is_settled or clock.breached is not None:
        return
    now = micros(draft.now)
    point = sla.breach_point(clock, calendar)
    if point is not None and now - point > STALE // MICROSECOND:
        return
    for percent in sla.WARNINGS:
        at = sla.threshold(clock, calendar, percent)
        if percent > clock.warned and at is not None and at <= now:
            data = {"clock": name, "percent": percent}
            draft.emit("sla.warning", data=data, at=instant(at))


def auto_close_at(ticket: TicketState, calendar: WorkCalendar) -> datetime | None:
    """Return when a completed ticket closes: the end of the fifth working day."""
    if ticket.status is not Status.COMPLETED or ticket.completed_at is None:
        return None
    day: date = ticket.completed_at.astimezone(calendar.zone).date()
    left = AUTO_CLOSE_DAYS
    for _ in range(366):
        day += timedelta(days=1)
        intervals = calendar.definition.intervals_on(day)
        left -= bool(intervals)
        if intervals and left == 0:
            return instant(edge(day, intervals[-1][1], calendar.zone, is_end=True))
    return None


def next_check_at(ticket: TicketState, book: Book) -> datetime | None:
    """Return when `Sweep` next has something to do, None if only after a change."""
    if ticket.deleted_at is not None:
        return None
    found: list[datetime] = []
    visit = ticket.live_visit
    if visit and visit.status is VisitStatus.OFFERED and visit.expires_at:
        found.append(visit.expires_at)
    if ticket.clocks is not None:
        calendar = book.calendar(ticket.clocks.calendar_id)
        for clock in (ticket.clocks.response, ticket.clocks.resolution):
            found += next_thresholds(clock, calendar)
        closes = auto_close_at(ticket, calendar)
        found += [closes] if closes else []
    return min(found, default=None)


def next_thresholds(clock: sla.Clock, calendar: WorkCalendar) -> list[datetime]:
    if clock.is_settled or clock.breached is not None:
        return []
    point = sla.breach_point(clock, calendar)
    marks = [None if point is None else point + 1]
    percent = next((p for p in sla.WARNINGS if p > clock.warned), None)
    if percent is not None:
        marks.append(sla.threshold(clock, calendar, percent))
    return [instant(at) for at in marks if at is not None]


def settle_breaches(before: TicketState, draft: Draft) -> None:
    """Add the breaches that came to light, and retract those that vanished (R14)."""
    old, new = before.clocks, draft.ticket.clocks
    if old is None or new is None:
        return
    settle_breach(draft, "response", old.response, new.response)
    settle_breach(draft, "resolution", old.resolution, new.resolution)


def settle_breach(draft: Draft, name: str, old: sla.Clock, new: sla.Clock) -> None:
    if old.breached is None:
        point = new.breached if new.is_settled else past_due(draft, new)
        if point is not None and not is_told(draft, name):
            draft.emit("sla.breached", data={"clock": name}, at=instant(point))
    elif vanished(draft, old, new):
        data = {"clock": name, "breached_at": instant(old.breached)}
        draft.emit("sla.breach_retracted", data=data)


def is_told(draft: Draft, name: str) -> bool:
    return any(
        e.kind == "sla.breached" and e.data["clock"] == name for e in draft.events
    )


def past_due(draft: Draft, clock: sla.Clock) -> int | None:
    """Return the due instant of a running clock if it has passed."""
    clocks = draft.ticket.clocks
    if clocks is None:
        return None
    point = sla.breach_point(clock, draft.book.calendar(clocks.calendar_id))
    return point if point is not None and micros(draft.now) > point else None


def vanished(draft: Draft, old: sla.Clock, new: sla.Clock) -> bool:
    """Whether a recorded breach is none any more, by nobody's changing the target."""
    if len(new.superseded) > len(old.superseded) or new.cycle > old.cycle:
        return False
    if new.is_settled:
        return new.verdict == sla.MET
    return past_due(draft, new) is None
