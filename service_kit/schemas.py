"""What every schema shares: unknown fields refused, text that PostgreSQL can hold.

Schemas give the shape of the wire and nothing else: no rule, no SELECT.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

MAX_ID = 2**63 - 1
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class Schema(ma.Schema):
    """Base of all schemas: what they do not name is refused."""

    class Meta:
        unknown = ma.RAISE


class BuildingSchema(Schema):
    """Loads an object of the class `builds` instead of a dict."""

    builds: type[Any]

    @ma.post_load
    def build(self, data: dict[str, Any], **_: Any) -> Any:
        return self.builds(**data)


def storable(text: str) -> str:
    """Return `text`; raises ValidationError for what no text column can hold."""
    if "\x00" in text:
        raise ValidationError("Null characters are not allowed.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValidationError("Not valid Unicode.") from error
    return text


class Text(fields.String):
    """A string of `low` to `high` characters, stripped, that PostgreSQL can hold."""

    def __init__(self, high: int = 200, *, low: int = 0, **options: Any) -> None:
        rules = [validate.Length(min=low or None, max=high)]
        super().__init__(validate=[*rules, *options.pop("validate", [])], **options)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        return storable(super()._deserialize(value, *args, **kwargs)).strip()


class Id(fields.Integer):
    """A row's number: a JSON integer, not a string or a fraction."""

    def __init__(self, **options: Any) -> None:
        rule = validate.Range(min=1, max=MAX_ID)
        super().__init__(strict=True, validate=rule, **options)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *args, **kwargs)


class IdText(fields.Integer):
    """A row's number in a query, where everything is text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validate=validate.Range(min=1, max=MAX_ID), **options)


class Instant(fields.AwareDateTime):
    """An RFC 3339 instant with an offset, between 1970 and 2200, kept in UTC."""

    def __init__(self, **options: Any) -> None:
        super().__init__(format="iso", **options)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            found = super()._deserialize(value, *args, **kwargs)
            instant = found.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError("Must lie between 1970 and 2200.") from error
        if not EARLIEST <= instant < LATEST:
            raise ValidationError("Must lie between 1970 and 2200.")
        return instant


class Word(fields.Enum[Any]):
    """One word of a vocabulary, sent by its value."""

    def __init__(self, kind: type[StrEnum], **options: Any) -> None:
        super().__init__(kind, by_value=True, **options)


class CommaList(fields.Field[list[Any]]):
    """A query parameter `a,b,c` that means any of; each item read by `inner`."""

    def __init__(
        self, inner: fields.Field[Any], *, most: int = 200, **options: Any
    ) -> None:
        super().__init__(**options)
        self.inner = inner
        self.most = most

    def _deserialize(
        self, value: Any, attr: Any, data: Any, **kwargs: Any
    ) -> list[Any]:
        parts = [part.strip() for part in str(value).split(",")]
        if not all(parts):
            raise ValidationError("Must be a comma-separated list without empty items.")
        if len(parts) > self.most:
            raise ValidationError(f"At most {self.most} items.")
        return [self.inner.deserialize(part, attr, data, **kwargs) for part in parts]


class ProblemSchema(ma.Schema):
    """An error (RFC 9457)."""

    type = fields.String(metadata={"example": "about:blank"})
    title = fields.String(metadata={"example": "Unprocessable Entity"})
    status = fields.Integer(metadata={"example": 422})
    detail = fields.String()
    code = fields.String(metadata={"example": "invalid"})
    request_id = fields.String()
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "On 422: messages by field."},
    )
    allowed = fields.List(
        fields.String(),
        metadata={"description": "On illegal_transition: the moves open now."},
    )
