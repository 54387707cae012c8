"""The stateless SLA question: what if these were the calendar and the pauses?

Checks the body by hand, because its errors must name the path of the field, and
answers with the very functions that judge real tickets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from service_kit.errors import Invalid
from tickets_service import sla
from tickets_service.calendars import SECOND, WorkCalendar, instant, micros

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2150, 1, 1, tzinfo=UTC)
MAX_PAUSES = 1_000
MAX_SPAN = timedelta(days=3_660)
MICROSECOND = timedelta(microseconds=1)
FIELDS = {"calendar", "start", "target_seconds", "pauses", "now"}


@dataclass(frozen=True, slots=True)
class Question:
    """A parsed preview; its calendar still to be read when it is only an id."""

    calendar: object
    clock: sla.Clock
    now: int

    @property
    def calendar_id(self) -> int | None:
        if isinstance(self.calendar, Mapping) and set(self.calendar) == {"id"}:
            found = self.calendar["id"]
            if isinstance(found, int) and not isinstance(found, bool):
                return found
            raise Invalid({"calendar.id": "must be a whole number"})
        return None


def parse_question(body: object, now: datetime) -> Question:
    """Return the question, or raise Invalid naming what is wrong with it."""
    if not isinstance(body, Mapping):
        raise Invalid({"body": "must be an object"})
    unknown = {str(name): "unknown field" for name in body if name not in FIELDS}
    if unknown:
        raise Invalid(unknown)
    if body.get("calendar") is None:
        raise Invalid({"calendar": "is required"})
    start = parse_instant(body.get("start"), "start")
    asked = body.get("now")
    at = now if asked is None else parse_instant(asked, "now")
    if abs(at - start) > MAX_SPAN:
        raise Invalid({"start": "lies more than ten years from now"})
    clock = sla.Clock(
        parse_target(body.get("target_seconds")) * SECOND,
        micros(start),
        pauses=parse_pauses(body.get("pauses")),
    )
    return Question(body["calendar"], clock, micros(at))


def parse_instant(raw: object, field: str) -> datetime:
    if not isinstance(raw, str):
        raise Invalid({field: "must be an RFC 3339 instant"})
    try:
        found = datetime.fromisoformat(raw)
    except ValueError as error:
        raise Invalid({field: "must be an RFC 3339 instant"}) from error
    if found.tzinfo is None:
        raise Invalid({field: "must name its offset from UTC, such as Z"})
    found = found.astimezone(UTC) if EARLIEST.year < found.year < 2149 else found
    if not EARLIEST <= found <= LATEST:
        raise Invalid({field: "is out of range"})
    return found


def parse_target(raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise Invalid({"target_seconds": "must be whole seconds"})
    if not 0 < raw <= sla.MAX_TARGET_S:
        raise Invalid({"target_seconds": f"must be 1 to {sla.MAX_TARGET_S}"})
    return raw


def parse_pauses(raw: object) -> tuple[sla.Pause, ...]:
    """Return the pauses in order; only the last may still be running."""
    if raw is None:
        return ()
    if not isinstance(raw, list) or len(raw) > MAX_PAUSES:
        raise Invalid({"pauses": "must be a list of {from, to}"})
    found = sorted(
        (parse_pause(entry, f"pauses.{n}") for n, entry in enumerate(raw)),
        key=lambda p: (p.start, p.end is None, p.end or 0),
    )
    return merged(found)


def parse_pause(raw: object, field: str) -> sla.Pause:
    if not isinstance(raw, Mapping):
        raise Invalid({field: "must be {from, to}"})
    for name in raw:
        if name not in ("from", "to", "reason"):
            raise Invalid({f"{field}.{name}": "unknown field"})
    start = micros(parse_instant(raw.get("from"), f"{field}.from"))
    if raw.get("to") is None:
        return sla.Pause(start, None, "")
    end = micros(parse_instant(raw["to"], f"{field}.to"))
    if end < start:
        raise Invalid({f"{field}.to": "is before from"})
    return sla.Pause(start, end, "")


def merged(pauses: Sequence[sla.Pause]) -> tuple[sla.Pause, ...]:
    """Return sorted pauses as disjoint ones; touching pauses are one pause (R7)."""
    found: list[sla.Pause] = []
    for pause in pauses:
        last = found[-1] if found else None
        if last is None or (last.end is not None and pause.start > last.end):
            found.append(pause)
        elif last.end is not None:
            end = None if pause.end is None else max(last.end, pause.end)
            found[-1] = sla.Pause(last.start, end, "")
    return tuple(found)


def answer(question: Question, calendar: WorkCalendar) -> dict[str, Any]:
    """Return due, elapsed, remaining and the segments up to due (or now, paused)."""
    clock, now = question.clock, question.now
    due = sla.due(clock, calendar)
    if due is None and clock.paused_since is None:
        raise Invalid({"calendar": "does not open long enough to reach the target"})
    used = sla.elapsed(clock, calendar, now) // SECOND
    end = due if due is not None else max(now, clock.paused_since or now)
    if end - clock.base > MAX_SPAN // MICROSECOND:
        raise Invalid({"target_seconds": "is due only in more than ten years"})
    stretches = sla.segments(clock, calendar, end)
    return {
        "due_at": None if due is None else instant(due),
        "elapsed_seconds": used,
        "remaining_seconds": clock.limit // SECOND - used,
        "segments": segments_as_json(stretches, kinds_only=True),
    }


def segments_as_json(
    stretches: Sequence[sla.Stretch], *, kinds_only: bool = False
) -> list[dict[str, Any]]:
    """Return segments for people. kinds_only drops the name behind the colon."""
    return [
        {
            "from": instant(start),
            "to": instant(end),
            "kind": kind.partition(":")[0] if kinds_only else kind,
            "seconds": seconds,
        }
        for (start, end, kind), seconds in zip(
            stretches, sla.in_seconds(stretches), strict=True
        )
    ]
