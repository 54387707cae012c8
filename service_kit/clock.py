"""The only place that reads the clock; domain code takes `now` as an argument."""

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present instant, aware, in UTC."""
    return datetime.now(UTC)


def monotonic_s() -> float:
    """Return seconds that never run backwards, for measuring and for caches."""
    return time.monotonic()
