"""Rows of JSON into columns, compiled by numba, for where the extra ``fast`` is installed; the twin of `scan_numpy`.

Nothing here holds Python's lock, so the threads that fetch answers read them side by side. A plain number is a whole
number up to 2^53 over a power of ten up to 10^22; both are exact, so their quotient is the nearest float (Clinger 1990,
https://doi.org/10.1145/93542.93557).
"""

import numpy as np

from alerce_zvar.compiled import compiled

__all__ = ["reader"]

_TENS = np.array([float(10**n) for n in range(23)])
_EXACT = np.uint64(2**53)
_TEN, _BYTE = np.uint64(10), np.uint64(8)
_ZERO, _DOT = np.uint64(ord("0")), np.uint64(2**64 + ord(".") - ord("0"))
_NULL = np.uint64(int.from_bytes(b"null", "little"))


@compiled
def _skip(body, position, end, literals, first, last):
    """Position behind a literal, or -1 where it does not stand."""
    if position + last - first > end:
        return -1
    for place in range(first, last):
        if body[np.uint64(position)] != literals[np.uint64(place)]:
            return -1
        position += 1
    return position


@compiled
def _end_of_value(body, position, end):
    """Where the next comma, brace or white space stands."""
    while position < end and body[np.uint64(position)] not in (44, 125, 32, 10, 13, 9):
        position += 1
    return position


@compiled
def _number(body, start, end):
    """A plain number, the position behind it, and whether it was plain."""
    first = position = start + (body[start] == 45)  # a minus
    dot, number = -1, np.uint64(0)
    while position < end:
        digit = np.uint64(body[np.uint64(position)]) - _ZERO  # of no digit, it is more than 9
        if digit < _TEN:
            number = number * _TEN + digit
        elif digit == _DOT and dot < 0:
            dot = position
        else:
            break
        position += 1
    before = (position if dot < 0 else dot) - first
    behind = 0 if dot < 0 else position - dot - 1
    plain = before > 0 and (dot < 0 or behind > 0) and before + behind <= 19 and number <= _EXACT
    plain = plain and not (body[first] == 48 and before > 1)
    if not plain or (first > start and dot < 0 and number == 0):  # the whole number -0 is no -0.0
        return np.nan, position, False
    value = np.float64(number) / _TENS[behind]
    return (-value if first > start else value), position, True


@compiled
def _token(body, start, stop):
    """Up to 8 bytes as a number whose lowest byte is the first."""
    token = np.uint64(0)
    for position in range(stop - 1, start - 1, -1):
        token = (token << _BYTE) | np.uint64(body[np.uint64(position)])
    return token


@compiled
def _rows(body, position, end, literals, bounds, is_float, row, floats, tokens, odd):
    """Numbers of rows and of odd values; the former is -1 where something is not expected."""
    width, rows, odds = len(is_float), 0, 0
    while True:
        for column in range(width):
            position = _skip(body, position, end, literals, bounds[column], bounds[column + 1])
            if position < 0 or position == end:
                return -1, 0
            value, stop, plain = np.nan, position, False
            if is_float[column]:
                value, stop, plain = _number(body, position, end)
            last = _end_of_value(body, stop, end)
            if is_float[column]:
                floats[column, row + rows] = value
                plain = (plain and last == stop) or (last - position == 4 and _token(body, position, last) == _NULL)
            else:
                plain = last - position <= 8
                tokens[column, row + rows] = _token(body, position, last) if plain else _NULL
            if not plain:
                odd[odds, 0], odd[odds, 1], odd[odds, 2], odd[odds, 3] = column, row + rows, position, last
                odds += 1
            position = last
        rows += 1
        position = _skip(body, position, end, literals, bounds[width], bounds[width + 1])
        if position == end or position < 0:
            return (rows if position == end else -1), odds
        position = _skip(body, position, end, literals, bounds[width + 1], bounds[width + 2])
        if position < 0:
            return -1, 0


def reader(body, layout, values):
    """Function ``(start, end, row)`` that fills in a block of rows and returns how many, or -1 where it cannot."""
    parts = [*layout.literals, layout.tail, layout.comma]
    literals, bounds = np.frombuffer(b"".join(parts), dtype=np.uint8), np.cumsum([0, *map(len, parts)])
    content = np.frombuffer(body, dtype=np.uint8)

    def read(start, end, row):
        odd = np.empty((((end - start) // layout.shortest + 1) * len(layout.columns), 4), dtype=np.int64)
        rows, odds = _rows(
            content, start, end, literals, bounds, layout.is_float, row, values.floats, values.tokens, odd
        )
        values.odd += map(tuple, odd[:odds].tolist())
        return rows

    return read
