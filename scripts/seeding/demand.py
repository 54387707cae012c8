"""What breaks, where and when: the needs from which tickets come.

Counts per day, zone and category follow growth, the week, public holidays, the
monsoon and the weather, and sum exactly to what was asked for; on top come outages
(many tickets close in place and time) and repeat faults at one address.
Shapes and shares are assumptions about a fibre access network, not measurements.
Instants are whole seconds since 1970; days are local (UTC+8, without summer time).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from db.reference import STATES, public_holidays
from db.vocabulary import Category, Cause, Priority
from scripts.seeding import names, places
from scripts.seeding.names import Person
from scripts.seeding.places import REGIONS, Address, Exchange, Region

Rng = np.random.Generator

DAY_S, HOUR_S = 86_400, 3_600
LOCAL_OFFSET_S = 8 * HOUR_S
DAYS, TICKETS = 400, 15_000
GROWTH_PER_YEAR = 0.35
OUTAGE_SHARE, OUTAGE_SIZE = 0.08, 16  # of all tickets; tickets in an outage
REPEAT_SHARE = 0.05
ADDRESS_RADIUS_KM, OUTAGE_RADIUS_KM = 1.5, 0.7

REPAIR, INSTALL = Category.REPAIR, Category.FIBER_INSTALLATION
MAINTENANCE, INSPECTION = Category.MAINTENANCE, Category.INSPECTION
EMERGENCY = Category.EMERGENCY
CATEGORIES = (REPAIR, INSTALL, MAINTENANCE, INSPECTION, EMERGENCY)
OUTDOORS = {REPAIR, EMERGENCY}
SHARES: Mapping[Category, float] = {
    REPAIR: 0.50,
    INSTALL: 0.24,
    MAINTENANCE: 0.12,
    INSPECTION: 0.09,
    EMERGENCY: 0.05,
}
# Monday first; in Sunday-to-Thursday states the week starts a day earlier.
OFFICE_WEEK = (1.20, 1.15, 1.10, 1.10, 0.95, 0.35, 0.12)
WEEK: Mapping[Category, Sequence[float]] = {
    REPAIR: (1.20, 1.08, 1.02, 1.00, 1.02, 0.90, 0.78),
    INSTALL: OFFICE_WEEK,
    MAINTENANCE: OFFICE_WEEK,
    INSPECTION: OFFICE_WEEK,
    EMERGENCY: (1.05, 1.00, 1.00, 1.00, 1.05, 1.00, 0.90),
}
ON_HOLIDAY: Mapping[Category, float] = {
    REPAIR: 0.70,
    INSTALL: 0.10,
    MAINTENANCE: 0.10,
    INSPECTION: 0.05,
    EMERGENCY: 0.90,
}
AFTER_HOLIDAY = 1.15
# Month to how much more breaks outdoors.
MONSOON: Mapping[str, Mapping[int, float]] = {
    "east": {11: 1.5, 12: 1.9, 1: 1.5, 2: 1.15},
    "borneo": {11: 1.2, 12: 1.4, 1: 1.5, 2: 1.2},
    "west": {4: 1.25, 5: 1.1, 10: 1.3, 11: 1.25},
}
# Relative calls by local hour: households, and office hours.
HOUSEHOLD_HOURS = (
    *(1.0, 0.6, 0.4, 0.3, 0.3, 0.6, 1.5, 3.2),
    *(5.5, 7.0, 7.2, 6.6, 5.4, 5.0, 6.0, 6.2),
    *(6.0, 5.4, 4.8, 5.0, 5.6, 5.0, 3.6, 2.0),
)
OFFICE_HOURS = (
    [0.0] * 7 + [0.6] + [6, 9, 9.5, 8, 4, 5, 8.5, 8] + [6, 3, 0.8, 0.3] + [0.0] * 4
)
ANY_HOUR = [2.5] * 6 + [4.0] * 13 + [3.5] * 5

PRIORITIES: Mapping[Category, tuple[float, ...]] = {  # urgent, high, medium, low
    REPAIR: (0.06, 0.28, 0.50, 0.16),
    INSTALL: (0.00, 0.04, 0.26, 0.70),
    MAINTENANCE: (0.01, 0.09, 0.35, 0.55),
    INSPECTION: (0.00, 0.03, 0.32, 0.65),
    EMERGENCY: (0.75, 0.25, 0.00, 0.00),
}
CAUSES: Mapping[Category, Mapping[Cause, float]] = {
    REPAIR: {
        Cause.DROP_FIBRE: 0.30,
        Cause.CUSTOMER_CPE: 0.24,
        Cause.FDP_BREAKDOWN: 0.12,
        Cause.POWER: 0.10,
        Cause.LONG_SPAN: 0.08,
        Cause.RODENT: 0.08,
        Cause.OTHER: 0.08,
    },
    MAINTENANCE: {
        Cause.FDP_BREAKDOWN: 0.35,
        Cause.RODENT: 0.20,
        Cause.LONG_SPAN: 0.20,
        Cause.POWER: 0.15,
        Cause.OTHER: 0.10,
    },
    EMERGENCY: {
        Cause.LONG_SPAN: 0.45,
        Cause.POWER: 0.25,
        Cause.FDP_BREAKDOWN: 0.20,
        Cause.OTHER: 0.10,
    },
}
REPEATING = {Cause.DROP_FIBRE, Cause.RODENT, Cause.FDP_BREAKDOWN, Cause.CUSTOMER_CPE}


@dataclass(frozen=True, slots=True)
class Need:
    """One thing to be done. at: seconds since 1970.

    outage: the number of the outage it belongs to, None if none; `is_head` marks
    the emergency itself. cause: what will be found, not what is known.
    """

    at: int
    region: Region
    category: Category
    priority: Priority
    cause: Cause | None
    exchange: Exchange
    address: Address
    customer: Person
    outage: int | None = None
    is_head: bool = False
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """The days that are told: `days` full ones and then `last` itself."""

    last: date
    days: int = DAYS

    @property
    def first(self) -> date:
        return self.last - timedelta(days=self.days)

    def day(self, n: int) -> date:
        return self.first + timedelta(days=n)

    @property
    def starts_at(self) -> int:
        return local_midnight(self.first)

    @property
    def ends_at(self) -> int:
        """Return the last midnight: the end of the last day."""
        return local_midnight(self.last + timedelta(days=1))


def local_midnight(day: date) -> int:
    utc = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return int(utc.timestamp()) - LOCAL_OFFSET_S


def local_day(at: int) -> int:
    """Return the local day as a count since 1970."""
    return (at + LOCAL_OFFSET_S) // DAY_S


def local_seconds(at: int) -> int:
    """Return the seconds since local midnight."""
    return (at + LOCAL_OFFSET_S) % DAY_S


def needs_of(count: int, window: Window, rng: Rng) -> list[Need]:
    """Return `count` needs before the last day, and those of the last day, in order."""
    network = Network.of(rng)
    outages = round(count * OUTAGE_SHARE)
    repeats = round(count * REPEAT_SHARE)
    found = single_needs(count - outages - repeats, window, network, rng)
    found += outage_needs(outages, window, network, rng)
    found += repeat_needs(repeats, found, window, rng)
    found += needs_of_last_day(count, window, network, rng)
    return sorted(found, key=lambda need: need.at)


@dataclass(frozen=True, slots=True)
class Network:
    """Exchanges of each zone, with how much breaks there and of what."""

    exchanges: Mapping[str, list[Exchange]]
    shares: Mapping[str, list[float]]
    rodents: Mapping[str, float]  # exchange name to how much more they gnaw there

    @classmethod
    def of(cls, rng: Rng) -> "Network":
        found = {r.zone: places.exchanges_of(r, rng) for r in REGIONS}
        shares = {
            r.zone: [
                town.share * float(rng.gamma(4.0, 0.25))
                for town in r.towns
                for _ in range(places.EXCHANGES_PER_TOWN)
            ]
            for r in REGIONS
        }
        every = [e.name for exchanges in found.values() for e in exchanges]
        worse = rng.gamma(0.6, 1.7, len(every))
        rodents = {name: float(x) for name, x in zip(every, worse, strict=True)}
        return cls(found, shares, rodents)

    def exchange(self, zone: str, rng: Rng) -> Exchange:
        weights = self.shares[zone]
        point = rng.random() * sum(weights)
        for exchange, weight in zip(self.exchanges[zone], weights, strict=True):
            point -= weight
            if point < 0:
                return exchange
        return self.exchanges[zone][-1]


def intensities(window: Window, rng: Rng) -> np.ndarray:
    """Return relative demand, shape (days + 1, zones, categories)."""
    days = [window.day(n) for n in range(window.days + 1)]
    growth = 1 + GROWTH_PER_YEAR * np.arange(len(days)) / 365
    share = np.array([SHARES[c] for c in CATEGORIES])
    found = np.empty((len(days), len(REGIONS), len(CATEGORIES)))
    for z, region in enumerate(REGIONS):
        season = rhythm(region, days) * weather(region, days, rng)
        found[:, z, :] = region.population * share * season * growth[:, None]
    return found


def rhythm(region: Region, days: Sequence[date]) -> np.ndarray:
    """Return the factors of week and holidays, shape (days, categories)."""
    state = next(s for s in STATES if s.name == region.zone)
    closed = public_holidays(state.subdivision)
    shift = 1 if 6 in state.workdays else 0
    found = np.empty((len(days), len(CATEGORIES)))
    for n, day in enumerate(days):
        after = day - timedelta(days=1) in closed
        for c, category in enumerate(CATEGORIES):
            week = WEEK[category]
            factor = week[(day.weekday() + shift) % 7] * 7 / sum(week)
            if day in closed:
                factor = min(factor, 1.0) * ON_HOLIDAY[category]
            elif after and category is REPAIR:
                factor *= AFTER_HOLIDAY
            found[n, c] = factor
    return found


def weather(region: Region, days: Sequence[date], rng: Rng) -> np.ndarray:
    """Return the factors of season and weather, shape (days, categories).

    Day-to-day weather is a first-order autoregression of its logarithm.
    """
    log_level, levels = 0.0, np.empty(len(days))
    for n, shock in enumerate(rng.normal(0, 0.18, len(days))):
        log_level = 0.7 * log_level + shock
        levels[n] = np.exp(log_level)
    season = np.array([MONSOON[region.monsoon].get(d.month, 1.0) for d in days])
    outdoors = np.array([c in OUTDOORS for c in CATEGORIES])
    return np.where(outdoors, (season * levels)[:, None], (1.1 - 0.1 * season)[:, None])


def single_needs(count: int, window: Window, network: Network, rng: Rng) -> list[Need]:
    """Return exactly `count` needs that have nothing to do with each other."""
    demand = intensities(window, rng)[:-1]
    drawn = rng.multinomial(count, (demand / demand.sum()).ravel())
    return [
        need
        for cell in np.flatnonzero(drawn)
        for need in needs_in_cell(
            np.unravel_index(cell, demand.shape), int(drawn[cell]), window, network, rng
        )
    ]


def needs_in_cell(
    cell: Sequence[np.intp], count: int, window: Window, network: Network, rng: Rng
) -> list[Need]:
    day, zone, category = (int(i) for i in cell)
    midnight = window.starts_at + day * DAY_S
    return [
        need_at(
            midnight + second_of_day(CATEGORIES[category], rng),
            REGIONS[zone],
            CATEGORIES[category],
            network,
            rng,
        )
        for _ in range(count)
    ]


def needs_of_last_day(
    count: int, window: Window, network: Network, rng: Rng
) -> list[Need]:
    """Return the needs of the day on which the story stops, an outage among them."""
    demand = intensities(window, rng)
    expected = demand[-1] * (count / demand[:-1].sum()) * (1 - OUTAGE_SHARE)
    drawn = rng.poisson(expected)
    found: list[Need] = []
    for zone, category in zip(*np.nonzero(drawn), strict=True):
        cell = (np.intp(window.days), zone, category)
        found += needs_in_cell(cell, int(drawn[zone, category]), window, network, rng)
    if count >= TICKETS // 2:
        at = window.ends_at - DAY_S + 7 * HOUR_S + int(rng.integers(HOUR_S))
        found += outage_at(at, region_by_people(rng), OUTAGE_SIZE, -1, network, rng)
    return found


HOURS: Mapping[Category, Sequence[float]] = {
    REPAIR: HOUSEHOLD_HOURS,
    INSTALL: OFFICE_HOURS,
    MAINTENANCE: OFFICE_HOURS,
    INSPECTION: OFFICE_HOURS,
    EMERGENCY: ANY_HOUR,
}
CUMULATIVE = {c: np.cumsum(h) / np.sum(h) for c, h in HOURS.items()}


def second_of_day(category: Category, rng: Rng) -> int:
    hour = int(np.searchsorted(CUMULATIVE[category], rng.random(), side="right"))
    return hour * HOUR_S + int(rng.integers(HOUR_S))


def need_at(
    at: int, region: Region, category: Category, network: Network, rng: Rng
) -> Need:
    exchange = network.exchange(region.zone, rng)
    return Need(
        at,
        region,
        category,
        Priority(names.pick(list(Priority), rng, PRIORITIES[category])),
        cause_of(category, region, exchange, at, network, rng),
        exchange,
        places.address_near(exchange, rng, ADDRESS_RADIUS_KM),
        names.person_of(region.zone, int(rng.integers(10_000)), rng),
    )


def cause_of(
    category: Category,
    region: Region,
    exchange: Exchange,
    at: int,
    network: Network,
    rng: Rng,
) -> Cause | None:
    """Return what will turn out to be wrong: by place, and by season."""
    usual = CAUSES.get(category)
    if usual is None:
        return None
    month = datetime.fromtimestamp(at + LOCAL_OFFSET_S, UTC).month
    wet = MONSOON[region.monsoon].get(month, 1.0)
    shares = dict(usual)
    shares[Cause.RODENT] = shares.get(Cause.RODENT, 0) * network.rodents[exchange.name]
    shares[Cause.POWER] = shares.get(Cause.POWER, 0) * wet
    shares[Cause.DROP_FIBRE] = shares.get(Cause.DROP_FIBRE, 0) * wet
    return Cause(names.pick(list(shares), rng, list(shares.values())))


def region_by_people(rng: Rng) -> Region:
    zone = names.pick([r.zone for r in REGIONS], rng, [r.population for r in REGIONS])
    return next(r for r in REGIONS if r.zone == zone)


def outage_needs(count: int, window: Window, network: Network, rng: Rng) -> list[Need]:
    """Return `count` needs in outages: more of them in the wet months."""
    found: list[Need] = []
    number = 0
    while len(found) < count:
        region = region_by_people(rng)
        day = int(rng.integers(window.days))
        wet = MONSOON[region.monsoon].get(window.day(day).month, 1.0)
        if rng.random() * 1.9 > wet:
            continue
        at = window.starts_at + day * DAY_S + second_of_day(EMERGENCY, rng)
        size = max(4, min(48, int(rng.lognormal(np.log(OUTAGE_SIZE) - 0.2, 0.6))))
        size = min(size, count - len(found))
        found += outage_at(at, region, size, number, network, rng)
        number += 1
    return found


def outage_at(
    at: int, region: Region, size: int, number: int, network: Network, rng: Rng
) -> list[Need]:
    """Return one outage: the emergency, and the customers who call because of it."""
    exchange = network.exchange(region.zone, rng)
    is_cut = rng.random() < 0.6
    cause = Cause.LONG_SPAN if is_cut else Cause.POWER
    head = Need(
        at,
        region,
        EMERGENCY,
        Priority.URGENT,
        cause,
        exchange,
        places.address_near(exchange, rng, 0.2),
        names.person_of(region.zone, int(rng.integers(10_000)), rng),
        outage=number,
        is_head=True,
    )
    gaps = rng.exponential(50 * 60, size - 1) - 8 * 60  # some call before it is known
    callers = [
        replace(
            head,
            at=at + int(gap),
            category=REPAIR,
            priority=Priority.HIGH if rng.random() < 0.7 else Priority.MEDIUM,
            address=places.address_near(exchange, rng, OUTAGE_RADIUS_KM),
            customer=names.person_of(region.zone, int(rng.integers(10_000)), rng),
            is_head=False,
        )
        for gap in gaps
    ]
    return [head, *callers]


def repeat_needs(
    count: int, singles: Sequence[Need], window: Window, rng: Rng
) -> list[Need]:
    """Return `count` faults that come back to an address within some weeks."""
    first = [
        n
        for n in singles
        if n.category is REPAIR and n.cause in REPEATING and n.outage is None
    ]
    last_midnight = window.ends_at - DAY_S
    found: list[Need] = []
    while len(found) < count and first:
        need = first[int(rng.integers(len(first)))]
        for _ in range(int(rng.integers(1, 5))):
            gap = 3 * DAY_S + rng.exponential(9 * DAY_S)
            again = local_midnight_of(need.at + int(gap)) + second_of_day(REPAIR, rng)
            if again >= last_midnight or len(found) == count:
                break
            need = replace(need, at=again, is_repeat=True)
            found.append(need)
    return found


def local_midnight_of(at: int) -> int:
    return local_day(at) * DAY_S - LOCAL_OFFSET_S
