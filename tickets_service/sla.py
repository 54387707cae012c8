"""The SLA clock (R3-R15): pure functions of events, policy, calendar and now.

A `Clock` counts working, un-paused time from `base`; each function returns a new
one. Instants and spans are whole microseconds (tickets_service/calendars.py), so
verdicts compare instants and nothing is rounded before it is shown.
Refuses to read a clock or a row.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from db.vocabulary import HoldReason, Priority, SlaState
from service_kit.errors import Invalid
from tickets_service.calendars import SECOND, WorkCalendar
from tickets_service.records import changed

WARNINGS = (50, 75, 90)  # per cent of the working time (R15); 100 is the breach
AT_RISK = 75
MET, MISSED = "met", "missed"
COMPLETED = "completed"  # the reason of the gap between completion and reopening
MAX_TARGET_S = 366 * 86_400


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of a promise. targets: {priority: (response_s, resolution_s)}."""

    id: int
    name: str
    version: int
    calendar_id: int
    targets: Mapping[str, tuple[int, int]]
    zones: tuple[str, ...] | None = None
    priorities: tuple[str, ...] | None = None
    pausing_reasons: frozenset[str] = frozenset(HoldReason) - {"other"}
    response_pauses: bool = False
    priority_change: str = "retroactive"
    priority_change_floor_ratio: float | None = None
    reopen: str = "resume"
    reopen_window_days: int = 14
    evidence: Mapping[str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Pause:
    start: int
    end: int | None  # None: still running
    reason: str


@dataclass(frozen=True, slots=True)
class Superseded:
    """A target that was missed before another took its place (R11)."""

    target: int
    due: int
    at: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What a clock counted by until `at`, when its target was changed."""

    at: int
    target: int
    base: int
    used: int
    grant: int


@dataclass(frozen=True)
class Clock:
    """One promise under way.

    used: working time carried over at `base`. grant: what the floor of a priority
    change added to the target. breached: the due instant, once it is known to
    have passed. elapsed: frozen with the verdict. warned: per cent last warned of.
    """

    target: int
    base: int
    used: int = 0
    grant: int = 0
    pauses: tuple[Pause, ...] = ()
    done: int | None = None
    verdict: str | None = None
    elapsed: int | None = None
    breached: int | None = None
    warned: int = 0
    cycle: int = 1
    stopped: int | None = None
    superseded: tuple[Superseded, ...] = ()
    earlier: tuple[Terms, ...] = ()

    @property
    def limit(self) -> int:
        return self.target + self.grant

    @property
    def is_settled(self) -> bool:
        return self.verdict is not None or self.stopped is not None

    @property
    def paused_since(self) -> int | None:
        last = self.pauses[-1] if self.pauses else None
        return last.start if last and last.end is None else None


@dataclass(frozen=True)
class Clocks:
    """Both promises of a ticket, under the versions that were chosen for it."""

    policy_id: int
    calendar_id: int
    response: Clock
    resolution: Clock


def started(policy: Policy, priority: str, at: int) -> Clocks:
    """Return both clocks as they start (R3)."""
    response_s, resolution_s = policy.targets[priority]
    return Clocks(
        policy.id,
        policy.calendar_id,
        Clock(response_s * SECOND, at),
        Clock(resolution_s * SECOND, at),
    )


def promised(clocks: Clocks, calendar: WorkCalendar, at: int) -> Clocks:
    """Return the clocks of an explicit promise: the resolution is due at `at`.

    Outside of the calendar's hours that is the closing time before. Nothing is
    promised of the response, so its clock stops at once.
    """
    target = calendar.worked(clocks.resolution.base, at)
    return changed(
        clocks,
        response=stopped(clocks.response, calendar, clocks.response.base),
        resolution=changed(clocks.resolution, target=target),
    )


def live_pauses(clock: Clock, until: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield disjoint pauses since the base, in order, an open one cut at `until`.

    An open pause is left out when `until` is None.
    """
    at = clock.base
    for pause in clock.pauses:
        end = pause.end if pause.end is not None else until
        if end is not None and end > max(at, pause.start):
            yield max(at, pause.start), end
            at = end


def elapsed(clock: Clock, calendar: WorkCalendar, now: int) -> int:
    """Return the working, un-paused time used by `now`."""
    if clock.elapsed is not None:
        return clock.elapsed
    paused = sum(
        calendar.worked(start, min(end, now))
        for start, end in live_pauses(clock, now)
        if start < now
    )
    return clock.used + calendar.worked(clock.base, now) - paused


def reached(clock: Clock, calendar: WorkCalendar, amount: int) -> int | None:
    """Return the first instant at which `amount` is used (R4).

    None while an open pause keeps it from being reached.
    """
    at, left = clock.base, amount - clock.used
    if not clock.pauses:
        return calendar.advanced(at, left)
    for start, end in live_pauses(clock):
        worked = calendar.worked(at, start)
        if worked >= left:
            return calendar.advanced(at, left)
        left -= worked
        at = end
    found = calendar.advanced(at, left)
    held = clock.paused_since
    return None if found is None or (held is not None and found > held) else found


def due(clock: Clock, calendar: WorkCalendar) -> int | None:
    """Return when the clock is due, None while it is paused (R8)."""
    if clock.paused_since is not None:
        return None
    return reached(clock, calendar, clock.limit)


def due_if_resumed(clock: Clock, calendar: WorkCalendar, now: int) -> int | None:
    return reached(resumed(clock, now), calendar, clock.limit)


def breach_point(clock: Clock, calendar: WorkCalendar) -> int | None:
    """Return the due instant if time passes or passed it un-paused, else None."""
    found = reached(clock, calendar, clock.limit)
    held = clock.paused_since
    return None if found is None or (held is not None and found >= held) else found


def threshold(clock: Clock, calendar: WorkCalendar, percent: int) -> int | None:
    """Return when `percent` of the working time is used, None while paused before."""
    return reached(clock, calendar, -(-clock.limit * percent // 100))


def state(clock: Clock, calendar: WorkCalendar, now: int) -> SlaState:
    if clock.verdict:
        return SlaState(clock.verdict)
    if clock.stopped is not None:
        return SlaState.NONE
    breach = breach_point(clock, calendar)
    if breach is not None and now > breach:
        return SlaState.BREACHED
    if clock.paused_since is not None:
        return SlaState.PAUSED
    risk = threshold(clock, calendar, AT_RISK)
    return SlaState.AT_RISK if risk is not None and now >= risk else SlaState.OK


def held(clock: Clock, at: int, reason: str) -> Clock:
    """Return the clock paused; two holds back to back are one pause (R7)."""
    if clock.is_settled or clock.paused_since is not None:
        return clock
    last = clock.pauses[-1] if clock.pauses else None
    if last and last.end == at and last.reason == reason:
        return changed(clock, pauses=(*clock.pauses[:-1], changed(last, end=None)))
    return changed(clock, pauses=(*clock.pauses, Pause(at, None, reason)))


def resumed(clock: Clock, at: int) -> Clock:
    if clock.paused_since is None:
        return clock
    last = clock.pauses[-1]
    return changed(clock, pauses=(*clock.pauses[:-1], changed(last, end=at)))


def as_of(clock: Clock, at: int) -> Clock:
    """Return the clock under the terms in force at `at`.

    Work that is reported late (R14) is judged by the target of its own time, so
    the order in which events arrive does not change a verdict.
    """
    while clock.earlier and clock.earlier[-1].at > at:
        terms = clock.earlier[-1]
        clock = changed(
            clock,
            target=terms.target,
            base=terms.base,
            used=terms.used,
            grant=terms.grant,
            superseded=tuple(s for s in clock.superseded if s.at < terms.at),
            earlier=clock.earlier[:-1],
        )
    return clock


def judged(clock: Clock, calendar: WorkCalendar, at: int) -> Clock:
    """Return the clock with its verdict: met if done at or before due (R5, R9)."""
    if clock.is_settled:
        return clock
    clock = resumed(as_of(clock, at), at)
    when = reached(clock, calendar, clock.limit)
    missed = when is not None and at > when
    return changed(
        clock,
        done=at,
        verdict=MISSED if missed else MET,
        elapsed=elapsed(clock, calendar, at),
        breached=when if missed else None,
    )


def stopped(clock: Clock, calendar: WorkCalendar, at: int) -> Clock:
    """Return the clock of a cancelled ticket: no verdict, its time frozen."""
    if clock.is_settled:
        return clock
    clock = resumed(as_of(clock, at), at)
    return changed(clock, stopped=at, elapsed=elapsed(clock, calendar, at))


def reopened(clock: Clock, at: int, mode: str) -> Clock:
    """Return the clock running again (R12).

    resume: the time since the completion does not count and a breach persists.
    new_cycle: the whole target anew.
    """
    if clock.done is None:
        return clock
    if mode == "new_cycle":
        return Clock(
            clock.target, at, cycle=clock.cycle + 1, superseded=clock.superseded
        )
    gap = Pause(clock.done, at, COMPLETED)
    return changed(
        clock, pauses=(*clock.pauses, gap), done=None, verdict=None, elapsed=None
    )


def responded(clock: Clock, calendar: WorkCalendar, at: int) -> Clock:
    """Return the response clock judged by its first acknowledgement (R10).

    An earlier one that arrives late (R14) takes the place of the one on file.
    """
    if clock.done is not None and at < clock.done:
        clock = changed(clock, done=None, verdict=None, elapsed=None, breached=None)
    return judged(clock, calendar, at)


def retargeted(
    clock: Clock, calendar: WorkCalendar, target_s: int, at: int, policy: Policy
) -> Clock:
    """Return the clock under another target (R11); a settled one is left alone."""
    target = target_s * SECOND
    if clock.is_settled or target == clock.target:
        return clock
    used = elapsed(clock, calendar, at)
    missed = breach_point(clock, calendar)
    terms = Terms(at, clock.target, clock.base, clock.used, clock.grant)
    earlier = (*clock.earlier, terms)
    other = changed(clock, target=target, grant=0, breached=None, earlier=earlier)
    if policy.priority_change == "forward":
        other = changed(other, base=at, used=0)
    elif policy.priority_change == "proportional":
        other = changed(other, base=at, used=used * target // clock.limit)
    if policy.priority_change_floor_ratio is not None:
        other = with_floor(other, calendar, at, policy.priority_change_floor_ratio)
    if missed is not None and missed < at:
        old = Superseded(clock.target, missed, at)
        other = changed(other, superseded=(*clock.superseded, old))
    return other


def with_floor(clock: Clock, calendar: WorkCalendar, at: int, ratio: float) -> Clock:
    """Return the clock due no earlier than `at` + ratio x target of working time."""
    floor = round(clock.target * ratio)
    short = elapsed(clock, calendar, at) + floor - clock.target
    return changed(clock, grant=max(0, short))


def repriced(clocks: Clocks, policy: Policy, priority: str) -> Clocks:
    """Return unsettled clocks under another policy version (R13)."""
    targets = policy.targets[priority]

    def under(clock: Clock, target_s: int) -> Clock:
        if clock.is_settled:
            return clock
        return changed(clock, target=target_s * SECOND, grant=0, breached=None)

    return Clocks(
        policy.id,
        policy.calendar_id,
        under(clocks.response, targets[0]),
        under(clocks.resolution, targets[1]),
    )


Stretch = tuple[int, int, str]


def segments(clock: Clock, calendar: WorkCalendar, end: int) -> list[Stretch]:
    """Return (from, to, kind) tiling [base, end): where the time went.

    kind: open, closed, holiday[:name], paused[:reason]. A pause outside the
    working hours costs nothing and is shown as closed.
    """
    pauses = [
        (p.start, p.end if p.end is not None else end, p.reason) for p in clock.pauses
    ]
    found: list[Stretch] = []
    for start, stop, kind in calendar.stretches(clock.base, end):
        pieces = [(start, stop, kind)]
        if kind == "open":
            pieces = list(cut_by_pauses(start, stop, pauses))
        for piece in pieces:
            join(found, piece)
    return found


def cut_by_pauses(
    start: int, end: int, pauses: Sequence[tuple[int, int, str]]
) -> Iterator[Stretch]:
    at = start
    for pause_start, pause_end, reason in pauses:
        first, last = max(at, pause_start), min(end, pause_end)
        if first >= last:
            continue
        if first > at:
            yield at, first, "open"
        yield first, last, f"paused:{reason}" if reason else "paused"
        at = last
    if at < end:
        yield at, end, "open"


def join(found: list[Stretch], piece: Stretch) -> None:
    """Append a stretch, joined to the last one if it goes on with the same kind."""
    if found and found[-1][1] == piece[0] and found[-1][2] == piece[2]:
        found[-1] = (found[-1][0], piece[1], piece[2])
    elif piece[0] < piece[1]:
        found.append(piece)


def in_seconds(stretches: Sequence[Stretch]) -> list[int]:
    """Return the whole seconds of each stretch; per kind they add up exactly."""
    total: dict[str, int] = {}
    seconds = []
    for start, end, kind in stretches:
        before = total.get(kind, 0)
        total[kind] = before + end - start
        seconds.append(total[kind] // SECOND - before // SECOND)
    return seconds


def chosen(policies: Sequence[Policy], zone: str, priority: str) -> Policy | None:
    """Return the policy for a ticket (R6): the most specific, then the newest."""
    fitting = [
        p
        for p in policies
        if (p.zones is None or zone in p.zones)
        and (p.priorities is None or priority in p.priorities)
    ]

    def rank(p: Policy) -> tuple[bool, bool, int]:
        return p.zones is not None, p.priorities is not None, p.id

    return max(fitting, key=rank, default=None)


def parse_targets(raw: object, field: str = "targets") -> dict[str, tuple[int, int]]:
    """Return {priority: (response_s, resolution_s)} or raise Invalid."""
    if not isinstance(raw, Mapping):
        raise Invalid({field: "must be an object: priority to minutes"})
    for name in raw:
        if name not in set(Priority):
            raise Invalid({f"{field}.{name}": "unknown priority"})
    found = {}
    for priority in Priority:
        entry = raw.get(priority.value)
        if not isinstance(entry, Mapping):
            raise Invalid({f"{field}.{priority}": "is required"})
        found[priority.value] = (
            minutes_of(entry, "response_minutes", f"{field}.{priority}") * 60,
            minutes_of(entry, "resolution_minutes", f"{field}.{priority}") * 60,
        )
    return found


def minutes_of(entry: Mapping[str, object], name: str, field: str) -> int:
    value = entry.get(name)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not 0 < int(str(value)) <= MAX_TARGET_S // 60:
        raise Invalid({f"{field}.{name}": "must be whole minutes, more than 0"})
    return int(str(value))
