"""The Fréchet distance of two Gaussians (Dowson and Landau 1982), as Heusel et al. (2017) use it."""

from __future__ import annotations

import numpy as np


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """Between features (N, D) and (M, D): |μ - ν|² + tr(A + B - 2 (A B)^½).

    A B is similar to A^½ B A^½, which is symmetric: the trace of the root is the sum of its eigenvalues' roots.
    """
    a, b = (np.cov(features.astype(np.float64), rowvar=False, ddof=1) for features in (first, second))
    apart = first.mean(axis=0, dtype=np.float64) - second.mean(axis=0, dtype=np.float64)
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ b @ root).clip(min=0)).sum()
    return float(apart @ apart + np.trace(a) + np.trace(b) - 2 * cross)
