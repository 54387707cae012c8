"""What every view of this service needs: the versions, the caller, the filter.

The glue between Flask and the actions; refuses to hold a rule.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from db.vocabulary import Via
from service_kit.auth import current_actor
from service_kit.clock import utc_now
from service_kit.current import this_app, this_request
from service_kit.etags import expected_version
from service_kit.settings import Settings
from tickets_service.books import Shelf, StoredBook
from tickets_service.directory import zones_named
from tickets_service.filters import TicketFilter
from tickets_service.preferences import Preferences
from tickets_service.storage import Request, World
from tickets_service.ticket_queries import Reader

SHELF = "tickets_shelf"
PREFERENCES = "tickets_preferences"
VIA_HEADER = "X-Via"
STATED_VIA = (Via.CHAT, Via.LEGACY)  # what a client may say of itself
NOT_FILTERS = frozenset({"limit", "cursor", "total", "sort", "group_by", "format"})


def settings() -> Settings:
    found: Settings = this_app().config["SETTINGS"]
    return found


def organisation_zone() -> ZoneInfo:
    return ZoneInfo(settings().organisation_zone)


def shelf() -> Shelf:
    found: Shelf = this_app().extensions[SHELF]
    return found


def preferences() -> Preferences:
    found: Preferences = this_app().extensions[PREFERENCES]
    return found


def book(connection: Connection) -> StoredBook:
    return StoredBook(connection, shelf())


def world(connection: Connection) -> World:
    stated = this_request().headers.get(VIA_HEADER, "")
    via = stated if stated in STATED_VIA else Via.API
    must_explain = preferences().must_explain
    return World(book(connection), organisation_zone(), via, must_explain)


def asked() -> Request:
    """Return who asks, when, and which version If-Match names."""
    return Request(current_actor(), utc_now(), expected_version())


def reader(connection: Connection) -> Reader:
    return Reader(current_actor(), utc_now(), book(connection))


def filter_from(
    connection: Connection, query: Mapping[str, Any], zone: ZoneInfo
) -> TicketFilter:
    """Return the filter of a query. Days become instants of the organisation's zone.

    A `_to` that is a day includes it.
    """
    values: dict[str, Any] = {
        name: bound(name, value, zone) if isinstance(value, date) else value
        for name, value in query.items()
        if name not in NOT_FILTERS
    }
    wanted = TicketFilter(**values)
    if wanted.zone is not None:
        return replace(wanted, zone=zones_named(connection, shelf().zones, wanted.zone))
    return wanted


def bound(name: str, value: date | datetime, zone: ZoneInfo) -> datetime:
    if isinstance(value, datetime):
        return value
    day = value + timedelta(days=1) if name.endswith("_to") else value
    return datetime.combine(day, time(), zone)
