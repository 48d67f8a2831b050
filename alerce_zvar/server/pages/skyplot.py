"""A small plot of positions on the sky as the numbers of an SVG, which a template draws: north up, east left.

::

        +y north                        around a centre: arc lengths from it along great circles (zenithal equidistant)
         |
    +x --+--      -> pixels             else: right ascension and declination
    east |
"""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord, angular_separation, position_angle

__all__ = ["SkyPlot", "plot_sky"]

WIDTH, HEIGHT = 430, 350
LEFT, RIGHT, TOP, BOTTOM = 74, 12, 10, 44  # margins, which hold the labels
MOST_POINTS = 600  # drawn and linked one by one; of more, the density
_CELLS = (40, 34)
_STEPS = 4  # of the shade of a cell
_MARGIN = 0.05
_SMALLEST = 1 / 3600  # deg: extent of a plot of a single point


@dataclass(frozen=True)
class Tick:
    """A place along an axis, in pixels, and what stands there."""

    at: float
    label: str


@dataclass(frozen=True)
class Point:
    """A point in pixels, and the object that it stands for."""

    x: float
    y: float
    psid: str


@dataclass(frozen=True)
class Cell:
    """A rectangle of the density: its corner in pixels, its shade from 1, and how many objects it stands for."""

    x: float
    y: float
    shade: int
    count: int


@dataclass(frozen=True, eq=False)
class SkyPlot:
    """All that the template draws; lengths in pixels."""

    points: list
    cells: list
    cell: tuple
    x_ticks: list
    y_ticks: list
    x_label: str
    y_label: str
    circle: tuple | None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def plot_sky(psid, ra, dec, *, every=1, centre=None, radius=0.0, listed=()):
    """Plot of positions.

    Parameters
    ----------
    psid : ndarray of int
        Identifiers, for the links.
    ra, dec : ndarray of float
        Positions (ICRS) [deg].
    every : int
        How many objects each position stands for.
    centre : `~astropy.coordinates.SkyCoord`, optional
        Of the search.
    radius : float
        Its radius [arcsec].
    listed : list of dict
        Rows (``psid, ra, dec``) that are drawn as points where there are too many to draw all.

    Returns
    -------
    SkyPlot or None
        None where there is nothing to plot.
    """
    if not len(ra) and centre is None:
        return None
    if centre is None:
        frame = _whole(ra, dec)
    else:
        frame = _around(centre, radius)
    cells = []
    if len(ra) > MOST_POINTS:
        cells = _density(frame, *frame.place(ra, dec), every)
        psid, ra, dec = (np.array([row[name] for row in listed]) for name in ("psid", "ra", "dec"))
    points = [
        Point(*where) for where in zip(*frame.pixels(*frame.place(ra, dec)), psid.astype(str).tolist(), strict=True)
    ]
    width, height = (WIDTH - LEFT - RIGHT) / _CELLS[0], (HEIGHT - TOP - BOTTOM) / _CELLS[1]
    return SkyPlot(
        points, cells, (round(width, 2), round(height, 2)), *frame.ticks(), *frame.labels, circle=frame.circle()
    )


class _Frame:
    """Axes: from coordinates to pixels."""

    def __init__(self, x_range, y_range, labels):
        self.x_range, self.y_range, self.labels = x_range, y_range, labels

    def pixels(self, x, y):
        """Rounded to a hundredth, as lists."""
        across = LEFT + (self.x_range[1] - x) / np.ptp(self.x_range) * (WIDTH - LEFT - RIGHT)
        down = TOP + (self.y_range[1] - y) / np.ptp(self.y_range) * (HEIGHT - TOP - BOTTOM)
        return [np.round(values, 2).tolist() for values in (np.asarray(across), np.asarray(down))]

    def ticks(self):
        """Of both axes."""
        x, y = _round_values(*self.x_range), _round_values(*self.y_range)
        across, _ = self.pixels(x, np.zeros(len(x)))
        _, down = self.pixels(np.zeros(len(y)), y)
        return (
            [Tick(at, label) for at, label in zip(across, self.tick_labels(x), strict=True)],
            [Tick(at, label) for at, label in zip(down, _labels(y), strict=True)],
        )

    def tick_labels(self, x):
        return _labels(x)

    def circle(self):
        return None


class _Whole(_Frame):
    """Right ascension and declination, in degrees; the first counts from a meridian within the field."""

    def __init__(self, middle, x_range, y_range):
        super().__init__(x_range, y_range, ("Right ascension (ICRS) [deg]", "Declination (ICRS) [deg]"))
        self.middle = middle

    def place(self, ra, dec):
        return _from_meridian(ra, self.middle), dec

    def tick_labels(self, x):
        return _labels(x, np.mod(x, 360.0))


class _Around(_Frame):
    """Arcs from a centre to the east and the north, in the unit that gives handy numbers."""

    def __init__(self, centre, radius, unit):
        self.radius = radius / unit.to(u.arcsec)
        reach = self.radius * (1 + _MARGIN)
        aspect = (WIDTH - LEFT - RIGHT) / (HEIGHT - TOP - BOTTOM)
        labels = tuple(f"Offset to the {word} [{unit}]" for word in ("east", "north"))
        super().__init__((-reach * aspect, reach * aspect), (-reach, reach), labels)
        self.centre, self.unit = (centre.ra.rad, centre.dec.rad), unit

    def place(self, ra, dec):
        there = np.radians(ra), np.radians(dec)
        arc = np.degrees(angular_separation(*self.centre, *there)) / self.unit.to(u.deg)
        angle = position_angle(*self.centre, *there).to_value(u.rad)
        return arc * np.sin(angle), arc * np.cos(angle)

    def circle(self):
        """Middle and radius of the search."""
        (x,), (y,) = self.pixels(np.zeros(1), np.zeros(1))
        return x, y, round(self.radius / np.ptp(self.y_range) * (HEIGHT - TOP - BOTTOM), 2)


def _from_meridian(ra, middle):
    """Right ascension as a continuous number around a meridian."""
    return middle + np.mod(ra - middle + 180.0, 360.0) - 180.0


def _whole(ra, dec):
    """Frame that all positions fit into, with a degree as long in both directions where the field is small."""
    mean = SkyCoord(ra * u.deg, dec * u.deg).cartesian.mean()
    middle = float(np.degrees(np.arctan2(mean.y.value, mean.x.value)) % 360.0)
    x_range = _extent(_from_meridian(ra, middle))
    y_range = _extent(dec)
    stretch = 1 / max(np.cos(np.radians(np.mean(y_range))), 0.05)
    aspect = stretch * (WIDTH - LEFT - RIGHT) / (HEIGHT - TOP - BOTTOM)
    x_half, y_half = np.ptp(x_range) / 2, np.ptp(y_range) / 2
    x_half, y_half = max(x_half, y_half * aspect), max(y_half, x_half / aspect)
    x_middle, y_middle = np.mean(x_range), np.mean(y_range)
    x_half = min(x_half, 180.0)
    y_range = max(y_middle - y_half, -90.0), min(y_middle + y_half, 90.0)
    return _Whole(middle, (x_middle - x_half, x_middle + x_half), y_range)


def _around(centre, radius):
    unit = u.arcsec if radius <= 120 else u.arcmin if radius <= 7200 else u.deg
    return _Around(centre.icrs, radius, unit)


def _extent(values):
    low, high = float(np.min(values)), float(np.max(values))
    margin = max((high - low) * _MARGIN, _SMALLEST)
    return low - margin, high + margin


def _density(frame, x, y, every):
    """Cells that hold something; their shade grows with the logarithm of the number."""
    counts, x_edges, y_edges = np.histogram2d(x, y, bins=_CELLS, range=(frame.x_range, frame.y_range))
    i, j = np.nonzero(counts)
    if not len(i):
        return []
    found = counts[i, j]
    shades = np.ceil(_STEPS * np.log1p(found) / np.log1p(found.max())).astype(int)
    corners = frame.pixels(x_edges[i + 1], y_edges[j + 1])
    totals = (found * every).astype(int).tolist()
    return [Cell(*cell) for cell in zip(*corners, shades.tolist(), totals, strict=True)]


def _round_values(low, high, most=5):
    """A few round numbers within a range: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / most
    power = 10.0 ** np.floor(np.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough)
    return np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step


def _labels(values, shown=None):
    """Numbers with as many decimals as their steps need."""
    step = np.diff(values).min(initial=1.0) if len(values) > 1 else 1.0
    decimals = max(0, int(np.ceil(-np.log10(step) - 1e-9)))
    return [f"{value + 0.0:.{decimals}f}".replace("-", "−") for value in (values if shown is None else shown)]
