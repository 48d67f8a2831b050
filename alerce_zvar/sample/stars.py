"""The sources of the sample sky: where they are, how bright, and how they vary. The truth."""

from dataclasses import dataclass, field
from functools import partial

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from alerce_zvar.sample import shapes

__all__ = ["BANDS", "CENTRE", "COUNTS", "END", "NO_LIGHT", "RADIUS", "START", "Star", "draw_stars"]

BANDS = ("g", "r", "i")
CENTRE = SkyCoord(0.8365, 30.94, unit="deg")
RADIUS = 8 * u.arcmin
START, END = 58200.0, 60026.0  # MJD: five years
_GIANTS_KEY = 1000  # of their own stream of random numbers, far from those that others take in turn
_SEPARATION = 6.0  # arcsec between neighbours, so that no two are confused
NO_LIGHT = 99.0  # magnitude of a supernova before its explosion
_EMPTY = 25.0  # of a reference image at a place without a source: far below what one exposure can show

_DRAWN = {
    "RRab": 8, "RRc": 6, "EA": 8, "EW": 10, "DSCT": 6, "LPV": 5, "CV": 4, "SN": 4, "bogus": 3, "constant": 246,
}  # fmt: skip
_GIANTS, _RED = 3, 0.6  # red giants in close binaries, in place of the brightest constant stars of at least this g - r
COUNTS = _DRAWN | {"EB": _GIANTS, "constant": _DRAWN["constant"] - _GIANTS}

# Ranges of the r magnitude, g - r (None where they are given), the period [d], the amplitude in g [mag]; and amplitudes
# in (g, r, i) relative to g.
_PERIODIC = {
    "RRab": ((15.0, 18.0), (0.15, 0.35), (0.45, 0.70), (0.7, 1.2), (1, 0.71, 0.56)),
    "RRc": ((15.0, 18.0), (0.05, 0.25), (0.27, 0.40), (0.4, 0.6), (1, 0.71, 0.56)),
    "DSCT": ((14.5, 17.0), (0.0, 0.25), (0.05, 0.18), (0.15, 0.5), (1, 0.70, 0.53)),
    "LPV": ((14.3, 15.8), (1.3, 1.9), (120.0, 420.0), (1.5, 3.0), (1, 0.75, 0.55)),
    "EA": ((14.5, 17.5), (0.3, 0.9), (0.8, 4.0), (0.4, 1.0), (1, 0.95, 0.92)),
    "EW": ((14.5, 18.0), (0.4, 0.9), (0.25, 0.45), (0.3, 0.7), (1, 0.96, 0.93)),
    "EB": (None, None, (3.0, 8.0), (0.3, 0.5), (1, 0.96, 0.93)),
}


@dataclass(frozen=True)
class Star:
    """One source.

    ``magnitude(bjd, band)`` gives its true magnitude. `period` [d] and `epoch`, a BJD (TDB) of phase 0, are NaN where
    there is none. `reference` is what the reference image shows; NaN where that is the median of what was seen.
    """

    kind: str
    ra: float
    dec: float
    mags: dict
    magnitude: object = field(repr=False)
    period: float = np.nan
    epoch: float = np.nan
    amplitudes: dict = field(default_factory=lambda: dict.fromkeys(BANDS, 0.0))
    reference: float = np.nan

    @property
    def is_periodic(self):
        """True where there is a true period."""
        return self.kind in _PERIODIC

    @property
    def has_alerts(self):
        """True for what ALeRCE knows: whatever varies, and a few artefacts."""
        return self.kind != "constant"


def draw_stars(rng):
    """All sources in random order; a list of `Star`."""
    kinds = rng.permutation(np.repeat(list(_DRAWN), list(_DRAWN.values())))
    ra, dec = _positions(rng, len(kinds))
    stars = [_draw(rng, str(kind), float(a), float(d)) for kind, a, d in zip(kinds, ra, dec, strict=True)]
    return _with_giants(rng, stars)


def _with_giants(rng, stars):
    """Stars of which a few have become binaries with a red giant; the luck of the others is left alone."""
    seed = rng.bit_generator.seed_seq
    own = np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, _GIANTS_KEY)))
    red = [star for star in stars if star.kind == "constant" and star.mags["g"] - star.mags["r"] >= _RED]
    chosen = sorted(red, key=lambda star: star.mags["r"])[:_GIANTS]
    giants = {id(star): _variable(own, "EB", star.ra, star.dec, star.mags) for star in chosen}
    return [giants.get(id(star), star) for star in stars]


def _positions(rng, number):
    """Uniform in the cone, none within six arcseconds of another."""
    x, y = np.empty(0), np.empty(0)
    radius = RADIUS.to_value(u.deg)
    while len(x) < number:
        at = radius * np.sqrt(rng.uniform()) * np.exp(2j * np.pi * rng.uniform())
        if np.all(np.hypot(x - at.real, y - at.imag) > _SEPARATION / 3600):
            x, y = np.append(x, at.real), np.append(y, at.imag)
    dec = CENTRE.dec.deg + y
    return (CENTRE.ra.deg + x / np.cos(np.radians(dec))) % 360, dec


def _draw(rng, kind, ra, dec):
    draw = {"CV": _cataclysmic, "SN": _supernova, "constant": _constant, "bogus": _bogus}.get(kind)
    return draw(rng, ra, dec) if draw else _periodic(rng, kind, ra, dec)


def _colours(rng, r, g_r):
    """Magnitudes of an ordinary star: r - i follows g - r (PS1 stellar locus, Tonry et al. 2012, ApJ 750, 99)."""
    return {"g": r + g_r, "r": r, "i": r - 0.4 * g_r + 0.02 * rng.normal()}


def _constant(rng, ra, dec):
    """Counts rise by 10^(0.25 mag), from 13.8 to 20.9."""
    low, high = 10 ** (0.25 * 13.8), 10 ** (0.25 * 20.9)
    mags = _colours(
        rng, float(np.log10(rng.uniform(low, high)) / 0.25), float(np.clip(rng.normal(0.7, 0.35), -0.2, 1.5))
    )
    return Star("constant", ra, dec, mags, partial(_steady, mags))


def _steady(mags, bjd, band):
    return np.full(np.shape(bjd), mags[band])


def _bogus(rng, ra, dec):
    """A constant star on which an artefact appears in one exposure of forty."""
    mags = _colours(rng, rng.uniform(17.0, 18.5), 0.7)
    return Star("bogus", ra, dec, mags, partial(_flashing, mags, int(rng.integers(1 << 31))))


def _flashing(mags, seed, bjd, band):
    rng = np.random.default_rng([seed, BANDS.index(band), np.size(bjd)])
    flash = rng.uniform(size=np.shape(bjd)) < 1 / 40
    return mags[band] - flash * rng.uniform(0.5, 2.0, np.shape(bjd))


def _periodic(rng, kind, ra, dec):
    r, colour, *_ = _PERIODIC[kind]
    return _variable(rng, kind, ra, dec, _colours(rng, rng.uniform(*r), rng.uniform(*colour)))


def _variable(rng, kind, ra, dec, mags):
    *_, periods, swings, relative = _PERIODIC[kind]
    period = float(np.exp(rng.uniform(*np.log(periods))))
    epoch = 2400000.5 + rng.uniform(START, START + period)
    swing = rng.uniform(*swings)
    amplitudes = {band: float(swing * factor) for band, factor in zip(BANDS, relative, strict=True)}
    magnitude = partial(_phased, mags, amplitudes, period, epoch, _shape(rng, kind))
    return Star(kind, ra, dec, mags, magnitude, period, epoch, amplitudes)


def _shape(rng, kind):
    if kind == "EA":
        width = rng.uniform(0.02, 0.04)
        return partial(shapes.eclipses, width=width, secondary=rng.uniform(0.2, 0.6), ellipticity=0.02)
    if kind == "EB":
        return partial(shapes.eclipses, width=0.09, secondary=rng.uniform(0.5, 0.7), ellipticity=0.3)
    if kind == "EW":
        return partial(shapes.eclipses, width=0.11, secondary=rng.uniform(0.75, 0.95), ellipticity=0.25)
    return partial(shapes.pulsation, kind)


def _phased(mags, amplitudes, period, epoch, shape, bjd, band):
    """The tabulated magnitude is the middle between the extremes for pulsators, and close to maximum for binaries."""
    bright = 0.5 if shape.func is shapes.pulsation else 0.0
    return mags[band] + amplitudes[band] * (shape(np.mod(bjd - epoch, period) / period) - bright)


def _cataclysmic(rng, ra, dec):
    mags = _colours(rng, rng.uniform(18.6, 19.6), rng.uniform(-0.1, 0.2))
    days = np.cumsum(rng.uniform(35, 80) * rng.uniform(0.7, 1.3, 60)) + 2400000.5 + START - 40
    height = rng.uniform(2.5, 4.0)
    magnitude = partial(_erupting, mags, days, height, int(rng.integers(1 << 31)))
    return Star("CV", ra, dec, mags, magnitude, amplitudes=dict.fromkeys(BANDS, height))


def _erupting(mags, starts, height, seed, bjd, band):
    """Outbursts on a flickering quiescence."""
    since = bjd - starts[np.clip(np.searchsorted(starts, bjd) - 1, 0, None)]
    flicker = np.random.default_rng([seed, BANDS.index(band), np.size(bjd)]).normal(0, 0.12, np.shape(bjd))
    return mags[band] + height * shapes.outburst(since) + flicker


def _supernova(rng, ra, dec):
    """Without a host galaxy: no light before and long after. It peaks in a season, see `observe`."""
    peak = {"g": rng.uniform(17.0, 18.6)}
    peak |= {"r": peak["g"] + rng.uniform(-0.1, 0.1), "i": peak["g"] + 0.3}
    year = 365.25 * rng.integers(1, 5)
    maximum = 2400000.5 + START + year + rng.uniform(150, 230)
    magnitude = partial(_exploding, peak, maximum)
    unknown = dict.fromkeys(BANDS, np.nan)
    return Star("SN", ra, dec, peak, magnitude, epoch=maximum, amplitudes=unknown, reference=_EMPTY)


def _exploding(peak, maximum, bjd, band):
    rise, decay = {"g": (3.5, 18.0), "r": (4.0, 27.0), "i": (4.0, 32.0)}[band]
    flux = shapes.supernova(bjd - maximum, rise=rise, decay=decay)
    with np.errstate(divide="ignore"):
        return np.minimum(peak[band] - 2.5 * np.log10(flux), NO_LIGHT)
