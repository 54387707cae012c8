"""How old the unfinished tickets are, in days since they were created."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection

from analytics_service import queries
from analytics_service.asking import Asked
from analytics_service.figures import Answer, counted, group_filters, stamp
from analytics_service.periods import DAY, cover, day_start
from analytics_service.queries import Key, Sums
from analytics_service.totals import ByStretch, added, span_sum
from db.vocabulary import UNFINISHED

# Ages in whole days of the calendar; 0 is today.
BUCKETS = ((0, 1), (2, 3), (4, 7), (8, 14), (15, 30), (31, 90), (91, None))
STATUSES = tuple(str(status) for status in UNFINISHED)
MEASURES = tuple(f"unfinished_{status}" for status in STATUSES)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Ages from `youngest` to `oldest` days; first None: since ever; end exclusive."""

    youngest: int
    oldest: int | None
    first: date | None
    end: date

    @property
    def name(self) -> str:
        if self.oldest is None:
            return f"over {self.youngest - 1} days"
        return f"{self.youngest}–{self.oldest} days"

    @property
    def key(self) -> str:
        return f"{self.youngest}-{self.oldest or ''}"


def aging(
    connection: Connection, asked: Asked, first: date | None, last: date | None
) -> Answer:
    """Return the answer of GET /api/analytics/aging.

    first, last: only tickets created from and until these days, if given.
    """
    buckets = clipped(asked.today, first, last)
    by_bucket = unfinished(connection, asked, buckets, None).get(None, {})
    filters = group_filters(asked.wanted, None, None)
    zone = asked.period.zone

    def link(statuses: str, bucket: Bucket | None = None) -> str:
        since = bucket.first if bucket else first
        end = bucket.end if bucket else (last + DAY if last else None)
        days = f"&created_from={stamp(day_start(since, zone))}" if since else ""
        days += f"&created_to={stamp(day_start(end, zone))}" if end else ""
        return f"/api/tickets?status={statuses}{days}{filters}"

    def by_status(sums: Sums, bucket: Bucket | None = None) -> Answer:
        return {
            status: counted(
                sums.get(f"unfinished_{status}", 0),
                f"Tickets {status.replace('_', ' ')} now.",
                link(status, bucket),
            )
            for status in STATUSES
        }

    def total(sums: Sums, bucket: Bucket | None = None) -> Answer:
        every = link(",".join(STATUSES), bucket)
        return counted(sum(sums.values()), "Tickets unfinished now.", every)

    whole = added(by_bucket.values())
    return {
        **asked.frame(),
        "from": first,
        "to": last,
        "total": total(whole),
        "by_status": by_status(whole),
        "buckets": [
            {
                "key": bucket.key,
                "name": bucket.name,
                "min_age_days": bucket.youngest,
                "max_age_days": bucket.oldest,
                "count": total(by_bucket.get(n, {}), bucket),
                "by_status": by_status(by_bucket.get(n, {}), bucket),
            }
            for n, bucket in enumerate(buckets)
        ],
    }


def clipped(today: date, first: date | None, last: date | None) -> list[Bucket]:
    """Return the age buckets as days of creation, within the days asked for."""
    found = []
    for youngest, oldest in BUCKETS:
        since = None if oldest is None else today - timedelta(days=oldest)
        end = today - timedelta(days=youngest) + (2 * DAY if not youngest else DAY)
        if last is not None:
            end = min(end, last + DAY)
        if first is not None:
            since = max(since or first, first)
        if since is None or since < end:
            found.append(Bucket(youngest, oldest, since, end))
    return found


def unfinished(
    connection: Connection, asked: Asked, buckets: list[Bucket], by: str | None
) -> dict[Key, dict[int, Sums]]:
    """Return {group: {number of the bucket: sums by status}}."""
    if not buckets:
        return {}
    newest = max(*(b.end for b in buckets), asked.today + 2 * DAY)
    days = {day for b in buckets for day in (b.first, b.end) if day is not None}
    rows = cover(days | {newest})
    asked.check_breadth(connection, rows, by)
    sums = queries.read_sums(
        connection, asked.reading(by), rows, MEASURES, all_time=True
    )

    def of(stretches: ByStretch, bucket: Bucket) -> Sums:
        if bucket.first is not None:
            return span_sum(stretches, rows, bucket.first, bucket.end)
        since = span_sum(stretches, rows, bucket.end, date.max)
        ever: Mapping[str, int] = stretches.get(0, {})
        return {name: ever.get(name, 0) - since.get(name, 0) for name in MEASURES}

    return {
        key: {n: of(stretches, bucket) for n, bucket in enumerate(buckets)}
        for key, stretches in sums.items()
    }
