"""Rows of JSON into columns by numpy: eight bytes at a time, all values of a block at once.

::

    2458263.981924     words that end    _2458263  (before the dot)   __981924  (at the end)
                       byte by byte      0 2 4 5 8 2 6 3              0 0 9 8 1 9 2 4
                       neighbours        02    45    82    63         ...
                       joined            0245        8263             ...
                       number            2458263                      981924

Integer and fraction are joined as a whole number below 2^53 and divided by a power of ten below 10^16; both are exact,
so the quotient is the nearest float (Clinger 1990, https://doi.org/10.1145/93542.93557).
"""

import numpy as np

__all__ = ["reader"]

_PAD = 8  # words of zeros before and behind a block, so that reading may go over its ends
_JOINS = tuple(
    (np.uint64(factor), np.uint64(shift), np.uint64(mask))
    for factor, shift, mask in (
        (10, 8, 0x00FF00FF00FF00FF),
        (100, 16, 0x0000FFFF0000FFFF),
        (10000, 32, 0x00000000FFFFFFFF),
    )
)
_ONES, _HIGHS = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_DOTS, _ZEROS, _ABOVE_NINE = (np.uint64(byte * 0x0101010101010101) for byte in (0x2E, 0x30, 0x76))
_ONE, _THREE, _SEVEN, _WORD = (np.uint64(number) for number in (1, 3, 7, 64))
_LAST = np.array([0, *(2**64 - 2 ** (64 - 8 * n) for n in range(1, 9))], dtype=np.uint64)  # the last n bytes of a word
_FIRST = np.array([2 ** (8 * n) - 1 for n in range(9)], dtype=np.uint64)
_TENS = np.array([10**n for n in range(16)], dtype=np.uint64)
_TENS_FLOAT = _TENS.astype(np.float64)
_EXACT = np.uint64(2**53)
_NULL = np.uint64(int.from_bytes(b"null", "little"))


class _Words:
    """Eight bytes of a block from any place on, as numbers whose lowest byte is the first; beyond the block are zeros.

    Put together from two aligned words, which is twice as fast as one read across their border.
    """

    def __init__(self, block):
        padded = np.zeros(-(-len(block) // 8) + 2 * _PAD, dtype="<u8")
        padded.view(np.uint8)[8 * _PAD : 8 * _PAD + len(block)] = block
        self._aligned = padded

    def __getitem__(self, places):
        which, shift = (places >> 3) + _PAD, (places.view(np.uint64) & _SEVEN) << _THREE
        words, following = self._aligned.take(which), self._aligned[1:].take(which)
        words >>= shift
        following <<= np.subtract(_WORD, shift, out=shift)
        words |= following
        return words


class _Literals:
    """Texts to be found before given places, one for each row of an array of places."""

    def __init__(self, *texts):
        self._words = []  # (distance back, bytes that belong to the text, what they must be)
        for back in range(8, max(map(len, texts)) + 8, 8):
            ends = [text[: max(0, len(text) + 8 - back)][-8:] for text in texts]
            masks = _LAST[[len(end) for end in ends]][:, None]
            wanted = np.array([int.from_bytes(end.rjust(8, b"\0"), "little") for end in ends], dtype=np.uint64)
            here = np.flatnonzero(masks)
            self._words.append((back, here, masks[here], wanted[here, None]))

    def stand_before(self, places, words):
        """True if they are all there."""
        return all(np.all(words[places[here] - back] & masks == wanted) for back, here, masks, wanted in self._words)


class _Reader:
    """Reads blocks of rows of one answer; see `reader`."""

    def __init__(self, body, layout, values):
        self._body, self._values, self._tail = np.frombuffer(body, dtype=np.uint8), values, layout.tail
        self._literals, self._joint = _Literals(*layout.literals), _Literals(layout.tail + layout.comma)
        self._sizes = np.array([len(literal) for literal in layout.literals])[:, None]
        self._gaps = np.array([len(literal) - literal.index(b":") for literal in layout.literals])[:, None]
        self._between = len(layout.tail + layout.comma) + self._sizes[0, 0]
        self._tokens, self._floats = np.flatnonzero(~layout.is_float), np.flatnonzero(layout.is_float)

    def __call__(self, start, end, row):
        block = self._body[start:end]
        colons = np.flatnonzero(block == ord(":"))
        rows, rest = divmod(len(colons), len(self._gaps))
        if rest or not rows:
            return -1
        starts = colons.reshape(rows, -1).T + self._gaps
        ends = np.empty_like(starts)
        ends[:-1] = starts[1:] - self._sizes[1:]
        ends[-1, :-1] = starts[0, 1:] - self._between
        ends[-1, -1] = len(block) - len(self._tail)
        words = _Words(block)
        if np.any(ends <= starts) or not self._rows_look_alike(starts, ends, block, words):
            return -1
        found, odd = slice(row, row + rows), np.empty(starts.shape, dtype=bool)
        odd[self._tokens] = self._read_tokens(starts[self._tokens], ends[self._tokens], words, found)
        odd[self._floats] = self._read_floats(starts[self._floats], ends[self._floats], words, found)
        columns, places = np.nonzero(odd)
        bounds = starts[columns, places] + start, ends[columns, places] + start
        self._values.odd += zip(*(item.tolist() for item in (columns, places + row, *bounds)), strict=True)
        return rows

    def _rows_look_alike(self, starts, ends, block, words):
        return (
            starts[0, 0] == self._sizes[0, 0]
            and block[ends[-1, -1] :].tobytes() == self._tail
            and self._literals.stand_before(starts, words)
            and self._joint.stand_before(starts[:1, 1:] - self._sizes[0], words)
        )

    def _read_tokens(self, starts, ends, words, found):
        """Fill in what has at most 8 bytes, as it stands there; a mask of the others."""
        sizes = ends - starts
        self._values.tokens[self._tokens, found] = words[starts] & _FIRST[np.minimum(sizes, 8)]
        return sizes > 8

    def _read_floats(self, starts, ends, words, found):
        """Fill in plain numbers, and NaN for null; a mask of the others."""
        head = words[starts]
        null = (head & _FIRST[4] == _NULL) & (ends - starts == 4)
        negative = head & _FIRST[1] == ord("-")
        if negative.any():
            starts = starts + negative
            head = np.where(negative, words[starts], head)
        sizes = ends - starts
        dots = head ^ _DOTS
        dots = (dots - _ONES) & ~dots & _HIGHS  # the lowest bit is in the first dot
        before = np.bitwise_count((dots & (~dots + _ONE)) - _ONE) >> 3  # digits before it; 8 where there is none
        before = np.minimum(before, sizes)
        integral = before == sizes
        behind = np.where(integral, 0, sizes - before - 1)
        number, plain = _joined(words, starts + before, ends, before, behind)
        plain &= (
            (before > 0) & (integral | ((behind > 0) & (before < 8))) & (before + behind <= 18) & (number <= _EXACT)
        )
        plain &= (head & _FIRST[1] != ord("0")) | (before == 1)
        plain &= ~(negative & integral & (number == 0))  # the whole number -0 is no -0.0
        value = number / _TENS_FLOAT[np.minimum(behind, 15)]
        value[null] = np.nan
        self._values.floats[self._floats, found] = np.where(negative, -value, value)
        return ~plain & ~null


def _joined(words, dots, ends, before, behind):
    """Digits before and behind dots as whole numbers, and where they are digits, and not too many."""
    number, plain = _digits(words, dots, before)
    number *= _TENS[np.minimum(behind, 15)]
    last, digits = _digits(words, ends, np.minimum(behind, 8))
    number += last
    plain &= digits & (behind <= 15)
    many = np.flatnonzero(np.any(behind > 8, axis=1))
    if len(many):
        first, digits = _digits(words, ends[many] - 8, np.clip(behind[many] - 8, 0, 8))
        number[many] += first * _TENS[8]
        plain[many] &= digits
    return number, plain


def _digits(words, ends, counts):
    """Numbers of up to 8 digits before some places, and where they are digits."""
    parts = (words[ends - 8] ^ _ZEROS) & _LAST[counts]
    plain = ((parts + _ABOVE_NINE) | parts) & _HIGHS == 0
    for factor, shift, mask in _JOINS:
        parts = (parts * factor + (parts >> shift)) & mask
    return parts, plain


def reader(body, layout, values):
    """Function ``(start, end, row)`` that fills in a block of rows and returns how many, or -1 where it cannot."""
    return _Reader(body, layout, values)
