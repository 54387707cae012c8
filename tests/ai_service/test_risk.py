"""The table of past breaches: probabilities, smoothing, figures."""

import numpy as np
import pytest

from ai_service import risk
from ai_service.risk import RiskTable, fit, packed, past_from, share_used, unpacked

Row = tuple[str, str, str, float | None, bool]


def rows(n: int, used: float, kind: tuple[str, str, str]) -> list[Row]:
    return [(*kind, used, used > 1)] * n


LOW = ("low", "repair", "Johor")
URGENT = ("urgent", "repair", "Johor")


def chance(table: RiskTable, kind: tuple[str, str, str], used: float) -> float:
    found = table.probability(*kind, np.array([used]))
    assert found is not None
    return float(found[0][0])


def test_without_history_there_is_no_probability() -> None:
    assert RiskTable().probability(*LOW, np.array([0.5])) is None


def test_a_kind_that_breaks_more_often_is_riskier() -> None:
    table = fit(past_from([*rows(100, 0.5, LOW), *rows(100, 1.5, URGENT)]))
    assert table.overall_rate == 0.5
    assert chance(table, LOW, 0.0) < 0.2
    assert chance(table, URGENT, 0.0) > 0.8


def test_probability_never_falls_while_time_is_used_up() -> None:
    mixed = [*rows(50, 0.2, LOW), *rows(30, 0.6, LOW), *rows(20, 2.0, LOW)]
    table = fit(past_from(mixed))
    curve = [chance(table, LOW, u) for u in np.linspace(0, 1, 41)]
    assert curve == sorted(curve)
    assert curve[0] == pytest.approx(0.2, abs=0.001)
    assert chance(table, LOW, 1.0) == 1.0


def test_a_small_kind_is_drawn_towards_the_wider_one() -> None:
    table = fit(past_from([*rows(500, 0.5, LOW), *rows(2, 1.5, URGENT)]))
    assert chance(table, URGENT, 0.0) < 0.35


def test_a_share_that_contradicts_the_verdict_is_moved_to_its_side() -> None:
    past = past_from([(*LOW, 0.4, True), (*LOW, 1.7, False), (*LOW, None, False)])
    assert [u > 1 for u in past.used] == [True, False, False]


def test_a_stored_table_that_was_altered_is_refused() -> None:
    table = fit(past_from(rows(10, 0.5, LOW)))
    body, checksum = packed(table)
    assert unpacked(body, checksum) == table
    with pytest.raises(ValueError, match="checksum"):
        unpacked(body.replace(b"10", b"11"), checksum)


def test_the_clock_share_is_exact_at_opening_risk_and_due() -> None:
    at = np.array([0.0, 500.0, 750.0, 1000.0, 2000.0])
    assert share_used(at, 0.0, 500.0, 1000.0).tolist() == [0.0, 0.75, 0.875, 1.0, 1.0]


def test_figures_show_the_table_beside_its_baseline() -> None:
    half = [*rows(10, 0.5, LOW), *rows(10, 1.5, URGENT)]
    figures, baseline = risk.hold_out_figures(past_from(half * 20))
    assert figures["auc"] == 1.0
    assert baseline["auc"] == 0.5
    assert figures["brier"] < baseline["brier"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("predicted", "happened", "auc"),
    [
        pytest.param([0.1, 0.9], [0, 1], 1.0, id="right order"),
        pytest.param([0.9, 0.1], [0, 1], 0.0, id="wrong order"),
        pytest.param([0.5, 0.5], [0, 1], 0.5, id="ties count half"),
        pytest.param([0.5, 0.5], [1, 1], None, id="one class only"),
    ],
)
def test_area_under_the_curve(
    predicted: list[float], happened: list[float], auc: float | None
) -> None:
    assert risk.area_under_curve(np.array(predicted), np.array(happened, float)) == auc
