"""The wire shape of dispatch. Shape only."""

from typing import Any

import marshmallow as ma
from marshmallow import ValidationError, fields, validate

from ai_service.dispatch.problem import PRIORITIES
from service_kit.schemas import Id, Schema, Text

MOST_TICKETS, MOST_TEAMS = 3_000, 300
DAY = validate.Range(min=-100_000, max=100_000)
PRESETS = ("balanced", "sla_first", "travel_first", "stability_first")


class PlaceSchema(Schema):
    lat = fields.Float(required=True, validate=validate.Range(min=-90, max=90))
    lon = fields.Float(required=True, validate=validate.Range(min=-180, max=180))


class Levels(fields.Dict):
    """{skill: level}."""

    def __init__(self, **options: Any) -> None:
        level = fields.Integer(strict=True, validate=validate.Range(min=0, max=10))
        name = fields.String(validate=validate.Length(min=1, max=60))
        super().__init__(keys=name, values=level, **options)


class DispatchTicketSchema(Schema):
    ticket_id = fields.Raw(required=True)
    type = Text(100)
    priority = fields.String(required=True, validate=validate.OneOf(PRIORITIES))
    zone = Text(100, low=1, required=True)
    lat = fields.Float(
        load_default=None, allow_none=True, validate=validate.Range(min=-90, max=90)
    )
    lon = fields.Float(
        load_default=None, allow_none=True, validate=validate.Range(min=-180, max=180)
    )
    required_skills = Levels(load_default=dict)
    service_min = fields.Float(required=True, validate=validate.Range(min=0, max=1440))
    earliest_start_min = fields.Float(load_default=0.0, validate=DAY)
    latest_start_min = fields.Float(load_default=1440.0, validate=DAY)
    must_today = fields.Boolean(load_default=False)
    created_min = fields.Float(load_default=0.0)
    team_id = fields.Raw(load_default=None, allow_none=True)

    @ma.validates_schema
    def both_or_none(self, data: dict[str, Any], **_: object) -> None:
        if (data.get("lat") is None) != (data.get("lon") is None):
            raise ValidationError("Send lat and lon together.", "lat")


class DispatchTeamSchema(Schema):
    team_id = fields.Raw(required=True)
    zone = Text(100, low=1, required=True)
    skills = Levels(load_default=dict)
    available_from_min = fields.Float(required=True, validate=DAY)
    shift_end_min = fields.Float(required=True, validate=DAY)
    start = fields.Nested(PlaceSchema, required=True)
    base = fields.Nested(PlaceSchema, required=True)


class TravelSchema(Schema):
    road_factor = fields.Float(validate=validate.Range(min=0.5, max=5))
    speed_kmh = fields.Float(validate=validate.Range(min=1, max=200))
    park_min = fields.Float(validate=validate.Range(min=0, max=120))


class LunchSchema(Schema):
    duration_min = fields.Float(validate=validate.Range(min=0, max=240))
    take_from_min = fields.Float(validate=DAY)
    finish_job_by_min = fields.Float(validate=DAY)


class ConstraintsSchema(Schema):
    max_overtime_min = fields.Float(validate=validate.Range(min=0, max=600))
    lunch = fields.Nested(LunchSchema)


class FourPrices(fields.List[float]):
    """Prices of P1 to P4."""

    def __init__(self) -> None:
        price = fields.Float(validate=validate.Range(min=0, max=1e6))
        super().__init__(price, validate=validate.Length(equal=4))


class PriorityPricesSchema(Schema):
    breach = FourPrices()
    slope = FourPrices()
    unserved_today = FourPrices()
    unserved_later = FourPrices()


class WeightsSchema(Schema):
    """The last four names repeat rules; `constraints` is what counts."""

    travel = fields.Float(validate=validate.Range(min=0, max=1000))
    ot = fields.Float(validate=validate.Range(min=0, max=1000))
    ooz = fields.Float(validate=validate.Range(min=0, max=1e6))
    change = fields.Float(validate=validate.Range(min=0, max=1e6))
    bal = fields.Float(validate=validate.Range(min=0, max=1e6))
    priority = fields.Nested(PriorityPricesSchema)
    max_ot = fields.Float()
    brk = fields.Float()
    brk_soft = fields.Float()
    brk_hard = fields.Float()


class DispatchPairSchema(Schema):
    ticket_id = fields.Raw(required=True)
    team_id = fields.Raw(required=True)


class OptimizeSchema(Schema):
    """Inline: teams and tickets. Scope: date, and what narrows it."""

    instance = Text(200)
    teams = fields.List(
        fields.Nested(DispatchTeamSchema),
        validate=validate.Length(min=1, max=MOST_TEAMS),
    )
    tickets = fields.List(
        fields.Nested(DispatchTicketSchema), validate=validate.Length(max=MOST_TICKETS)
    )
    date = fields.Date()
    zones = fields.List(fields.String(validate=validate.Length(min=1, max=100)))
    ticket_ids = fields.List(Id(), validate=validate.Length(max=MOST_TICKETS))
    team_ids = fields.List(Id(), validate=validate.Length(max=MOST_TEAMS))
    travel = fields.Nested(TravelSchema)
    constraints = fields.Nested(ConstraintsSchema)
    weights = fields.Nested(WeightsSchema)
    pin = fields.List(fields.Nested(DispatchPairSchema))
    forbid = fields.List(fields.Nested(DispatchPairSchema))
    time_budget_s = fields.Float(
        load_default=5.0, validate=validate.Range(min=0, max=60)
    )
    iterations = fields.Integer(
        strict=True, validate=validate.Range(min=0, max=100_000)
    )
    seed = fields.Integer(
        strict=True, load_default=0, validate=validate.Range(min=0, max=2**31)
    )
    explain = fields.String(
        load_default="codes", validate=validate.OneOf(["none", "codes"])
    )

    @ma.validates_schema
    def one_form(self, data: dict[str, Any], **_: object) -> None:
        inline, scope = {"teams", "tickets"} & set(data), "date" in data
        if scope == bool(inline):
            raise ValidationError("Send date, or teams and tickets.", "date")
        if inline and len(inline) < 2:
            raise ValidationError("Send teams and tickets together.", "teams")
        narrowed = {"zones", "ticket_ids", "team_ids"} & set(data)
        if inline and narrowed:
            raise ValidationError("Only with date.", sorted(narrowed)[0])

    @ma.validates_schema
    def unique_names(self, data: dict[str, Any], **_: object) -> None:
        for rows, key in (("teams", "team_id"), ("tickets", "ticket_id")):
            names = [row[key] for row in data.get(rows, [])]
            if any(isinstance(n, bool) or not isinstance(n, int | str) for n in names):
                raise ValidationError(f"{key} must be a text or a number.", rows)
            if len(set(names)) < len(names):
                raise ValidationError(f"{key} is given twice.", rows)

    @ma.validates_schema
    def real_shifts(self, data: dict[str, Any], **_: object) -> None:
        for team in data.get("teams", []):
            if team["shift_end_min"] <= team["available_from_min"]:
                raise ValidationError("A shift must end after it begins.", "teams")


class DispatchPlanSchema(Schema):
    plan_id = fields.Integer(allow_none=True)
    status = fields.String()
    solver = fields.Dict()
    objective = fields.Dict()
    kpis = fields.Dict()
    routes = fields.List(fields.Dict())
    assignments = fields.List(fields.Dict())
    unassigned = fields.List(fields.Dict())
    zones = fields.List(fields.Dict())
    suggestions = fields.List(fields.Dict())
    warnings = fields.List(fields.String())


class ApplySchema(Schema):
    assignment_ids = fields.Raw(
        required=True,
        metadata={"description": 'Ticket ids of the plan, or "all".'},
    )


class AppliedSchema(Schema):
    plan_id = fields.Integer()
    applied = fields.List(fields.Dict())
    failed = fields.List(fields.Dict())
