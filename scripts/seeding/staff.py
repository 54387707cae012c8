"""Who works and who asks: teams with bases, skills and shifts, and all accounts.

150 teams of three at scale 1, over the zones by population; the desk; customers
with an account. The first six people are the role accounts, named like the role.
Refuses to touch a database; people and teams are known by their position.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from db.vocabulary import Role
from scripts.seeding import names, places
from scripts.seeding.places import REGIONS, Region

TEAMS, REQUESTERS, REGIONAL_DISPATCHERS = 150, 320, 12
TEAM_SIZE = 3
ROLE_ACCOUNTS = tuple(role.value for role in Role)
TECHNICIAN_ZONE = "Selangor"  # where the `technician` account's team works
BASE_RADIUS_KM = 9.0
DAILY_CAPACITY_MINUTES = 480

EVERY_SKILL = (
    "ftth_repair",
    "ftth_install",
    "splice",
    "otdr",
    "active_olt",
    "civil",
    "power",
    "copper",
)
# What the teams of a zone can do, in turn; small zones get teams that do it all.
PROFILES = (
    ("ftth_repair", "ftth_install", "splice", "otdr", "copper"),
    ("ftth_install", "ftth_repair", "copper"),
    ("ftth_repair", "otdr", "power", "active_olt"),
    ("ftth_install", "civil", "splice", "ftth_repair"),
    ("ftth_repair", "ftth_install", "splice", "power"),
)
SMALL_ZONE = 2
# Local hours, and how many teams of ten work them.
SHIFTS = ((8, 17, 5), (7, 16, 2), (9, 18, 2), (12, 21, 1))


@dataclass(frozen=True, slots=True)
class Team:
    """skills: {name: level 1-3}; shift in local hours; members: positions of people."""

    position: int
    name: str
    zone: str
    skills: Mapping[str, int]
    lat: float
    lon: float
    shift: tuple[int, int]
    members: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Account:
    position: int
    username: str
    email: str
    full_name: str
    role: Role
    phone: str = ""
    team: int | None = None
    zones: tuple[str, ...] | None = None
    locale: str = "en"


@dataclass(slots=True)
class Staff:
    """teams and people in order; the rest are positions of people by zone."""

    teams: list[Team] = field(default_factory=list)
    people: list[Account] = field(default_factory=list)
    dispatchers: dict[str, list[int]] = field(default_factory=dict)
    requesters: dict[str, list[int]] = field(default_factory=dict)

    def add(self, role: Role, full_name: str, **more: object) -> int:
        """Append an account and return its position."""
        position = len(self.people)
        username = str(more.pop("username", f"{names.slug(full_name)}.{position}"))
        values: dict[str, object] = {"email": f"{username}@example.com", **more}
        self.people.append(
            Account(position, username, full_name=full_name, role=role, **values)  # type: ignore[arg-type]
        )
        return position


def staff_of(scale: float, rng: np.random.Generator) -> Staff:
    """Return the teams and accounts of a run at `scale` (1 = 150 teams)."""
    staff = Staff()
    team_count = max(len(REGIONS), round(TEAMS * scale))
    add_role_accounts(staff)
    add_desk(staff, rng)
    shares = places.apportioned(team_count, [r.population for r in REGIONS], least=1)
    for region, count in zip(REGIONS, shares, strict=True):
        for n in range(count):
            add_team(staff, region, n, count, rng)
    add_requesters(staff, max(len(REGIONS), round(REQUESTERS * scale)), rng)
    return staff


def add_role_accounts(staff: Staff) -> None:
    for role in Role:
        staff.add(role, f"Demo {role.value.title()}", username=role.value)


def add_desk(staff: Staff, rng: np.random.Generator) -> None:
    """Add the people at the desk: some for all zones, some for two or three."""
    for _ in range(4):
        staff.add(Role.DISPATCHER, names.person_of("Selangor", 0, rng).name)
    for _ in range(3):
        staff.add(Role.MANAGER, names.person_of("Selangor", 0, rng).name)
    national = [p.position for p in staff.people if p.role is Role.DISPATCHER]
    for region in REGIONS:
        staff.dispatchers[region.zone] = list(national)
    for n in range(REGIONAL_DISPATCHERS):
        zones = tuple(r.zone for r in REGIONS[n % len(REGIONS) :: REGIONAL_DISPATCHERS])
        name = names.person_of(zones[0], 0, rng).name
        position = staff.add(Role.DISPATCHER, name, zones=zones, locale="ms")
        for zone in zones:
            staff.dispatchers[zone] += [position] * 2


def add_team(
    staff: Staff, region: Region, n: int, count: int, rng: np.random.Generator
) -> None:
    """Add the n-th of `count` teams of a zone, with its people."""
    position = len(staff.teams)
    town = region.towns[0 if n % 5 < 3 else n % len(region.towns)]
    lat, lon = places.near(town.lat, town.lon, BASE_RADIUS_KM, rng)
    members = [add_technician(staff, region.zone, position, rng) for _ in range(2)]
    if region.zone == TECHNICIAN_ZONE and n == 0:
        members.insert(0, claim_technician_account(staff, position))
    else:
        members.append(add_technician(staff, region.zone, position, rng))
    staff.teams.append(
        Team(
            position,
            f"{region.zone} {n + 1:02d}",
            region.zone,
            skills_of(n, count, rng),
            round(lat, 4),
            round(lon, 4),
            shift_of(n),
            tuple(members),
        )
    )


def add_technician(staff: Staff, zone: str, team: int, rng: np.random.Generator) -> int:
    person = names.person_of(zone, len(staff.people), rng)
    locale = "ms" if rng.random() < 0.4 else "en"
    return staff.add(
        Role.TECHNICIAN, person.name, phone=person.phone, team=team, locale=locale
    )


def claim_technician_account(staff: Staff, team: int) -> int:
    position = ROLE_ACCOUNTS.index(Role.TECHNICIAN)
    old = staff.people[position]
    staff.people[position] = Account(
        position, old.username, old.email, old.full_name, old.role, team=team
    )
    return position


def skills_of(n: int, count: int, rng: np.random.Generator) -> dict[str, int]:
    wanted = EVERY_SKILL if count <= SMALL_ZONE else PROFILES[n % len(PROFILES)]
    levels = rng.choice((1, 2, 3), size=len(wanted), p=(0.2, 0.45, 0.35))
    return {skill: int(level) for skill, level in zip(wanted, levels, strict=True)}


def shift_of(n: int) -> tuple[int, int]:
    place = n % sum(share for _, _, share in SHIFTS)
    for start, end, share in SHIFTS:
        if place < share:
            return start, end
        place -= share
    raise AssertionError("the shares cover every place")


def add_requesters(staff: Staff, count: int, rng: np.random.Generator) -> None:
    """Add customers with an account; the `requester` account is one of Selangor's."""
    shares = places.apportioned(count, [r.population for r in REGIONS], least=1)
    for region, share in zip(REGIONS, shares, strict=True):
        found = staff.requesters.setdefault(region.zone, [])
        for _ in range(share):
            person = names.person_of(region.zone, len(staff.people), rng)
            locale = "ms" if rng.random() < 0.5 else "en"
            found.append(
                staff.add(
                    Role.REQUESTER, person.name, phone=person.phone, locale=locale
                )
            )
    own = staff.requesters[TECHNICIAN_ZONE]
    own += [ROLE_ACCOUNTS.index(Role.REQUESTER)] * max(1, len(own) // 20)
