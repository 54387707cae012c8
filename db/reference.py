"""Reference data: Malaysia's states and territories, their calendars and promises.

Added once, by name; what an operator has changed since is left alone. Sources:
ISO 3166-2:MY (codes), the `holidays` package (public holidays by state), state
gazettes (Friday-Saturday weekends in Kedah, Kelantan and Terengganu).
Coordinates are those of the state capital, rounded to 0.01 degrees.
"""

from dataclasses import dataclass
from datetime import date

import holidays
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from db.tickets import Calendar, Counter, SlaPolicy, Zone

FIRST_YEAR, LAST_YEAR = 2024, 2028
NATIONAL_CALENDAR = "Malaysia"
WEST, EAST = "Asia/Kuala_Lumpur", "Asia/Kuching"

OFFICE_HOURS = [["09:00", "13:00"], ["14:00", "18:00"]]
MONDAY_TO_FRIDAY = range(5)
SUNDAY_TO_THURSDAY = (6, 0, 1, 2, 3)

# Minutes of working time (docs/sla.md).
TARGETS = {
    "urgent": {"response_minutes": 30, "resolution_minutes": 240},
    "high": {"response_minutes": 60, "resolution_minutes": 480},
    "medium": {"response_minutes": 240, "resolution_minutes": 960},
    "low": {"response_minutes": 480, "resolution_minutes": 2400},
}
OPTIONS: dict[str, object] = {
    "pausing_reasons": [
        "customer_absent",
        "awaiting_parts",
        "permit_access",
        "weather_safety",
        "third_party",
        "customer_info",
    ],
    "response_pauses": False,
    "priority_change": "retroactive",
    "priority_change_floor_ratio": None,
    "reopen": "resume",
    "reopen_window_days": 14,
}


@dataclass(frozen=True, slots=True)
class State:
    name: str
    code: str  # ISO 3166-2
    subdivision: str  # as the holidays package names it
    region: str
    lat: float
    lon: float
    aliases: tuple[str, ...] = ()
    tz: str = WEST
    workdays: tuple[int, ...] = tuple(MONDAY_TO_FRIDAY)


STATES = (
    State(
        "Johor",
        "MY-01",
        "JHR",
        "Southern",
        1.49,
        103.74,
        ("JB", "Johor Bahru", "Johore", "JHR"),
    ),
    State(
        "Kedah",
        "MY-02",
        "KDH",
        "Northern",
        6.12,
        100.37,
        ("Alor Setar", "KDH"),
        workdays=SUNDAY_TO_THURSDAY,
    ),
    State(
        "Kelantan",
        "MY-03",
        "KTN",
        "Eastern",
        6.13,
        102.24,
        ("Kota Bharu", "KTN"),
        workdays=SUNDAY_TO_THURSDAY,
    ),
    State(
        "Kuala Lumpur",
        "MY-14",
        "KUL",
        "Central",
        3.14,
        101.69,
        ("KL", "KUL", "WP Kuala Lumpur"),
    ),
    State(
        "Labuan", "MY-15", "LBN", "Sabah", 5.28, 115.24, ("LBN", "WP Labuan"), tz=EAST
    ),
    State("Melaka", "MY-04", "MLK", "Southern", 2.19, 102.25, ("Malacca", "MLK")),
    State(
        "Negeri Sembilan",
        "MY-05",
        "NSN",
        "Southern",
        2.73,
        101.94,
        ("N9", "NS", "Seremban", "NSN"),
    ),
    State("Pahang", "MY-06", "PHG", "Eastern", 3.81, 103.33, ("Kuantan", "PHG")),
    State(
        "Penang",
        "MY-07",
        "PNG",
        "Northern",
        5.41,
        100.33,
        ("Pulau Pinang", "Pinang", "PNG", "PG"),
    ),
    State("Perak", "MY-08", "PRK", "Northern", 4.60, 101.08, ("Ipoh", "PRK")),
    State("Perlis", "MY-09", "PLS", "Northern", 6.44, 100.20, ("Kangar", "PLS")),
    State(
        "Putrajaya", "MY-16", "PJY", "Central", 2.93, 101.69, ("PJY", "WP Putrajaya")
    ),
    State(
        "Sabah",
        "MY-12",
        "SBH",
        "Sabah",
        5.98,
        116.07,
        ("Kota Kinabalu", "KK", "SBH"),
        tz=EAST,
    ),
    State(
        "Sarawak", "MY-13", "SWK", "Sarawak", 1.55, 110.35, ("Kuching", "SWK"), tz=EAST
    ),
    State(
        "Selangor",
        "MY-10",
        "SGR",
        "Central",
        3.07,
        101.52,
        ("Shah Alam", "SGR", "Sgor"),
    ),
    State(
        "Terengganu",
        "MY-11",
        "TRG",
        "Eastern",
        5.33,
        103.14,
        ("Kuala Terengganu", "TRG", "Ganu"),
        workdays=SUNDAY_TO_THURSDAY,
    ),
)


def add_reference_data(connection: Connection) -> None:
    """Add what is missing; change nothing that is there."""
    add_zones(connection)
    add_counters(connection)
    if not connection.scalar(select(func.count()).select_from(SlaPolicy)):
        add_calendars_and_policies(connection)


def add_zones(connection: Connection) -> None:
    rows = [
        {
            "name": s.name,
            "code": s.code,
            "country": "MY",
            "subdivision": s.subdivision,
            "region": s.region,
            "tz": s.tz,
            "lat": s.lat,
            "lon": s.lon,
            "aliases": list(s.aliases),
        }
        for s in STATES
    ]
    connection.execute(upsert(Zone).values(rows).on_conflict_do_nothing())


def add_counters(connection: Connection) -> None:
    connection.execute(
        upsert(Counter).values(name="ticket", value=0).on_conflict_do_nothing()
    )
    # Whoever opens tickets from now on is counted (tickets_service/standing_store.py).
    connection.execute(
        text(
            "INSERT INTO tickets.creator_figures (created_by, tickets, figures) "
            "SELECT 0, 0, '{}' WHERE NOT EXISTS (SELECT FROM tickets.tickets) "
            "ON CONFLICT DO NOTHING"
        )
    )


def add_calendars_and_policies(connection: Connection) -> None:
    """Add a calendar and a policy per state, and the national pair for other zones."""
    national = add_calendar(
        connection, NATIONAL_CALENDAR, calendar_definition(WEST, MONDAY_TO_FRIDAY, None)
    )
    add_policy(connection, "Standard", national, zones=None)
    for s in STATES:
        definition = calendar_definition(s.tz, s.workdays, s.subdivision)
        calendar_id = add_calendar(connection, s.name, definition)
        add_policy(connection, f"Standard {s.name}", calendar_id, zones=[s.name])


def add_calendar(
    connection: Connection, name: str, definition: dict[str, object]
) -> int:
    new = insert(Calendar).values(name=name, version=1, definition=definition)
    return connection.execute(new.returning(Calendar.id)).scalar_one()


def add_policy(
    connection: Connection, name: str, calendar_id: int, zones: list[str] | None
) -> None:
    connection.execute(
        insert(SlaPolicy).values(
            name=name,
            version=1,
            calendar_id=calendar_id,
            zones=zones,
            targets=TARGETS,
            options=OPTIONS,
        )
    )


def calendar_definition(
    tz: str, workdays: tuple[int, ...] | range, subdivision: str | None
) -> dict[str, object]:
    """Return office hours on `workdays`, closed on the state's public holidays.

    The shape is that of `POST /api/sla/preview`; Monday is "0".
    """
    closed = public_holidays(subdivision)
    return {
        "tz": tz,
        "weekly": {str(day): OFFICE_HOURS for day in sorted(workdays)},
        "holidays": [day.isoformat() for day in closed],
        "holiday_names": {day.isoformat(): name for day, name in closed.items()},
        "overrides": {},
    }


def public_holidays(subdivision: str | None) -> dict[date, str]:
    """Return the days off of a state, or of the whole country for None, sorted."""
    found = holidays.country_holidays(
        "MY",
        subdiv=subdivision,
        years=range(FIRST_YEAR, LAST_YEAR + 1),
        language="en_US",
    )
    return dict(sorted(found.items()))
