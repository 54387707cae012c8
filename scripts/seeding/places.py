"""Where things happen: states, their people, towns, exchanges and addresses.

Populations are those of the 2020 census (Department of Statistics Malaysia, in
thousands); town coordinates are rounded to 0.01 degrees. Streets, housing estates
and exchanges are made up. Refuses to know anything of tickets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

import numpy as np

KM_PER_DEGREE = 111.2
EARTH_RADIUS_KM = 6371.0
TOWN_RADIUS_KM = 4.0
EXCHANGES_PER_TOWN = 3

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Town:
    name: str
    lat: float
    lon: float
    share: float  # of the zone's customers, relative


@dataclass(frozen=True, slots=True)
class Region:
    """A zone as the plan sees it. population in thousands; monsoon: its season."""

    zone: str
    population: float
    monsoon: str  # "east" (November-February), "west" (April, October), "borneo"
    towns: tuple[Town, ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A building with an OLT, from which the fibres of a quarter start."""

    name: str
    town: str
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Address:
    text: str
    lat: float
    lon: float


def _towns(*rows: tuple[str, float, float, float]) -> tuple[Town, ...]:
    return tuple(Town(*row) for row in rows)


REGIONS: tuple[Region, ...] = (
    Region(
        "Johor",
        4010,
        "west",
        _towns(
            ("Johor Bahru", 1.49, 103.74, 5),
            ("Skudai", 1.54, 103.66, 3),
            ("Batu Pahat", 1.85, 102.93, 2),
            ("Kluang", 2.03, 103.32, 1),
            ("Muar", 2.04, 102.57, 1),
            ("Kulai", 1.66, 103.60, 1),
        ),
    ),
    Region(
        "Kedah",
        2131,
        "west",
        _towns(
            ("Alor Setar", 6.12, 100.37, 4),
            ("Sungai Petani", 5.65, 100.49, 4),
            ("Kulim", 5.37, 100.56, 2),
            ("Jitra", 6.27, 100.42, 1),
        ),
    ),
    Region(
        "Kelantan",
        1793,
        "east",
        _towns(
            ("Kota Bharu", 6.13, 102.24, 5),
            ("Pasir Mas", 6.05, 102.14, 2),
            ("Tanah Merah", 5.81, 102.15, 1),
            ("Machang", 5.77, 102.22, 1),
        ),
    ),
    Region(
        "Kuala Lumpur",
        1982,
        "west",
        _towns(
            ("Kuala Lumpur", 3.14, 101.69, 4),
            ("Cheras", 3.10, 101.74, 3),
            ("Kepong", 3.21, 101.64, 2),
            ("Setapak", 3.20, 101.71, 2),
            ("Bangsar", 3.13, 101.67, 1),
        ),
    ),
    Region("Labuan", 95, "borneo", _towns(("Victoria", 5.28, 115.24, 1))),
    Region(
        "Melaka",
        998,
        "west",
        _towns(
            ("Melaka", 2.19, 102.25, 4),
            ("Ayer Keroh", 2.27, 102.28, 2),
            ("Alor Gajah", 2.38, 102.21, 1),
            ("Jasin", 2.31, 102.43, 1),
        ),
    ),
    Region(
        "Negeri Sembilan",
        1200,
        "west",
        _towns(
            ("Seremban", 2.73, 101.94, 5),
            ("Nilai", 2.80, 101.80, 2),
            ("Port Dickson", 2.52, 101.80, 1),
            ("Bahau", 2.81, 102.40, 1),
        ),
    ),
    Region(
        "Pahang",
        1591,
        "east",
        _towns(
            ("Kuantan", 3.81, 103.33, 5),
            ("Temerloh", 3.45, 102.42, 2),
            ("Bentong", 3.52, 101.91, 1),
            ("Pekan", 3.49, 103.39, 1),
        ),
    ),
    Region(
        "Penang",
        1740,
        "west",
        _towns(
            ("George Town", 5.41, 100.33, 4),
            ("Butterworth", 5.40, 100.37, 2),
            ("Bayan Lepas", 5.30, 100.27, 2),
            ("Bukit Mertajam", 5.36, 100.46, 2),
        ),
    ),
    Region(
        "Perak",
        2496,
        "west",
        _towns(
            ("Ipoh", 4.60, 101.08, 5),
            ("Taiping", 4.85, 100.74, 2),
            ("Teluk Intan", 4.02, 101.02, 1),
            ("Sitiawan", 4.21, 100.70, 1),
            ("Kampar", 4.31, 101.15, 1),
        ),
    ),
    Region(
        "Perlis",
        285,
        "west",
        _towns(("Kangar", 6.44, 100.20, 3), ("Arau", 6.43, 100.27, 1)),
    ),
    Region("Putrajaya", 110, "west", _towns(("Putrajaya", 2.93, 101.69, 1))),
    Region(
        "Sabah",
        3418,
        "borneo",
        _towns(
            ("Kota Kinabalu", 5.98, 116.07, 5),
            ("Sandakan", 5.84, 118.10, 2),
            ("Tawau", 4.25, 117.89, 2),
            ("Lahad Datu", 5.03, 118.33, 1),
            ("Keningau", 5.34, 116.16, 1),
        ),
    ),
    Region(
        "Sarawak",
        2454,
        "borneo",
        _towns(
            ("Kuching", 1.55, 110.35, 5),
            ("Miri", 4.40, 113.99, 2),
            ("Sibu", 2.29, 111.83, 2),
            ("Bintulu", 3.17, 113.04, 1),
        ),
    ),
    Region(
        "Selangor",
        6994,
        "west",
        _towns(
            ("Shah Alam", 3.07, 101.52, 4),
            ("Petaling Jaya", 3.11, 101.61, 4),
            ("Klang", 3.04, 101.45, 3),
            ("Subang Jaya", 3.05, 101.58, 3),
            ("Kajang", 2.99, 101.79, 2),
            ("Rawang", 3.32, 101.58, 1),
            ("Sepang", 2.82, 101.74, 1),
        ),
    ),
    Region(
        "Terengganu",
        1149,
        "east",
        _towns(
            ("Kuala Terengganu", 5.33, 103.14, 5),
            ("Kemaman", 4.23, 103.42, 2),
            ("Dungun", 4.76, 103.42, 1),
        ),
    ),
)

QUARTERS = (
    "Taman Seri Indah",
    "Taman Melati",
    "Taman Bukit Jaya",
    "Taman Desa Ria",
    "Taman Sri Mutiara",
    "Kampung Baru",
    "Bandar Baru",
    "Seksyen 7",
    "Seksyen 13",
    "Taman Perdana",
    "Kampung Sungai Rambai",
    "Taman Harmoni",
    "Desa Cemara",
    "Taman Kenari",
    "Lorong Impian",
    "Taman Saga",
)
STREETS = (
    "Jalan Mawar",
    "Jalan Kenanga",
    "Jalan Melur",
    "Jalan Merbau",
    "Jalan Cengal",
    "Lorong Delima",
    "Jalan Seroja",
    "Jalan Meranti",
    "Persiaran Damai",
    "Jalan Teratai",
    "Lorong Nuri",
    "Jalan Kasturi",
)
COMPASS = ("North", "South", "Central", "East", "West", "Hill")


def apportioned(total: int, shares: Sequence[float], *, least: int = 0) -> list[int]:
    """Return whole numbers that sum to `total`, proportional to `shares`.

    Largest remainders (Hamilton); each gets at least `least`.
    """
    spare = total - least * len(shares)
    if spare < 0:
        raise ValueError(f"{total} cannot give {least} to each of {len(shares)}")
    exact = [spare * share / sum(shares) for share in shares]
    whole = [int(x) for x in exact]
    by_rest = sorted(range(len(shares)), key=lambda i: whole[i] - exact[i])
    for i in by_rest[: spare - sum(whole)]:
        whole[i] += 1
    return [least + n for n in whole]


def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Return the great-circle distance (haversine)."""
    a = (
        sin(radians(lat2 - lat1) / 2) ** 2
        + cos(radians(lat1)) * cos(radians(lat2)) * sin(radians(lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KM * asin(sqrt(a))


def near(lat: float, lon: float, radius_km: float, rng: Rng) -> tuple[float, float]:
    """Return a point about `radius_km` (one standard deviation) from a place."""
    north, east = rng.normal(0, radius_km / KM_PER_DEGREE, 2)
    return round(lat + float(north), 5), round(lon + float(east) / cos(radians(lat)), 5)


def exchanges_of(region: Region, rng: Rng) -> list[Exchange]:
    """Return the exchanges of a zone, a few around each town."""
    found = []
    for town in region.towns:
        for n in range(EXCHANGES_PER_TOWN):
            lat, lon = near(town.lat, town.lon, TOWN_RADIUS_KM, rng)
            found.append(Exchange(f"{town.name} {COMPASS[n]}", town.name, lat, lon))
    return found


def address_near(exchange: Exchange, rng: Rng, radius_km: float = 1.2) -> Address:
    """Return a made-up address in the quarter that an exchange serves."""
    lat, lon = near(exchange.lat, exchange.lon, radius_km, rng)
    house, street_no = int(rng.integers(1, 160)), int(rng.integers(1, 12))
    street = STREETS[int(rng.integers(len(STREETS)))]
    quarter = QUARTERS[int(rng.integers(len(QUARTERS)))]
    text = f"{house} {street} {street_no}, {quarter}, {exchange.town}"
    return Address(text, lat, lon)
