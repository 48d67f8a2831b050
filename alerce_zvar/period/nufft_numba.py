"""The spreading of `nufft`, compiled by numba, for where the extra ``fast`` is installed."""

from functools import partial

from alerce_zvar.compiled import compiled as exactly_compiled

__all__ = ["compiled", "spread"]

compiled = partial(exactly_compiled, fastmath=True)  # arithmetic in any order


@compiled
def spread(grids, strengths, factors, step, position, kernel):
    """Spread the strengths of all observations, turned to each block, onto the grids.

    Parameters
    ----------
    grids : ndarray of float
        Filled with real and imaginary parts in turn, shape (several, blocks, 2 * length).
    strengths : ndarray of float
        Shape (several, N).
    factors, step : ndarray of complex
        What turns the strengths to the first block, and from each to the next, shape (N,). `factors` is changed.
    position : ndarray of int
        First point that an observation reaches, shape (N,).
    kernel : ndarray of float
        The kernel there and at the following points, each twice, shape (N, 2 * width).
    """
    several, blocks, end = grids.shape
    number, width = kernel.shape
    for block in range(blocks):
        grids[:, block] = 0  # just before it is used, so that it is in the cache
        for j in range(number):
            factor = factors[j]
            first = 2 * position[j]
            for k in range(several):
                real = grids.dtype.type(strengths[k, j] * factor.real)
                imaginary = grids.dtype.type(strengths[k, j] * factor.imag)
                if first + width <= end:
                    part = grids[k, block, first : first + width]
                    for i in range(width):
                        part[i] += kernel[j, i] * (imaginary if i & 1 else real)
                else:  # round the end
                    grid = grids[k, block]
                    for i in range(width):
                        grid[(first + i) % end] += kernel[j, i] * (imaginary if i & 1 else real)
            factors[j] = factor * step[j]
