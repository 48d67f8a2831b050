"""The spreading of `nufft`, compiled by numba, for where the extra ``fast`` is installed."""

from functools import partial

from alerce_zvar.compiled import compiled as exactly_compiled

__all__ = ["compiled", "spread"]

compiled = partial(exactly_compiled, fastmath=True)  # arithmetic in any order


@compiled
def spread(grids, strengths, factors, step, position, kernel):
    """Add the strengths of all observations, turned to each block, to the grids.

    Parameters
    ----------
    grids : ndarray of float
        Real and imaginary parts in turn, shape (several, blocks, 2 * length).
    strengths : ndarray of float
        Shape (several, N).
    factors, step : ndarray of complex
        What turns the strengths to the first block, and from each to the next, shape (N,). `factors` is changed.
    position : ndarray of int
        First point that an observation reaches, shape (N,).
    kernel : ndarray of float
        The kernel there and at the following points, shape (N, width).
    """
    several, blocks, end = grids.shape
    number, width = kernel.shape
    for block in range(blocks):
        for j in range(number):
            factor = factors[j]
            first = 2 * position[j]
            inside = min(width, (end - first) // 2)
            for k in range(several):
                real = grids.dtype.type(strengths[k, j] * factor.real)
                imaginary = grids.dtype.type(strengths[k, j] * factor.imag)
                grid = grids[k, block]
                for i in range(inside):
                    grid[first + 2 * i] += kernel[j, i] * real
                    grid[first + 2 * i + 1] += kernel[j, i] * imaginary
                for i in range(inside, width):  # round the end
                    grid[first + 2 * i - end] += kernel[j, i] * real
                    grid[first + 2 * i + 1 - end] += kernel[j, i] * imaginary
            factors[j] = factor * step[j]
