"""Metrics on real records, imported, equal a recount of their rows."""

import gzip
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from flask import Flask

from db.engine import Database
from scripts.importing.command import main as import_tickets
from tests.actors import token_for
from tests.analytics_service.histories import KL
from tests.analytics_service.recount import expected, tables
from tests.conftest import REAL_DATA

BOSTON = REAL_DATA / "boston311_2015_asof_2015-09-01.csv.gz"
MAPPING = Path(__file__).resolve().parents[2] / "docs" / "mappings" / "boston311.yml"
EVERY = 8  # rows of the file, so that a test stays a test
TODAY = date(2026, 11, 23)

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not BOSTON.exists(), reason="the real records are not here"),
]


@pytest.fixture(scope="module")
def boston(
    module_database: Database,
    database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Database:
    """Import every eighth request of a city's year."""
    sample = tmp_path_factory.mktemp("boston") / "boston311.csv"
    with gzip.open(BOSTON, "rt", encoding="utf-8", newline="") as whole:
        pd.read_csv(whole, dtype=str).iloc[::EVERY].to_csv(sample, index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", database_url)
        patch.setenv("AIFF_ENV", "test")
        assert import_tickets([str(sample), "--mapping", str(MAPPING)]) in (0, 1)
    return module_database


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2015, 6, 1), date(2015, 6, 7)),
        (date(2015, 7, 15), date(2015, 8, 13)),
        (date(2015, 1, 1), date(2015, 12, 31)),
    ],
    ids=["a week", "thirty days", "the whole year"],
)
def test_figures_of_real_records_equal_the_recount(
    boston: Database, analytics_app: Flask, first: date, last: date
) -> None:
    response = analytics_app.test_client().get(
        f"/api/analytics/performance?from={first}&to={last}",
        headers=token_for(boston, "admin"),
    )
    assert response.status_code == 200, response.text
    overall = response.get_json()["overall"]
    wanted = expected(
        tables(boston),
        first,
        last,
        TODAY,
        KL,
        lambda rows: pd.Series(True, index=rows.index),
    )
    few = overall["completed"]["n"] + overall["first_response_median_minutes"]["n"]
    for key, found in wanted.items():
        if not isinstance(found, tuple):
            continue
        value, n = found
        assert overall[key]["n"] == n, key
        if value is None:
            assert overall[key]["value"] is None, key
            continue
        is_binned = few > 2_000 and ("median" in key or "p90" in key)
        close = pytest.approx(value, rel=0.0101 if is_binned else 1e-12)
        assert overall[key]["value"] == close, key
    assert overall["created"]["value"] > 100
