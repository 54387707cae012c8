from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics_service.backtest import score, weekday_mean
from analytics_service.evaluation import (
    boston,
    chicago,
    daily_table,
    datasets,
    evaluate,
    level_known,
    main,
    methods,
)

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def boston_file(folder: Path) -> Path:
    """Requests of the form of Boston's export, 200 days."""
    rng = np.random.default_rng(1)
    n = 8000
    opened = pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.uniform(0, 200, n), "D")
    frame = pd.DataFrame(
        {
            "OPEN_DT": opened.strftime("%Y-%m-%d %H:%M:%S"),
            "TYPE": rng.choice(["Pothole", "Graffiti", "Street Light"], n),
            "neighborhood": rng.choice(["Roxbury", "Back Bay", ""], n),
        }
    )
    path = folder / "boston311_made.csv.gz"
    frame.to_csv(path, index=False)
    return path


def test_boston_has_the_total_the_zones_and_the_types(tmp_path: Path) -> None:
    data = boston(boston_file(tmp_path))
    assert data.counts.shape == (1 + 2 + 3, 200)
    assert data.counts[0].sum() == 8000
    assert data.counts[3:].sum() == 8000


def test_chicago_has_the_total_and_the_areas_without_duplicates(tmp_path: Path) -> None:
    path = tmp_path / "chicago311_made.csv.gz"
    pd.DataFrame(
        {
            "Creation_Date": ["2011-01-01", *["2014-12-31"] * 3, "2015-01-01"],
            "Status": ["Completed", "Completed - Dup", "Open", "Open", "Open"],
            "Community_Area": [1, 1, 2, 0, 2],
        }
    ).to_csv(path, index=False)
    data = chicago(path)
    assert data.counts.shape == (1 + 2, 1461)
    assert data.counts.sum(axis=1).tolist() == [3, 1, 1]


def test_a_daily_table_of_ones_own_is_read(tmp_path: Path) -> None:
    path = tmp_path / "daily_calls.csv"
    dates = pd.date_range("2024-01-01", periods=100)
    pd.DataFrame({"date": dates, "north": 3, "south": 5}).to_csv(path, index=False)
    data = daily_table(path, "MY")
    assert data.counts.shape == (2, 100)
    assert data.country == "MY"


def test_the_table_has_our_row_and_the_baselines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boston_file(tmp_path)
    assert main(["--data", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "seasonal naive" in printed
    assert "weekday mean of 8 weeks" in printed
    assert "this forecast" in printed


def test_who_is_told_the_level_is_never_off_by_it(tmp_path: Path) -> None:
    data = boston(boston_file(tmp_path))
    came = data.counts[:, -28:]
    told = level_known(np.ones_like(came), came)
    assert told.mean.mean(axis=1) == pytest.approx(came.mean(axis=1))
    assert (told.median == told.quantiles[:, 3]).all()


def test_an_empty_folder_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path)]) == 1
    assert "no data sets" in capsys.readouterr().err


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("pattern", "naive_ratio", "mean_ratio", "square_ratio"),
    [
        pytest.param("boston311*", 0.81, 0.935, 0.94, id="boston"),
        pytest.param("chicago311*", 0.70, 0.885, 0.928, id="chicago"),
    ],
)
def test_the_forecast_beats_the_baselines_on_real_records(
    pattern: str, naive_ratio: float, mean_ratio: float, square_ratio: float
) -> None:
    if not list(REAL.glob(pattern)):
        pytest.skip("the real records are not beside the repository")
    data = next(d for d in datasets(REAL, None) if d.name.lower()[:6] == pattern[:6])
    scores = {name: evaluate(data, method) for name, method in methods(data).items()}
    ours = scores["this forecast"]
    assert ours["mase"] < naive_ratio * scores["seasonal naive"]["mase"]
    assert ours["mase"] < mean_ratio * scores["weekday mean of 8 weeks"]["mase"]
    weekdays = scores["weekday mean of 8 weeks"]
    assert ours["rmsse"] < square_ratio * weekdays["rmsse"]
    assert ours["sql"] < scores["weekday mean of 8 weeks"]["sql"]
    assert 0.77 <= ours["coverage80"] <= 0.84
    assert 0.93 <= ours["coverage95"] <= 0.97


@pytest.mark.real_data
def test_the_protocol_gives_the_weekday_mean_of_the_table_of_the_design() -> None:
    """It depends on series, origins, scale and pooling alone, and is not rounded."""
    found = sorted(REAL.glob("chicago311*"))
    if not found:
        pytest.skip("the real records are not beside the repository")
    counts = chicago(found[0]).counts
    rounds = []
    for origin in range(counts.shape[1] - 13 * 28, counts.shape[1], 28):
        history, came = counts[:, :origin], counts[:, origin : origin + 28]
        rounds.append(score(history, came, weekday_mean(history)))
    assert np.mean([r["mase"] for r in rounds]) == pytest.approx(0.920, abs=5e-4)
    assert np.mean([r["rmsse"] for r in rounds]) == pytest.approx(0.722, abs=5e-4)
