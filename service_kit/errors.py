"""The ways in which a request can fail, in plain words and free of HTTP.

Domain code raises these; `service_kit.problems` turns them into responses.
"""

from collections.abc import Iterable, Mapping
from typing import Any


class AppError(Exception):
    """Base of every failure that the caller caused and can act on.

    `code` is part of the public API: clients branch on it, so a released code
    never changes. `detail` is written for people and may be reworded freely.
    `extra` holds further members of the problem document.
    """

    code = "error"

    def __init__(self, detail: str, *, code: str | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.code
        self.extra = extra


class Invalid(AppError):
    """A value is wrong. errors: {field: [message, ...]}."""

    code = "invalid"

    def __init__(
        self,
        errors: Mapping[str, list[str] | str],
        *,
        detail: str | None = None,
        code: str | None = None,
    ) -> None:
        listed = {k: [v] if isinstance(v, str) else list(v) for k, v in errors.items()}
        named = "; ".join(f"{k}: {' '.join(v)}" for k, v in listed.items())
        super().__init__(detail or named, code=code, errors=listed)


class Unreadable(AppError):
    code = "unreadable"


class Unauthenticated(AppError):
    code = "unauthenticated"


class Forbidden(AppError):
    code = "forbidden"


class NotFound(AppError):
    code = "not_found"


class Conflict(AppError):
    code = "conflict"


class IllegalTransition(Conflict):
    """A move outside the table; `allowed` are the moves open now."""

    code = "illegal_transition"

    def __init__(self, detail: str, *, allowed: Iterable[str]) -> None:
        super().__init__(detail, allowed=sorted(allowed))


class Stale(AppError):
    """Someone else changed the row since the caller read it."""

    code = "stale"


class TooLarge(AppError):
    code = "too_large"


class UnsupportedType(AppError):
    code = "unsupported_media_type"


class TooMany(AppError):
    """Asked too often; try again after `retry_after_s`."""

    code = "rate_limited"

    def __init__(
        self, detail: str, *, retry_after_s: int, code: str | None = None
    ) -> None:
        super().__init__(detail, code=code)
        self.retry_after_s = max(1, retry_after_s)


class Unavailable(AppError):
    """Something that we need is away; try again in a moment."""

    code = "unavailable"
    retry_after_s = 2
