"""The served models in memory: read again only when a newer one was stored."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ai_service import durations, queries, risk
from ai_service.durations import DurationTable
from ai_service.risk import RiskTable

# One per process; known by id and checksum, which never change for a stored model.
_loaded: dict[str, tuple[tuple[int, bytes], Any, dict[str, Any]]] = {}
_UNPACK = {risk.NAME: risk.unpacked, durations.NAME: durations.unpacked}


def served(connection: Connection, name: str) -> tuple[Any, dict[str, Any]] | None:
    """Return (model, what it says of itself), None if none is served yet."""
    newest = queries.served_model_key(connection, name)
    if newest is None:
        return None
    kept = _loaded.get(name)
    if kept is None or kept[0] != newest:
        row = queries.served_model(connection, name)
        if row is None:
            return None
        model = _UNPACK[name](bytes(row.artefact), bytes(row.sha256))
        kept = (newest, model, self_description(name, row.trained_at, row.rows))
        _loaded[name] = kept
    return kept[1], kept[2]


def self_description(name: str, trained_at: datetime, rows: int) -> dict[str, Any]:
    return {"name": name, "kind": "baseline", "trained_at": trained_at, "rows": rows}


NO_RISK_MODEL: dict[str, Any] = {
    "name": risk.NAME,
    "kind": "none",
    "rows": 0,
    "text": "No past tickets with a verdict yet: probabilities are null.",
}


def risk_table(connection: Connection) -> tuple[RiskTable, dict[str, Any]]:
    return served(connection, risk.NAME) or (RiskTable(), NO_RISK_MODEL)


def duration_table(connection: Connection) -> tuple[DurationTable, dict[str, Any]]:
    none = {"name": durations.NAME, "kind": "none", "rows": 0}
    return served(connection, durations.NAME) or (DurationTable(), none)
