"""The shape of accounts, sessions and keys on the wire. No rule here reads a row."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

from auth_service import names
from auth_service.audit import Kind
from db.vocabulary import Locale, Role
from service_kit.paging import PageQuerySchema
from service_kit.schemas import (
    BuildingSchema,
    CommaList,
    Id,
    IdText,
    Instant,
    Schema,
    Text,
    Word,
    storable,
)

# Far above any password, far below what would tie up a worker.
MAX_SECRET_CHARS = 4_096
SCOPES = (
    "tickets:read",
    "tickets:write",
    "analytics:read",
    "analytics:write",
    "ai:use",
    "auth:read",
    "auth:write",
)


class Username(Text):
    """A user name as people type it, normalised; look-alike letters are refused."""

    def __init__(self, **options: Any) -> None:
        super().__init__(50, low=3, **options)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        name = names.normalised(super()._deserialize(value, *args, **kwargs))
        if not names.is_username(name):
            raise ValidationError(names.USERNAME_RULE)
        return name


class EmailAddress(Text):
    def __init__(self, **options: Any) -> None:
        super().__init__(254, low=3, **options)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        address = names.normalised(super()._deserialize(value, *args, **kwargs))
        return validate.Email()(address)


class Secret(fields.String):
    """A password, token or code: never stripped, and never echoed in a message."""

    def __init__(self, high: int = MAX_SECRET_CHARS, **options: Any) -> None:
        super().__init__(
            validate=validate.Length(min=1, max=high), load_only=True, **options
        )

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        return storable(super()._deserialize(value, *args, **kwargs))


def zone_names(**options: Any) -> fields.List[Any]:
    """Return a list of zone names; null means every zone."""
    return fields.List(
        Text(100, low=1),
        allow_none=True,
        validate=validate.Length(max=200),
        metadata={"description": "null means every zone", "example": ["Selangor"]},
        **options,
    )


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account to be made. role None means requester; zones None means all."""

    username: str
    email: str
    password: str | None = None
    full_name: str = ""
    role: Role | None = None
    team_id: int | None = None
    zones: list[str] | None = None
    locale: Locale = Locale.EN


class NewUserSchema(BuildingSchema):
    builds = NewUser

    username = Username(required=True, metadata={"example": "aisyah"})
    email = EmailAddress(required=True, metadata={"example": "aisyah@example.com"})
    password = Secret(metadata={"example": "correct horse battery"})
    full_name = Text(200, metadata={"example": "Aisyah binti Rahman"})
    role = Word(Role)
    team_id = Id(allow_none=True)
    zones = zone_names()
    locale = Word(Locale)


class RegistrationSchema(NewUserSchema):
    password = Secret(required=True, metadata={"example": "correct horse battery"})


class UserChangesSchema(Schema):
    """What an admin may change; only the fields sent are changed."""

    username = Username()
    email = EmailAddress()
    password = Secret()
    full_name = Text(200)
    role = Word(Role)
    team_id = Id(allow_none=True)
    zones = zone_names()
    locale = Word(Locale)
    is_active = fields.Boolean(truthy={True}, falsy={False})


class ProfileChangesSchema(Schema):
    full_name = Text(200)
    email = EmailAddress()
    locale = Word(Locale)


class UserSchema(Schema):
    id = fields.Integer(metadata={"example": 7})
    username = fields.String(metadata={"example": "aisyah"})
    email = fields.String(metadata={"example": "aisyah@example.com"})
    full_name = fields.String(metadata={"example": "Aisyah binti Rahman"})
    role = Word(Role, metadata={"example": "dispatcher"})
    team_id = fields.Integer(allow_none=True)
    zones = zone_names()
    locale = Word(Locale)
    is_active = fields.Boolean()
    created_at = Instant()
    last_login_at = Instant(allow_none=True)


class PageSchema(Schema):
    limit = fields.Integer(metadata={"example": 50})
    next = fields.String(allow_none=True)
    total = fields.Integer(metadata={"description": "Only with ?total=true."})


class UserPageSchema(Schema):
    items = fields.List(fields.Nested(UserSchema))
    page = fields.Nested(PageSchema)


class UserQuerySchema(PageQuerySchema):
    q = Text(100, metadata={"description": "Part of a user name, e-mail or full name"})
    role = CommaList(Word(Role))
    team_id = CommaList(IdText())
    is_active = fields.Boolean()
    sort = fields.String(
        load_default="id",
        validate=validate.OneOf(
            ["id", "-id", "username", "-username", "created_at", "-created_at"]
        ),
    )


@dataclass(frozen=True, slots=True)
class Login:
    username: str
    password: str
    otp: str | None = None
    recovery_code: str | None = None


class LoginSchema(BuildingSchema):
    builds = Login

    username = Secret(
        254,
        required=True,
        metadata={"example": "dispatcher", "description": "User name or e-mail"},
    )
    password = Secret(required=True, metadata={"example": "fieldforce-dev"})
    otp = Secret(
        20, metadata={"description": "The six digits of the second factor, if on"}
    )
    recovery_code = Secret(
        40, metadata={"description": "In place of otp; each works once"}
    )


class TokensSchema(Schema):
    access_token = fields.String()
    refresh_token = fields.String()
    token_type = fields.String(metadata={"example": "Bearer"})
    expires_in = fields.Integer(metadata={"example": 900, "description": "Seconds"})
    user = fields.Nested(UserSchema)
    recovery_codes = fields.List(
        fields.String(),
        metadata={"description": "Only when this login switched a second factor on"},
    )


class RefreshSchema(Schema):
    refresh_token = Secret(required=True)


class LogoutQuerySchema(Schema):
    everywhere = fields.Boolean(load_default=False)


class SessionSchema(Schema):
    id = fields.Integer()
    device = fields.String()
    address = fields.String(allow_none=True)
    created_at = Instant()
    last_used_at = Instant()
    expires_at = Instant()
    is_current = fields.Boolean()


class SessionPageSchema(Schema):
    items = fields.List(fields.Nested(SessionSchema))
    page = fields.Nested(PageSchema)


class PasswordChangeSchema(Schema):
    old_password = Secret(required=True)
    new_password = Secret(required=True)


class ForgottenPasswordSchema(Schema):
    email = EmailAddress(required=True)


class PasswordResetSchema(Schema):
    token = Secret(200, required=True)
    password = Secret(required=True)


class CodeSchema(Schema):
    code = Secret(40, required=True, metadata={"example": "123456"})


class PasswordSchema(Schema):
    password = Secret(required=True)


class SecondFactorSchema(Schema):
    enabled = fields.Boolean()
    required = fields.Boolean()
    recovery_codes_left = fields.Integer()


class SecondFactorSecretSchema(Schema):
    secret = fields.String()
    otpauth_uri = fields.String()
    qr_svg = fields.String()


class RecoveryCodesSchema(Schema):
    recovery_codes = fields.List(fields.String())


@dataclass(frozen=True, slots=True)
class NewApiKey:
    label: str
    scopes: list[str]
    expires_at: datetime | None = None


class NewApiKeySchema(BuildingSchema):
    builds = NewApiKey

    label = Text(100, low=1, required=True, metadata={"example": "Nightly export"})
    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES)),
        required=True,
        validate=validate.Length(min=1, max=len(SCOPES)),
        metadata={"example": ["tickets:read"]},
    )
    expires_at = Instant(allow_none=True)


class ApiKeySchema(Schema):
    id = fields.Integer()
    label = fields.String()
    prefix = fields.String(metadata={"example": "aiff_Zr3kq0P"})
    scopes = fields.List(fields.String())
    created_at = Instant()
    expires_at = Instant(allow_none=True)
    last_used_at = Instant(allow_none=True)


class ShownApiKeySchema(ApiKeySchema):
    key = fields.String(metadata={"description": "Shown this once and never again"})


class ApiKeyPageSchema(Schema):
    items = fields.List(fields.Nested(ApiKeySchema))
    page = fields.Nested(PageSchema)


class AuditQuerySchema(PageQuerySchema):
    kind = CommaList(Word(Kind))
    user_id = IdText()
    actor_id = IdText()
    created_from = Instant(metadata={"description": "At or after"})
    created_to = Instant(metadata={"description": "Before"})


class AuditEventSchema(Schema):
    id = fields.Integer()
    kind = Word(Kind, metadata={"example": "logged_in"})
    actor_id = fields.Integer(allow_none=True)
    user_id = fields.Integer(allow_none=True)
    address = fields.String(allow_none=True)
    device = fields.String()
    details = fields.Dict()
    request_id = fields.String(allow_none=True)
    created_at = Instant()


class AuditPageSchema(Schema):
    items = fields.List(fields.Nested(AuditEventSchema))
    page = fields.Nested(PageSchema)


class JwkSetSchema(ma.Schema):
    keys = fields.List(fields.Dict())
