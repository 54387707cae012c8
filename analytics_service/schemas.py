"""The shape of what analytics takes and gives. No rule and no SELECT here."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from marshmallow import fields, validate

from analytics_service.metrics import figure_names
from db.vocabulary import Category, Priority
from service_kit.schemas import CommaList, IdText, Schema, Text, Word

GROUPS = ("team", "technician", "zone", "category", "priority")
GRANULARITIES = ("day", "week", "month")
FORECAST_METRICS = ("created", "workload_minutes")
MAX_HORIZON = 28


@dataclass(frozen=True, slots=True)
class Wanted:
    """What every endpoint can be narrowed by; None: everything."""

    first: date | None = None
    last: date | None = None
    zones: tuple[str, ...] | None = None
    team_ids: tuple[int, ...] | None = None
    categories: tuple[str, ...] | None = None
    priorities: tuple[str, ...] | None = None

    @classmethod
    def of(cls, query: dict[str, Any]) -> "Wanted":
        """Return the filters of a loaded query."""
        lists = ("zone", "team_id", "category", "priority")
        chosen: list[Any] = [query.get(name) for name in lists]
        return cls(
            query.get("first"),
            query.get("last"),
            *(None if values is None else tuple(values) for values in chosen),
        )


class PeriodQuerySchema(Schema):
    """Parameters of every endpoint; lists are separated by commas."""

    first = fields.Date(
        data_key="from",
        metadata={"description": "First day, in the organisation's time zone."},
    )
    last = fields.Date(
        data_key="to",
        metadata={"description": "Last day, inclusive; by default today."},
    )
    zone = CommaList(Text(80), metadata={"description": "Zone names."})
    team_id = CommaList(IdText())
    category = CommaList(Word(Category))
    priority = CommaList(Word(Priority))


class PerformanceQuerySchema(PeriodQuerySchema):
    by = fields.String(validate=validate.OneOf(GROUPS), load_default=None)
    compare = fields.String(validate=validate.OneOf(["previous"]), load_default=None)


class TrendQuerySchema(PeriodQuerySchema):
    metric = fields.String(
        validate=validate.OneOf(figure_names()), load_default="created"
    )
    granularity = fields.String(
        validate=validate.OneOf(GRANULARITIES), load_default="day"
    )


class ForecastQuerySchema(Schema):
    """A forecast is kept per zone and category; teams and priorities have none."""

    first = fields.Date(data_key="from", metadata={"description": "First day to show."})
    last = fields.Date(data_key="to", metadata={"description": "Last day to show."})
    metric = fields.String(
        validate=validate.OneOf(FORECAST_METRICS), load_default="created"
    )
    horizon_days = fields.Integer(
        validate=validate.Range(min=1, max=MAX_HORIZON), load_default=14
    )
    zone = Text(80, load_default=None)
    category = Word(Category, load_default=None)


class FigureSchema(Schema):
    """A number with the rows behind it."""

    value = fields.Float(allow_none=True, metadata={"example": 0.87})
    n = fields.Integer(metadata={"description": "Rows counted.", "example": 412})
    small_sample = fields.Boolean(metadata={"description": "Fewer than 5 rows."})
    exact = fields.Boolean(
        metadata={"description": "False: a percentile that may be off by up to 1 %."}
    )
    definition = fields.String(metadata={"example": "Tickets created in the period."})
    tickets_url = fields.String(
        metadata={"description": "Returns exactly the rows counted."}
    )


class FrameSchema(Schema):
    """What every answer says about itself."""

    as_of = fields.DateTime()
    time_zone = fields.String(metadata={"example": "Asia/Kuala_Lumpur"})
    first = fields.Date(data_key="from")
    last = fields.Date(data_key="to")


Figures = fields.Dict(
    keys=fields.String(),
    values=fields.Nested(FigureSchema),
    metadata={"description": "Figures by their keys (GET /api/analytics/metrics)."},
)


class GroupSchema(Schema):
    key = fields.Raw(metadata={"description": "Name or id; null: no team."})
    name = fields.String()
    figures = fields.Nested(
        FigureSchema,
        metadata={"description": "Further members: one figure per key."},
    )


class ComparedSchema(FrameSchema):
    overall = Figures
    groups = fields.List(fields.Nested(GroupSchema))


class PerformanceSchema(FrameSchema):
    by = fields.String(allow_none=True)
    overall = Figures
    groups = fields.List(fields.Nested(GroupSchema))
    previous = fields.Nested(ComparedSchema, allow_none=True)


class PointSchema(Schema):
    at = fields.Date()
    value = fields.Float(allow_none=True)
    n = fields.Integer()


class AnomalySchema(Schema):
    at = fields.Date()
    value = fields.Float()
    expected = fields.Float()
    score = fields.Float()


class SlopeSchema(Schema):
    slope_per_day = fields.Float()
    ci95 = fields.List(fields.Float())
    significant = fields.Boolean()
    p_value = fields.Float()
    method = fields.String()


class WeekSchema(Schema):
    period_days = fields.Integer()
    ratios = fields.List(fields.Float())
    strength = fields.Float()


class ChangePointSchema(Schema):
    at = fields.Date()
    before = fields.Float()
    after = fields.Float()


class TrendsSchema(FrameSchema):
    metric = fields.String()
    figure = fields.String()
    granularity = fields.String()
    definition = fields.String()
    exact = fields.Boolean(
        metadata={"description": "False: percentiles that may be off by up to 1 %."}
    )
    tickets_url = fields.String()
    series = fields.List(fields.Nested(PointSchema))
    trend = fields.Nested(SlopeSchema, allow_none=True)
    seasonality = fields.Nested(WeekSchema, allow_none=True)
    anomalies = fields.List(fields.Nested(AnomalySchema))
    change_points = fields.List(fields.Nested(ChangePointSchema))
    note = fields.String(allow_none=True)


class ForecastPointSchema(Schema):
    on = fields.Date()
    value = fields.Float()
    lo80 = fields.Float()
    hi80 = fields.Float()
    lo95 = fields.Float()
    hi95 = fields.Float()


class AccuracySchema(Schema):
    mase = fields.Float(allow_none=True)
    wape = fields.Float(allow_none=True)
    coverage80 = fields.Float(allow_none=True)
    coverage95 = fields.Float(allow_none=True)
    baseline = fields.Dict()
    n_origins = fields.Integer()


class ResourceSchema(Schema):
    on = fields.Date()
    zone = fields.String()
    teams_needed = fields.Integer()
    teams_needed_median = fields.Integer()
    teams_available = fields.Integer()
    gap = fields.Integer(metadata={"description": "Needed less available teams."})
    productive_minutes = fields.Float()


class ForecastSchema(Schema):
    metric = fields.String()
    zone = fields.String(allow_none=True)
    category = fields.String(allow_none=True)
    model = fields.String()
    trained_at = fields.DateTime(allow_none=True)
    history_days = fields.Integer()
    as_of = fields.DateTime()
    time_zone = fields.String()
    points = fields.List(fields.Nested(ForecastPointSchema))
    accuracy = fields.Nested(AccuracySchema)
    resources = fields.List(fields.Nested(ResourceSchema))
    note = fields.String(allow_none=True)


class ZonesSchema(FrameSchema):
    items = fields.List(fields.Dict())


class ZoneSchema(FrameSchema):
    zone = fields.String()
    name = fields.String()


class BucketSchema(Schema):
    key = fields.String(metadata={"example": "3-7 days"})
    name = fields.String()
    min_age_days = fields.Integer()
    max_age_days = fields.Integer(allow_none=True)
    count = fields.Nested(FigureSchema)
    by_status = Figures


class AgingSchema(FrameSchema):
    total = fields.Nested(FigureSchema)
    by_status = Figures
    buckets = fields.List(fields.Nested(BucketSchema))


class BreachSchema(Schema):
    ticket_id = fields.Integer()
    number = fields.String()
    title = fields.String()
    zone = fields.String()
    team_id = fields.Integer(allow_none=True)
    priority = fields.String()
    status = fields.String()
    due_at = fields.DateTime()
    late_by_seconds = fields.Integer()
    reason = fields.String()


class SlaSchema(FrameSchema):
    overall = Figures
    by_policy = fields.List(fields.Nested(GroupSchema))
    by_priority = fields.List(fields.Nested(GroupSchema))
    by_zone = fields.List(fields.Nested(GroupSchema))
    breach_reasons = fields.List(fields.Dict())
    hold_reasons = fields.List(fields.Dict())
    breaches = fields.List(fields.Nested(BreachSchema))


class FigureDefinitionSchema(Schema):
    key = fields.String()
    definition = fields.String()
    population = fields.String()


class DefinitionSchema(Schema):
    id = fields.String()
    title = fields.String()
    unit = fields.String()
    numerator = fields.String()
    denominator = fields.String(allow_none=True)
    population = fields.String()
    exclusions = fields.String()
    more_is_better = fields.Boolean(allow_none=True)
    figures = fields.List(fields.Nested(FigureDefinitionSchema))


class DefinitionsSchema(Schema):
    items = fields.List(fields.Nested(DefinitionSchema))
    percentiles = fields.String()
