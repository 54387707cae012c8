"""The shape of teams on the wire."""

from collections.abc import Mapping
from datetime import time
from typing import Any

from marshmallow import ValidationError, fields, validate

from auth_service.schemas import PageSchema
from db.vocabulary import Role
from service_kit.paging import PageQuerySchema
from service_kit.schemas import CommaList, Schema, Text, Word

SKILL_LEVELS = (1, 2, 3)
MAX_SKILLS = 50


class Skills(fields.Field[dict[str, int | None]]):
    """`["splicing", {"name": "aerial", "level": 3}]`; a level left out is None."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, int | None]:
        if not isinstance(value, list) or len(value) > MAX_SKILLS:
            raise ValidationError(f"Must be a list of at most {MAX_SKILLS} skills.")
        skills: dict[str, int | None] = {}
        for item in value:
            name, level = skill_of(item)
            if name in skills:
                raise ValidationError(f"{name} is named twice.")
            skills[name] = level
        return skills


def skill_of(item: Any) -> tuple[str, int | None]:
    """Return name and level of a skill as sent: its name, or {name, level}."""
    level = None
    if isinstance(item, Mapping):
        if set(item) - {"name", "level"}:
            raise ValidationError("A skill has a name and a level.")
        level, item = item.get("level"), item.get("name")
    if level is not None and (type(level) is not int or level not in SKILL_LEVELS):
        raise ValidationError("A level is 1, 2 or 3.")
    name: str = Text(60, low=1).deserialize(item)
    if "," in name:
        raise ValidationError("A skill has no comma in its name.")
    return name, level


class ClockTime(fields.Field[time]):
    """A time of day, `HH:MM`, in the time zone of the team's zone."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> time:
        try:
            hours, minutes = value.split(":")
            if len(hours) != 2 or len(minutes) != 2:
                raise ValueError
            return time(int(hours), int(minutes))
        except (AttributeError, ValueError, TypeError) as error:
            raise ValidationError("Must be a time of day, HH:MM.") from error


class BaseSchema(Schema):
    lat = fields.Float(required=True, validate=validate.Range(-90, 90))
    lon = fields.Float(required=True, validate=validate.Range(-180, 180))


class ShiftSchema(Schema):
    start = ClockTime(required=True, metadata={"type": "string", "example": "08:00"})
    end = ClockTime(required=True, metadata={"type": "string", "example": "17:00"})


class TeamChangesSchema(Schema):
    """What a team has; only the fields sent are changed."""

    name = Text(100, low=1, metadata={"example": "Selangor 1"})
    zone = Text(100, low=1, metadata={"example": "Selangor"})
    skills = Skills(
        metadata={"type": "array", "items": {}, "example": ["fibre_splicing"]}
    )
    base = fields.Nested(BaseSchema, allow_none=True)
    shift = fields.Nested(ShiftSchema)
    daily_capacity_minutes = fields.Integer(
        strict=True, validate=validate.Range(min=0, max=1440)
    )
    is_active = fields.Boolean(truthy={True}, falsy={False})


class NewTeamSchema(TeamChangesSchema):
    name = Text(100, low=1, required=True, metadata={"example": "Selangor 1"})
    zone = Text(100, low=1, required=True, metadata={"example": "Selangor"})


class SkillLevelSchema(Schema):
    name = fields.String()
    level = fields.Integer()


class TeamSchema(Schema):
    id = fields.Integer()
    name = fields.String(metadata={"example": "Selangor 1"})
    zone = fields.String(metadata={"example": "Selangor"})
    skills = fields.List(fields.String(), metadata={"example": ["fibre_splicing"]})
    skill_levels = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "1 knows it, 2 does it alone, 3 teaches it"},
    )
    base = fields.Nested(BaseSchema, allow_none=True)
    shift = fields.Nested(ShiftSchema)
    daily_capacity_minutes = fields.Integer()
    is_active = fields.Boolean()
    members_count = fields.Integer()
    open_tickets = fields.Integer()


class TeamPageSchema(Schema):
    items = fields.List(fields.Nested(TeamSchema))
    page = fields.Nested(PageSchema)


class TeamQuerySchema(PageQuerySchema):
    zone = CommaList(Text(100, low=1))
    skill = CommaList(
        Text(60, low=1), metadata={"description": "Teams that have all of them"}
    )
    available = fields.Boolean(
        metadata={"description": "Active, with members, and in its shift now"}
    )
    is_active = fields.Boolean()
    q = Text(100, metadata={"description": "Part of a team's name"})
    sort = fields.String(
        load_default="id", validate=validate.OneOf(["id", "-id", "name", "-name"])
    )


class MemberSchema(Schema):
    id = fields.Integer()
    username = fields.String()
    full_name = fields.String()
    role = Word(Role)
    team_id = fields.Integer()
    is_active = fields.Boolean()


class MemberPageSchema(Schema):
    items = fields.List(fields.Nested(MemberSchema))
    page = fields.Nested(PageSchema)
