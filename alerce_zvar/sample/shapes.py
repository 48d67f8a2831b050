"""How variable stars vary: magnitude against phase, fainter is larger, phase 0 at the extremum that an ephemeris names.

That is maximum light for pulsators and the deeper minimum for binaries. Shapes run from 0 (brightest) to 1 (faintest).
"""

import numpy as np

__all__ = ["eclipses", "outburst", "pulsation", "supernova"]

# Fourier series in cosines of the magnitude: amplitude ratios R_k1 and phases phi_k1 = phi_k - k phi_1, rounded from
# what is typical of the OGLE stars (Soszynski et al. 2009, AcA 59, 1 for RR Lyrae; Poleski et al. 2010, AcA 60, 1 for
# delta Scuti) and of field RRab (Deb & Singh 2009, A&A 507, 1729).
_PULSATORS = {
    "RRab": ((0.45, 0.32, 0.20, 0.13), (4.0, 2.1, 0.1, 4.6)),
    "RRc": ((0.15, 0.06), (4.6, 3.0)),
    "DSCT": ((0.28, 0.09), (4.0, 1.9)),
    "LPV": ((0.10,), (4.5,)),
}
_FINE = np.arange(2000) / 2000


def _series(ratios, phases, phase):
    angle = 2 * np.pi * np.asarray(phase, dtype=float)
    value = np.cos(angle)
    for k, (ratio, shift) in enumerate(zip(ratios, phases, strict=True), start=2):
        value = value + ratio * np.cos(k * angle + shift)
    return value


def pulsation(kind, phase):
    """Shape of a pulsator ("RRab", "RRc", "DSCT" or "LPV") at some phases."""
    fine = _series(*_PULSATORS[kind], _FINE)
    brightest, low, high = _FINE[np.argmin(fine)], fine.min(), fine.max()
    return (_series(*_PULSATORS[kind], np.asarray(phase) + brightest) - low) / (high - low)


def eclipses(phase, *, width, secondary, ellipticity):
    """Shape of an eclipsing binary.

    Eclipses follow the simple model of Mikulasek 2015 (A&A 584, A8) with Gamma = 1; between them the light of two
    ellipsoids, a cosine of half the period.

    Parameters
    ----------
    phase : array_like of float
        Phases [cycles]; the deeper eclipse is at 0, the other at 0.5.
    width : float
        Eclipse parameter d [cycles]: about a quarter of the whole duration.
    secondary : float
        Depth of the second eclipse, that of the first being 1.
    ellipticity : float
        Semi-amplitude of the wave between the eclipses, in the same unit.

    Returns
    -------
    ndarray of float
        From 0 to 1.
    """

    def shape(at):
        wave = ellipticity * (1 + np.cos(4 * np.pi * at))
        return wave + _eclipse(at, width) + secondary * _eclipse(at + 0.5, width)

    return shape(np.asarray(phase, dtype=float)) / shape(0.0)


def _eclipse(phase, width):
    distance = np.abs(phase - np.round(phase)) / width
    with np.errstate(over="ignore"):
        return np.exp(1 - np.cosh(np.minimum(distance, 20.0)))


def outburst(days):
    """Shape of a dwarf-nova outburst: 0 in quiescence, -1 at its plateau, against days since its rise.

    A day of rise, a week of plateau, and a decay of two to three days per magnitude, much as in SS Cyg (Cannizzo &
    Mattei 1998, ApJ 505, 344).
    """
    days = np.asarray(days, dtype=float)
    return -1 / (1 + np.exp(-(days - 0.5) / 0.15)) / (1 + np.exp((days - 8.0) / 1.5))


def supernova(days, *, rise, decay):
    """Flux of a supernova, 1 at maximum, against days since it; the model of Bazin et al. 2009 (A&A 499, 653)."""
    days = np.asarray(days, dtype=float)
    peak = rise * np.log(decay / rise - 1)  # of the model, after its zero of time
    return _bazin(days + peak, rise, decay) / _bazin(peak, rise, decay)


def _bazin(days, rise, decay):
    return np.exp(-np.maximum(days, -40 * rise) / decay) / (1 + np.exp(-np.maximum(days, -40 * rise) / rise))
