import numpy as np
import pytest
from numpy.typing import NDArray

from analytics_service.stacking import member_weights, stacked

Floats = NDArray[np.float64]

N_ORIGINS, N_SERIES, HORIZON = 12, 9, 28


def wandering(seed: int = 4) -> tuple[Floats, Floats]:
    """What came, and three members: near to it, far from it, and a flat one."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(2, 8, (N_ORIGINS + 1, N_SERIES, 1))
    came = rng.poisson(level, (N_ORIGINS + 1, N_SERIES, HORIZON)).astype(np.float64)
    near = level + 0.0 * came
    far = rng.uniform(2, 8, near.shape[:2])[..., None] + 0.0 * came
    return np.stack([near, far, np.full_like(near, 5.0)], axis=1), came[:-1]


def usual(came: Floats) -> Floats:
    return np.asarray(came.std(axis=(0, 2)))


def test_weights_are_shares() -> None:
    members, came = wandering()
    weights = member_weights(members[:-1], came, usual(came))
    assert weights.shape == (N_SERIES, 3)
    assert (weights >= 0).all()
    assert weights.sum(axis=1) == pytest.approx(1)


def test_the_member_that_was_right_has_most_of_the_word() -> None:
    members, came = wandering()
    weights = member_weights(members[:-1], came, usual(came))
    assert (weights[:, 0] > 0.8).all()


def test_members_that_agree_are_believed_as_they_are() -> None:
    members, came = wandering()
    same = np.repeat(members[:, :1], 3, axis=1)
    assert stacked(same, came, usual(came)) == pytest.approx(same[:, 0])


def test_a_series_of_another_kind_leaves_the_common_weights() -> None:
    members, came = wandering()
    members[:, :2, 0] = members[:, 1::-1, 0]
    weights = member_weights(members[:-1], came, usual(came))
    assert weights[0, 1] > weights[1:, 1].max() + 0.2
    assert weights[0, 0] > 0.1


def test_a_storm_moves_the_weights_as_far_as_three_usual_errors_do() -> None:
    members, came = wandering()
    size = usual(came)
    large, huge = came.copy(), came.copy()
    large[3, 2, 5:9], huge[3, 2, 5:9] = 60.0, 6000.0
    assert stacked(members, huge, size) == pytest.approx(stacked(members, large, size))


def test_what_comes_after_the_last_origin_is_not_looked_at() -> None:
    members, came = wandering()
    later = members.copy()
    later[-1] *= 3.0
    first, second = (stacked(m, came, usual(came)) for m in (members, later))
    assert first[:-1] == pytest.approx(second[:-1])
    assert 3.0 * first[-1] == pytest.approx(second[-1])


def test_nothing_forecast_and_nothing_come_gives_equal_weights() -> None:
    members, came = wandering()
    made = member_weights(0.0 * members[:-1], 0.0 * came, np.ones(N_SERIES))
    assert made == pytest.approx(1 / 3)


def test_of_members_all_too_low_the_nearest_is_believed() -> None:
    members, came = wandering()
    low = members[:, [0, 0]] * np.array([0.8, 0.4])[:, None, None]
    weights = member_weights(low[:-1], came, usual(came))
    assert (weights[:, 0] > 0.95).all()
