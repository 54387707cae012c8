"""How long a login waits after wrong passwords. Pure.

Counted per address and account, by whichever of its names it was asked for; where there
is no such account, per address and name as typed. Both are answered the same. The wait
grows and ends: nobody can lock another out for good.
"""

import hashlib
import ipaddress
from datetime import datetime, timedelta

from auth_service.names import email_key, looks_like_email, username_key

FREE_FAILURES = 5
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=1)
IPV6_NETWORK_BITS = 64
ACCOUNT = "user "  # no digest begins so


def wait_after(failures: int) -> timedelta | None:
    """Return how long to wait after the n-th failure in a row; None while free."""
    if failures < FREE_FAILURES:
        return None
    doublings = min(failures - FREE_FAILURES, 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def seconds_left(locked_until: datetime | None, now: datetime) -> int:
    """Return how many whole seconds a lock still lasts; 0 if it does not."""
    if locked_until is None or locked_until <= now:
        return 0
    return int((locked_until - now).total_seconds()) + 1


def known_key(user_id: int) -> str:
    """Return what failures of an account are counted under."""
    return f"{ACCOUNT}{user_id}"


def unknown_key(typed: str) -> str:
    """Return the same of a name that nobody has: a digest, lest it be a password."""
    key = email_key(typed) if looks_like_email(typed) else username_key(typed)
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def counted_address(address: str | None) -> str:
    """Return the address failures are counted for: a whole /64 of IPv6 is one."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((found, IPV6_NETWORK_BITS), strict=False))
