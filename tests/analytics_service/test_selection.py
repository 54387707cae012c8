"""Which cells a request may read, and that it never reads too many."""

import re
from pathlib import Path

import pytest

from analytics_service import queries, selection
from analytics_service.selection import Selection, Sizes, cells_of, cut_for, seen_by
from db import migrate
from db.scope import Actor
from db.vocabulary import Role
from service_kit.errors import Invalid
from tickets_service import rollup

SIZES = Sizes(zones=16, teams=64, technicians=192)
HERE = Selection(zones=("Johor",))


def test_cuts_and_measures_are_those_of_the_roll_up() -> None:
    assert selection.CUTS == rollup.CUTS
    assert queries.MEASURES == rollup.MEASURES
    view = Path(migrate.__file__).with_name("views.sql").read_text()
    kept = view.partition("(VALUES ('')")[2].partition("AS c(cut)")[0]
    assert ("", *re.findall(r"'(\w+)'", kept)) == rollup.CUTS


@pytest.mark.parametrize(
    ("chosen", "by", "cut"),
    [
        (Selection(), None, ""),
        (Selection(), "zone", "z"),
        (HERE, "team", "zt"),
        (HERE, "technician", "ztk"),
        (Selection(), "technician", "ztk"),
        (Selection(categories=("repair",)), "technician", "ztcpk"),
        (Selection(priorities=("high",)), "technician", "ztcpk"),
        (Selection(categories=("repair",)), "priority", "cp"),
        (Selection(zones=("Johor",), categories=("repair",)), "team", "ztc"),
        (
            Selection(categories=("repair",), priorities=("high",)),
            "team",
            "ztcp",
        ),
    ],
)
def test_the_smallest_cut_that_serves_is_read(
    chosen: Selection, by: str | None, cut: str
) -> None:
    assert cut_for(chosen, by) == cut


@pytest.mark.parametrize(
    ("actor", "asked", "seen"),
    [
        (Actor(1, Role.ADMIN), HERE, HERE),
        (Actor(1, Role.VIEWER), Selection(), Selection()),
        (Actor(1, Role.MANAGER, zones=("Perak",)), HERE, Selection(zones=())),
        (
            Actor(1, Role.DISPATCHER, zones=("Johor", "Perak")),
            Selection(),
            Selection(zones=("Johor", "Perak")),
        ),
        (Actor(1, Role.TECHNICIAN, team_id=3), Selection(), Selection(team_ids=(3,))),
        (
            Actor(1, Role.TECHNICIAN, team_id=3),
            Selection(team_ids=(4,)),
            Selection(team_ids=()),
        ),
        (Actor(1, Role.TECHNICIAN), Selection(), Selection(team_ids=())),
        (Actor(1, Role.REQUESTER), Selection(), Selection(zones=())),
    ],
)
def test_nobody_reads_more_than_they_may_see(
    actor: Actor, asked: Selection, seen: Selection
) -> None:
    assert seen_by(actor, asked) == seen


@pytest.mark.parametrize(
    ("cut", "chosen", "cells"),
    [
        ("", Selection(), 1),
        ("z", Selection(), 16),
        ("zt", Selection(), 80),
        ("tc", Selection(categories=("repair",)), 65),
        ("ztk", HERE, 1 + 64 + 192),
        ("ztcpk", Selection(categories=("repair",)), (16 + 64 + 192) * 4),
        ("cp", Selection(), 20),
    ],
)
def test_the_cells_of_a_cut_are_counted(
    cut: str, chosen: Selection, cells: int
) -> None:
    assert cells_of(cut, chosen, SIZES) == cells


def test_too_much_is_refused() -> None:
    selection.check_breadth(selection.MOST_ROWS)
    with pytest.raises(Invalid):
        selection.check_breadth(selection.MOST_ROWS + 1)
