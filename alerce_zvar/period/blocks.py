"""Walking along a grid of frequencies block by block, on several threads, in order and in bounded memory."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor

__all__ = ["BLOCK", "in_order", "walk"]

BLOCK = 1 << 13  # frequencies in one go: few enough to share a short grid out among threads


def walk(grid, compute, *, workers=1, size=BLOCK):
    """Powers of each block of a grid, in order.

    Parameters
    ----------
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        Trial frequencies.
    compute : callable
        Frequencies [1/day], an ndarray, -> their powers. With several workers it should let go of Python's lock.
    workers : int
        Threads. The numbers do not depend on it.
    size : int
        Frequencies in a block.

    Yields
    ------
    start : int
        Index in the grid of the block's first frequency.
    power : ndarray of float
        What `compute` gave.
    """

    def block(start):
        return start, compute(grid.frequencies(start, min(start + size, grid.number)))

    return in_order(block, range(0, grid.number, size), workers)


def in_order(function, arguments, workers=1):
    """Results of a function in the order of its arguments; threads never run far ahead of who takes them.

    Parameters
    ----------
    function : callable
        With several workers it should let go of Python's lock.
    arguments : sequence
        One for each call.
    workers : int
        Threads.

    Yields
    ------
    object
        What `function` gave.
    """
    if workers == 1 or len(arguments) == 1:
        yield from map(function, arguments)
        return
    pool, under_way = ThreadPoolExecutor(workers), deque()
    try:
        for argument in arguments:
            under_way.append(pool.submit(function, argument))
            if len(under_way) > 2 * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
