"""From raw Fourier sums to powers in one pass, compiled by numba; `normal` has the formulas.

The short transforms come as they are: each frequency is divided by the transform of the kernel while its power is
formed. Several harmonics are solved for 64 frequencies at a time, side by side in the vector registers. Results that
may be wrong are -1.
"""

import numpy as np

from alerce_zvar.period.nufft_numba import compiled

__all__ = ["several", "single"]

_LANES = 64  # of a block of frequencies: enough to fill the registers, few enough for the nearest cache


@compiled
def single(raw, scale, levels, limits, result):
    """Powers of one harmonic.

    Parameters
    ----------
    raw : ndarray of complex
        Sums of w y and w at f, and of w at 2 f, as of `nufft.Transform.raw`, shape (3, blocks, length).
    scale : ndarray of float
        One over the transform of the kernel, shape (size,).
    levels : int
        1 to fit a level, else 0.
    limits : ndarray of float
        Error of a sum, largest error of a power, smallest pivot, and 1 if the error is relative to what is left.
    result : ndarray of float
        Filled with the powers, shape (blocks * size,).
    """
    size, length = len(scale), raw.shape[2]
    real = scale.dtype.type  # of the same precision as the sums, or half of the registers would stay empty
    half, one, zero, level = real(0.5), real(1.0), real(0.0), real(levels)
    error, tolerance, floor, relative = real(limits[0]), real(limits[1]), real(limits[2]), real(limits[3])
    for block in range(raw.shape[1]):
        for start, stop, source in ((0, size // 2, length - size // 2), (size // 2, size, -(size // 2))):
            out = result[block * size + start : block * size + stop]
            yw = raw[0, block, source + start : source + stop]
            w1 = raw[1, block, source + start : source + stop]
            w2 = raw[2, block, source + start : source + stop]
            by = scale[start:stop]
            for m in range(stop - start):
                yc, ys = yw[m].real * by[m], yw[m].imag * by[m]
                c, s = level * (w1[m].real * by[m]), level * (w1[m].imag * by[m])
                c2, s2 = half * (w2[m].real * by[m]), half * (w2[m].imag * by[m])
                cc, ss, cs = half + c2 - c * c, half - c2 - s * s, s2 - c * s
                determinant = cc * ss - cs * cs
                inverse = one / determinant if determinant > floor else zero
                a = (ss * yc - cs * ys) * inverse
                b = (cc * ys - cs * yc) * inverse
                power = a * yc + b * ys
                amplitude = abs(a) + abs(b)
                doubt = (error + error) * amplitude * (one + amplitude)
                # the smaller eigenvalue is at least the determinant over the trace, which is at most 1
                safe = (determinant > floor) & (doubt <= tolerance * (one - relative * power))
                out[m] = max(power, zero) if safe else -one


@compiled
def several(raw, scale, nterms, inverse_masses, limits, result):
    """Powers of several harmonics, or with several levels; as for `single`, with rows as of `normal.Fit.terms`."""
    size, length = len(scale), raw.shape[2]
    groups = max(1, len(inverse_masses))
    cos, sin = np.empty((2 * nterms + 1, _LANES)), np.empty((2 * nterms + 1, _LANES))
    waves = np.empty((1 + groups, 2 * nterms, _LANES))
    matrix = np.empty((2 * nterms, 2 * nterms, _LANES))
    inverse = np.empty((2 * nterms, _LANES))
    found = np.empty((3, _LANES))
    for block in range(raw.shape[1]):
        for start, stop, source in ((0, size // 2, length - size // 2), (size // 2, size, -(size // 2))):
            for first in range(start, stop, _LANES):
                used = min(_LANES, stop - first)
                at = source + first
                _load(raw[:, block, at : at + used], scale[first : first + used], nterms, cos, sin, waves)
                _build(cos, sin, waves, inverse_masses, matrix)
                _solve(matrix, waves[0], limits[2], inverse, found)
                _judge(found, limits, result[block * size + first : block * size + first + used])


@compiled
def _load(raw, scale, nterms, cos, sin, waves):
    groups, used = len(waves) - 1, len(scale)
    cos[:], sin[:] = 0.0, 0.0
    cos[0] = 1.0
    for harmonic in range(1, 2 * nterms + 1):
        if harmonic <= nterms:
            row = (harmonic - 1) * (1 + groups)
            for number in range(1 + groups):
                for lane in range(used):
                    wave = raw[row + number, lane]
                    real, imaginary = wave.real * scale[lane], wave.imag * scale[lane]
                    waves[number, 2 * harmonic - 2, lane] = real
                    waves[number, 2 * harmonic - 1, lane] = imaginary
                    if number > 0:
                        cos[harmonic, lane] += real
                        sin[harmonic, lane] += imaginary
        else:
            for lane in range(used):
                wave = raw[nterms * groups + harmonic - 1, lane]
                cos[harmonic, lane] = wave.real * scale[lane]
                sin[harmonic, lane] = wave.imag * scale[lane]


@compiled
def _build(cos, sin, waves, inverse_masses, matrix):
    """Lower triangle of the normal equations."""
    for i in range(len(cos) // 2):
        for j in range(i + 1):
            for lane in range(_LANES):
                c_plus, c_minus = 0.5 * cos[i + j + 2, lane], 0.5 * cos[i - j, lane]
                s_plus, s_minus = 0.5 * sin[i + j + 2, lane], 0.5 * sin[i - j, lane]
                matrix[2 * i, 2 * j, lane] = c_minus + c_plus
                matrix[2 * i + 1, 2 * j + 1, lane] = c_minus - c_plus
                matrix[2 * i + 1, 2 * j, lane] = s_plus + s_minus
                matrix[2 * i, 2 * j + 1, lane] = s_plus - s_minus
    for number in range(len(inverse_masses)):
        for i in range(len(matrix)):
            for j in range(i + 1):
                for lane in range(_LANES):
                    wave = waves[1 + number, i, lane] * inverse_masses[number]
                    matrix[i, j, lane] -= wave * waves[1 + number, j, lane]


@compiled
def _solve(matrix, right, floor, inverse, found):
    """As `normal._solve`; `found` gets the power, the size of the solution and the smallest pivot."""
    number = len(right)
    found[0], found[1], found[2] = 0.0, 0.0, 1.0
    for j in range(number):
        for lane in range(_LANES):
            found[2, lane] = min(found[2, lane], matrix[j, j, lane])
            inverse[j, lane] = 1.0 / max(matrix[j, j, lane], floor)
        for i in range(j + 1, number):
            for lane in range(_LANES):
                matrix[j, i, lane] = matrix[i, j, lane] * inverse[j, lane]
                right[i, lane] -= matrix[j, i, lane] * right[j, lane]
            for k in range(j + 1, i + 1):
                for lane in range(_LANES):
                    matrix[i, k, lane] -= matrix[j, i, lane] * matrix[k, j, lane]
        for lane in range(_LANES):
            found[0, lane] += right[j, lane] * right[j, lane] * inverse[j, lane]
    for j in range(number - 1, -1, -1):
        for lane in range(_LANES):
            right[j, lane] *= inverse[j, lane]
        for i in range(j + 1, number):
            for lane in range(_LANES):
                right[j, lane] -= matrix[j, i, lane] * right[i, lane]
        for lane in range(_LANES):
            found[1, lane] += abs(right[j, lane])


@compiled
def _judge(found, limits, result):
    error, tolerance, floor, relative = limits
    for lane in range(len(result)):
        power, size = found[0, lane], found[1, lane]
        allowed = tolerance * (1.0 - relative * power)
        safe = (found[2, lane] > floor) & (2.0 * error * size * (1.0 + size) <= allowed)
        result[lane] = power if safe else -1.0
