"""Tables of the `analytics` schema. Only the analytics service writes here."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Identified
from db.idempotency import idempotency_table

SCHEMA = "analytics"

idempotency_keys = idempotency_table(SCHEMA)


class ForecastRun(Identified, Base):
    """One training of the forecast: which model, on what, and how well it did."""

    __tablename__ = "forecast_runs"

    metric: Mapped[str]
    model: Mapped[str]
    trained_at: Mapped[datetime]
    first_on: Mapped[date]
    last_on: Mapped[date]
    history_days: Mapped[int]
    scores: Mapped[dict[str, object]] = mapped_column(JSONB)
    is_served: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = (
        Index("ix_forecast_runs_served", "metric", "is_served", "id"),
        {"schema": SCHEMA},
    )


class ForecastSeries(Base):
    """The forecast of one cut (zone and category, or coarser: '' means all)."""

    __tablename__ = "forecast_series"

    run_id: Mapped[int] = mapped_column(
        ForeignKey(f"{SCHEMA}.forecast_runs.id", ondelete="CASCADE"), primary_key=True
    )
    zone: Mapped[str] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(primary_key=True)
    horizon_days: Mapped[int] = mapped_column(SmallInteger)
    points: Mapped[list[dict[str, object]]] = mapped_column(JSONB)
    accuracy: Mapped[dict[str, object]] = mapped_column(JSONB)

    __table_args__ = ({"schema": SCHEMA},)
