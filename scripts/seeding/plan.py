"""The whole plan: staff, needs, and every ticket's steps up to an instant.

The same scale, day and count give the same plan, whatever the time of day: a later
instant only lets more of it have happened. Ids of tickets follow the order of
opening; those of visits and comments count from 1 in the order they came to be.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import heapify, heappop, heappush

import numpy as np

from scripts.seeding import demand
from scripts.seeding.crews import Crews
from scripts.seeding.demand import Window, needs_of
from scripts.seeding.staff import Staff, staff_of
from scripts.seeding.stories import Step, Story, World
from tickets_service import commands as ask

SEED = 20260101


@dataclass(frozen=True, slots=True)
class PlannedTicket:
    """Steps in order of time. `id` is final, as are ids of tickets in the steps."""

    id: int
    steps: tuple[Step, ...]


def planned_staff(scale: float) -> Staff:
    return staff_of(scale, np.random.default_rng([SEED, 1]))


def planned_tickets(
    staff: Staff,
    count: int,
    window: Window,
    until: datetime,
    first_ticket: int = 1,
) -> list[PlannedTicket]:
    """Return the tickets opened before `until`, with what happened to them by then."""
    needs = needs_of(count, window, np.random.default_rng([SEED, 2]))
    crews = Crews.of(staff.teams, window, np.random.default_rng([SEED, 3]))
    ids = [first_ticket + n for n in range(len(needs))]
    world = World(staff, crews, ids)
    for position, need in enumerate(needs):
        if need.is_head and need.outage is not None:
            world.outage_heads[need.outage] = (ids[position], need.at)
    rng = np.random.default_rng([SEED, 4])
    stories = [Story(n, need, world, rng) for n, need in enumerate(needs)]
    end = int(until.timestamp())
    tell(stories, end)
    return numbered(stories, end)


def tell(stories: list[Story], end: int) -> None:
    """Let all stories happen side by side, in the order of time, until `end`."""
    waiting = [(s.at, s.position, s.tell()) for s in stories if s.at <= end]
    heapify(waiting)
    while waiting:
        _, position, life = heappop(waiting)
        story = stories[position]
        for _ in life:
            if story.at <= end:
                heappush(waiting, (story.at, position, life))
            break


def numbered(stories: list[Story], end: int) -> list[PlannedTicket]:
    """Return what happened by `end`, visits and comments numbered as they came."""
    numbers: dict[tuple[int, type[ask.Command], int], int] = {}
    visit_id = comment_id = 1
    for position, step in in_order(stories, end):
        match step.command:
            case ask.OfferVisit(visit_id=local):
                numbers[position, ask.OfferVisit, local] = visit_id
                visit_id += 1
            case ask.AddComment(comment_id=local):
                numbers[position, ask.AddComment, local] = comment_id
                comment_id += 1
    return [
        PlannedTicket(
            story.world.ticket_ids[story.position],
            tuple(
                with_ids(s, story.position, numbers) for s in story.steps if s.at <= end
            ),
        )
        for story in stories
        if story.need.at <= end
    ]


def in_order(stories: list[Story], end: int) -> Iterator[tuple[int, Step]]:
    """Yield (position of the story, step) of what makes rows, in order of time."""
    found = [
        (step.at, story.position, n, step)
        for story in stories
        for n, step in enumerate(story.steps)
        if step.at <= end and isinstance(step.command, ask.OfferVisit | ask.AddComment)
    ]
    for _, position, _, step in sorted(found, key=lambda row: row[:3]):
        yield position, step


def with_ids(
    step: Step, position: int, numbers: dict[tuple[int, type[ask.Command], int], int]
) -> Step:
    match step.command:
        case ask.OfferVisit() | ask.MoveVisit() as command:
            visit_id = numbers[position, ask.OfferVisit, command.visit_id]
            return replace(step, command=replace(command, visit_id=visit_id))
        case ask.AddComment() as command:
            comment_id = numbers[position, ask.AddComment, command.comment_id]
            return replace(step, command=replace(command, comment_id=comment_id))
    return step


def window_of(until: datetime, days: int = demand.DAYS) -> Window:
    """Return the window whose last, unfinished day is the local day of `until`."""
    seconds = int(until.timestamp()) + demand.LOCAL_OFFSET_S
    last = np.datetime64(seconds, "s").astype("datetime64[D]").astype(object)
    return Window(last, days)
