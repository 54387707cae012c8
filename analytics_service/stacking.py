"""A mixture of forecasts whose squared errors at past origins were the least.

Weights are not negative and sum to one (Breiman 1996, stacked regressions). They are
learnt first for all series together, pulled a little to equal ones, then for each
series, pulled to the common ones as far as the errors of a few series would. Squared
errors of counts, not of their roots: what a mean is judged by. Refuses to weigh by
horizon or season: weights of their own were no better than common ones.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]

EQUAL_PULL = 0.01  # towards equal weights, ÷ the mean square of the members
COMMON_PULL = 2.0  # towards the common weights: series whose errors they are worth
CLIP_ERRORS = 3.0  # a storm counts as so many usual errors
HEAVY = 1e3  # how much an unequal sum of weights costs, ÷ the size of the members
FAINTEST = 1e-9  # keeps a matrix of zeros, or of equal members, one that has a root


def stacked(members: Floats, came: Floats, usual: Floats) -> Floats:
    """Return the mixture of the members of each series, at every origin.

    Parameters
    ----------
    members : shape (n_origins + 1, n_members, n_series, horizon), forecasts of counts,
        the last origin's to be judged by nothing yet
    came : shape (n_origins, n_series, horizon)
    usual : usual error of each series, shape (n_series,), > 0

    Returns
    -------
    shape (n_origins + 1, n_series, horizon)
    """
    weights = member_weights(members[:-1], came, usual)
    mixed: Floats = np.einsum("sm,omsh->osh", weights, members)
    return mixed


def member_weights(members: Floats, came: Floats, usual: Floats) -> Floats:
    """Return each series' weights, ≥ 0 with sum 1, shape (n_series, n_members)."""
    n_members, n_series = members.shape[1:3]
    unit = usual[:, None]
    middle = members.mean(axis=1)
    limit = CLIP_ERRORS * unit
    calmed = np.clip(came, middle - limit, middle + limit) / unit
    rows = np.moveaxis(members / unit, (2, 1), (0, 3)).reshape(n_series, -1, n_members)
    target = np.moveaxis(calmed, 1, 0).reshape(n_series, -1, 1)
    square = rows.transpose(0, 2, 1) @ rows
    cross = (rows.transpose(0, 2, 1) @ target)[..., 0]
    usual_square = square.mean(axis=0)
    equal = np.full(n_members, 1 / n_members)
    common = _weights(usual_square, cross.mean(axis=0), equal)
    square = square + COMMON_PULL * usual_square
    cross = cross + COMMON_PULL * (usual_square @ common)
    own = [_weights(s, c, common) for s, c in zip(square, cross, strict=True)]
    return np.stack(own)


def _weights(square: Floats, cross: Floats, prior: Floats) -> Floats:
    """Least squares from XᵀX and Xᵀy, pulled to `prior`, weights ≥ 0 that sum to 1."""
    size = float(np.trace(square)) / len(prior) + FAINTEST
    pull = EQUAL_PULL * size
    root = np.linalg.cholesky(square + pull * np.eye(len(prior)))
    heavy = HEAVY * size**0.5
    design = np.vstack([root.T, np.full(len(prior), heavy)])
    wanted = np.append(np.linalg.solve(root, cross + pull * prior), heavy)
    found = nnls(design, wanted)[0]
    weights: Floats = found / found.sum()
    return weights
