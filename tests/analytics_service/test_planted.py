"""The judging of anomalies: what is planted, and that ours beats the rivals."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics_service import planted
from analytics_service.evaluation import Dataset, datasets

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def made() -> Dataset:
    rng = np.random.default_rng(2)
    week = np.resize([1.3, 1.2, 1.1, 1.1, 1.2, 0.6, 0.5], 200)
    counts = rng.poisson(np.linspace(5, 40, 12)[:, None] * week).astype(np.float64)
    return Dataset("made", counts, pd.date_range("2024-01-01", periods=200), 1, None)


def test_planted_days_are_raised_after_the_free_days_and_nothing_else_is() -> None:
    data = made()
    found, label = planted.planted(data, planted.SIZES["large"], 1)
    assert label.sum() == planted.PLANTS
    assert not label[:, : planted.FREE_DAYS].any()
    least = 4 * np.repeat(data.counts.std(axis=1)[:, None], 200, axis=1) - 1
    assert ((found.counts - data.counts)[label] >= least[label]).all()
    assert (found.counts[~label] == data.counts[~label]).all()


def test_the_same_seed_plants_the_same() -> None:
    first, _ = planted.planted(made(), (3, 6), 4)
    again, _ = planted.planted(made(), (3, 6), 4)
    assert (first.counts == again.counts).all()


def test_the_command_prints_a_table_per_data_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planted, "SEEDS", 1)
    data = made()
    frame = pd.DataFrame(
        data.counts.T.astype(int), columns=[f"s{n}" for n in range(12)]
    )
    frame.insert(0, "date", data.dates)
    frame.to_csv(tmp_path / "daily_made.csv", index=False)
    assert planted.main(["--data", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in planted.METHODS)
    assert planted.main(["--data", str(tmp_path / "none")]) == 1


@pytest.mark.real_data
def test_planted_days_are_found_in_real_records() -> None:
    if not list(REAL.glob("boston311*")):
        pytest.skip("the real records are not beside the repository")
    data = next(iter(datasets(REAL, None)))
    scores = {n: planted.precision(data, m, (4, 8)) for n, m in planted.METHODS.items()}
    assert scores["ours"] > 0.93
    rivals = {n: value for n, value in scores.items() if "ours" not in n}
    assert scores["ours"] > 0.05 + max(rivals.values())
