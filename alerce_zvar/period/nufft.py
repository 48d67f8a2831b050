"""Non-uniform Fourier sums on a long regular grid, piece by piece, every piece small enough for the processor's cache.

::

    grid      ├── block 0 ──┼── block 1 ──┼── block 2 ──┼─ ...        a few thousand frequencies each
    weights     s_j exp(2 pi i h f_0 t_j)   turned to the centre f_b of each block, in float64
    spread      onto a short regular grid, by one kernel that serves all blocks: positions are h step t_j mod 1
    transform   a fast Fourier transform that stays in the cache
    divide      by the Fourier transform of the kernel

One transform as long as the whole grid waits for the memory; blocks do not, and since all large phases are formed in
float64, the short transforms may be of single precision. What is described here is the type 1 transform of Dutt &
Rokhlin 1993 (SIAM J. Sci. Comput. 14, 1368) with the Kaiser-Bessel kernel of Jackson et al. 1991 (IEEE Trans. Med.
Imaging 10, 473), whose transform is known in closed form, at the width that Barnett 2021 (Appl. Comput. Harmon. Anal.
51, 1) shows to be near the best. ``exp(2 pi i ...)`` of the block's centre is formed anew for each stretch of blocks.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft, sparse
from scipy.special import i0

__all__ = ["PRECISIONS", "Transform", "check_precision", "direct_sums", "turns"]

OVERSAMPLING = 1.25  # length of a short transform over its frequencies that are used


@dataclass(frozen=True)
class Precision:
    """Sizes that suit a precision: of the transform, and of the kernel in its points."""

    length: int
    width: int
    error: float  # largest error of a sum over the sum of the absolute strengths
    real: type
    complex: type


PRECISIONS = {
    "double": Precision(7680, 18, 6e-10, np.float64, np.complex128),
    "single": Precision(15360, 10, 4e-5, np.float32, np.complex64),
}


def check_precision(precision):
    """The sizes of a precision.

    Raises
    ------
    ValueError
        There is no such precision.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")
    return PRECISIONS[precision]


class Transform:
    """Sums ``sum_j s_j exp(2 pi i h f t_j)`` over observations j, for the frequencies f of a grid, block by block.

    Parameters
    ----------
    time : ndarray of float
        Times [day], shape (N,).
    grid : `~alerce_zvar.period.grid.FrequencyGrid`
        Frequencies.
    terms : sequence of (int, ndarray of float)
        Harmonic h, and strengths of shape (N,) or (several, N). Strengths that are zero cost nothing.
    precision : {"double", "single"}
        Of the short transforms. The largest error of a sum is 6e-10 or 4e-5 of the sum of the absolute strengths.
    engine : {"numba", "numpy"}
        What spreads: compiled loops, or a sparse matrix.

    Attributes
    ----------
    size : int
        Frequencies of a block; the last one of the grid may reach beyond it.
    blocks : int
        Number of blocks.
    rows : int
        Sums per frequency: all strengths of the first term, of the second, ...
    """

    def __init__(self, time, grid, terms, *, precision="double", engine="numpy"):
        self.precision = check_precision(precision)
        self.grid = grid
        self.size, self.length = _lengths(grid.number, self.precision)
        self.blocks = -(-grid.number // self.size)
        self.scale = _inverse_transform(self.size, self.length, self.precision.width).astype(self.precision.real)
        parts = []
        for harmonic, strengths in terms:
            strengths = np.atleast_2d(np.asarray(strengths, dtype=float))
            points = np.flatnonzero(strengths.any(axis=0))
            position, kernel = self._kernel(harmonic * turns(grid.step, time[points]))
            step = _unit(harmonic * turns(grid.step * self.size, time[points]))
            if engine == "numpy":
                kernel = _matrix(position, kernel, self.length)
            else:
                kernel = np.repeat(kernel, 2, axis=1)  # for real and imaginary part: what registers take in one go
            parts.append(_Term(harmonic, time[points], strengths[:, points], step, position, kernel))
        self.terms = tuple(parts)
        self.rows = sum(len(term.strengths) for term in parts)
        self._spread = {"numba": self._by_numba, "numpy": self._by_matrix}[engine]

    def _kernel(self, cycles):
        """First grid point that each observation reaches, and the kernel there and at the following ones."""
        place = np.mod(cycles, 1.0) * self.length
        width = self.precision.width
        first = np.ceil(place - width / 2).astype(np.intp)
        offset = (first[:, None] + np.arange(width) - place[:, None]) / (width / 2)
        beta = _beta(self.size, self.length, width)
        kernel = i0(beta * np.sqrt(np.maximum(1 - offset**2, 0.0))) / i0(beta)
        return np.mod(first, self.length), np.ascontiguousarray(kernel, dtype=self.precision.real)

    def raw(self, first, count):
        """Sums of some blocks times the transform of the kernel, shape (rows, count, length).

        Frequency m of a block is at index ``m - size / 2`` of the last axis, counted from its end where negative, and
        is to be multiplied by ``scale[m]``.
        """
        spread = np.empty((self.rows, count, self.length), self.precision.complex)
        row = 0
        for term in self.terms:
            last = row + len(term.strengths)
            self._spread(term, first, spread[row:last])
            row = last
        return fft.ifft(spread, axis=-1, norm="forward", overwrite_x=True)

    def sums(self, first, count):
        """Real and imaginary parts of the sums of some blocks, each in one piece; shape (2, rows, count * size)."""
        raw, half = self.raw(first, count), self.size // 2
        result = np.empty((2, self.rows, count, self.size), self.precision.real)
        for part, own in zip((raw.real, raw.imag), result, strict=True):
            np.multiply(part[..., -half:], self.scale[:half], out=own[..., :half])
            np.multiply(part[..., :half], self.scale[half:], out=own[..., half:])
        return result.reshape(2, self.rows, -1)

    def _start(self, term, block):
        """Factors that turn the strengths to the centre of a block."""
        centre = self.grid.minimum + self.grid.step * (block * self.size + self.size // 2)
        return _unit(term.harmonic * turns(centre, term.time))

    def _by_numba(self, term, first, spread):
        from alerce_zvar.period import nufft_numba

        nufft_numba.spread(
            spread.view(self.precision.real),
            term.strengths,
            self._start(term, first),
            term.step,
            term.position,
            term.kernel,
        )

    def _by_matrix(self, term, first, spread):
        count = spread.shape[1]
        factors = np.empty((count, len(term.time)), complex)
        factors[0], factors[1:] = self._start(term, first), term.step
        np.multiply.accumulate(factors, out=factors)
        turned = np.empty((len(term.time), len(term.strengths), count), self.precision.complex)
        np.multiply(factors.T[:, None], term.strengths.T[..., None], out=turned, casting="same_kind")
        # real times complex, as a product of real numbers: half the work
        flat = term.kernel @ turned.reshape(len(term.time), -1).view(self.precision.real)
        flat = flat.view(self.precision.complex).reshape(self.length, len(term.strengths), count)
        spread[:] = flat.transpose(1, 2, 0)


@dataclass(frozen=True, eq=False)
class _Term:
    """Observations of a term, what turns them from block to block, and where they are spread."""

    harmonic: int
    time: np.ndarray  # (N,)
    strengths: np.ndarray  # (several, N)
    step: np.ndarray
    position: np.ndarray
    kernel: np.ndarray | sparse.csr_array  # (N, 2 * width), or (length, N)


def _matrix(position, kernel, length):
    """The kernels as a sparse matrix that spreads all observations at once, shape (length, N)."""
    number, width = kernel.shape
    index = np.mod(position[:, None] + np.arange(width), length)
    ends = np.arange(0, number * width + 1, width)
    return sparse.csr_array((kernel.ravel(), index.ravel(), ends), (number, length)).T.tocsr()


def turns(frequency, time):
    """Fraction of a cycle, ``frequency * time`` modulo 1."""
    cycles = frequency * time
    return cycles - np.floor(cycles)  # as exact as np.mod, in a fifth of the time


def _unit(cycles):
    """``exp(2 pi i cycles)``, in half the time."""
    angle = 2 * np.pi * (cycles - np.floor(cycles))
    result = np.empty(angle.shape, complex)
    np.cos(angle, out=result.real)
    np.sin(angle, out=result.imag)
    return result


def _lengths(number, precision):
    """Frequencies of a block, an even number, and length of its transform."""
    size = min(int(precision.length / OVERSAMPLING), number + number % 2)
    length = fft.next_fast_len(max(int(np.ceil(OVERSAMPLING * size)), 2 * precision.width))
    return size, length


def _beta(size, length, width):
    return np.pi * width * (1 - 0.5 * size / length)


@lru_cache(maxsize=32)
def _inverse_transform(size, length, width):
    """One over the Fourier transform of the kernel at the frequencies of a block, lowest first."""
    beta = _beta(size, length, width)
    frequency = np.arange(-(size // 2), size - size // 2)
    root = np.sqrt(beta**2 - (np.pi * width / length * frequency) ** 2)
    return i0(beta) * root / (width * np.sinh(root))


def direct_sums(time, frequencies, terms):
    """The same sums one by one: exact to rounding, for any frequencies.

    Parameters
    ----------
    time : ndarray of float
        Times, shape (N,).
    frequencies : ndarray of float
        Shape (F,).
    terms
        As for `Transform`, no harmonic before a smaller one.

    Returns
    -------
    ndarray of complex
        Shape (rows, F).
    """
    turn = _unit(turns(frequencies, time[:, None]))
    wave, power, parts = turn, 1, []
    for harmonic, strengths in terms:
        while power < harmonic:
            wave, power = wave * turn, power + 1
        # real times complex, as a product of real numbers: half the work
        parts.append((np.atleast_2d(strengths) @ wave.view(float)).view(complex))
    return np.concatenate(parts)
