"""Figure of positions on the sky, in a plane that touches it at their centre."""

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle, CartesianRepresentation, SkyCoord
from astropy.table import Table

from alerce_zvar.errors import shown
from alerce_zvar.folding import bare_unit, numbers, usable
from alerce_zvar.plot.axes import (
    BESIDE,
    add_legend,
    legend_text,
    make_axes,
    marker_size,
    plain_text,
    set_title,
    unit_label,
)
from alerce_zvar.plot.style import FAINT_COLOR, LINE_COLOR, MARK_COLOR, BandStyle, band_styles, class_styles

__all__ = ["plot_sky"]

_FARTHEST = 80 * u.deg  # from the centre: beyond, the plane shows hardly anything as it is
_UNITS = ((2.0, u.arcsec), (120.0, u.arcmin), (np.inf, u.deg))  # up to so many arcmin from the centre
_UNKNOWN = "unknown"
_NAMELESS = BandStyle(FAINT_COLOR, ".")


def plot_sky(table_or_coordinates, *, color_by=None, centre=None, radius=None, title=None, ax=None):
    """Axes with positions around a centre, east to the left, north up, in equal scales.

    Positions are drawn in the plane that touches the sky at the centre (gnomonic projection), so that it does not
    matter where right ascension begins or where the poles are. Rows without a position are left out; the axes' title
    says how many.

    Parameters
    ----------
    table_or_coordinates : `~astropy.table.Table` or `~astropy.coordinates.SkyCoord`
        Positions. A table has columns ``ra`` and ``dec`` with units, or one that is a SkyCoord.
    color_by : str, optional
        Column of the table that gives the colours: texts or bools by kinds, a column ``band`` by the bands' colours,
        numbers on a scale with a colour bar. Rows where it is masked are small and grey.
    centre : `~astropy.coordinates.SkyCoord`, optional
        Where the plane touches; by default the middle of the positions.
    radius : `~astropy.units.Quantity`, `~astropy.coordinates.Angle` or str, optional
        Draw a circle of this angle around the centre: the cone of a query.
    title : str, optional
        Drawn letter by letter; by default the centre.
    ax : `~matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.

    Returns
    -------
    `~matplotlib.axes.Axes`

    Raises
    ------
    TypeError
        `table_or_coordinates` is neither, or `centre` is no single SkyCoord.
    ValueError
        There are no positions and no `centre`, a position is more than 80 deg from it, `radius` is not positive or
        more than that, or there is no such column.
    astropy.units.UnitsError
        ``ra``, ``dec`` or `radius` has no unit of angle.
    MissingExtraError
        matplotlib is not installed.
    """
    positions, known = _positions(table_or_coordinates)
    centre = _middle(positions[known]) if centre is None else _checked_centre(centre)
    radius = None if radius is None else _checked_radius(radius)
    x, y = _on_plane(positions[known], centre)
    reach = max(np.hypot(x, y).max(initial=0.0), 0.0 if radius is None else np.tan(radius.to_value(u.rad)))
    unit = next(unit for most, unit in _UNITS if (reach * u.rad).to_value(u.arcmin) <= most)
    scale = u.rad.to(unit)
    ax = make_axes(ax, scale=(0.85, 1.2), layout="compressed")
    _draw(ax, x * scale, y * scale, table_or_coordinates, known, color_by)
    if radius is not None:
        _draw_circle(ax, np.tan(radius.to_value(u.rad)) * scale, radius)
    _set_frame(ax, 1.05 * reach * scale or 1.0, unit)
    left_out = int((~known).sum())
    around = f"around {_place_text(centre)}"
    note = f"\n{left_out} without a position left out" if left_out else ""
    set_title(ax, (around if title is None else title) + note)
    add_legend(ax, below=True)
    return ax


def _positions(given):
    """Positions in ICRS, in one dimension, and which of them are known."""
    from alerce_zvar.match.places import positions_of

    if isinstance(given, SkyCoord):
        given = Table({"coordinates": given.reshape(-1)})
    elif not isinstance(given, Table):
        raise TypeError(f"table_or_coordinates must be an astropy Table or SkyCoord, not {type(given).__name__}")
    return positions_of(given, "table_or_coordinates")


def _middle(positions):
    """Mean direction of some positions."""
    if not len(positions):
        raise ValueError("table_or_coordinates holds no position; give centre to draw an empty sky")
    mean = positions.cartesian.xyz.value.mean(axis=1)
    if np.linalg.norm(mean) < 1e-6:
        raise ValueError("table_or_coordinates: the positions have no middle, all around the sky; give centre")
    return SkyCoord(CartesianRepresentation(mean), frame="icrs")


def _checked_centre(centre):
    if not isinstance(centre, SkyCoord) or centre.shape:
        raise TypeError(f"centre must be one SkyCoord, not {shown(centre)}")
    return centre.icrs


def _checked_radius(radius):
    try:
        angle = Angle(radius)
    except (TypeError, ValueError) as exc:
        kind = u.UnitsError if isinstance(exc, u.UnitsError) else ValueError
        raise kind(f"radius must be an angle with a unit, such as 5 * u.arcmin, not {shown(radius)}") from exc
    if angle.shape or not 0 < angle <= _FARTHEST:
        raise ValueError(f"radius must be one positive angle of at most {_FARTHEST}, not {shown(radius)}")
    return angle


def _on_plane(positions, centre):
    """Coordinates to the east and the north on the plane that touches the unit sphere at the centre."""
    far = positions.separation(centre)
    if np.any(far > _FARTHEST):
        raise ValueError(
            f"table_or_coordinates: a position is {far.max().to(u.deg):.0f} from the centre; "
            f"a plane shows at most {_FARTHEST} around it"
        )
    towards, east, north = positions.transform_to(centre.skyoffset_frame()).cartesian.xyz.value
    return east / towards, north / towards


def _draw(ax, x, y, given, known, color_by):
    """Points, in one colour or in those of a column."""
    size = marker_size(1.5 if len(x) < 500 else 0.6)
    if color_by is None:
        ax.plot(x, y, "o", ms=size, color=LINE_COLOR, mew=0)
        return
    names = getattr(given, "colnames", ())
    if color_by not in names:
        raise ValueError(f"color_by must be a column of the table, {', '.join(names)}, not {shown(color_by)}")
    column = given[color_by][known]
    if np.asarray(column).dtype.kind in "fiu":
        _draw_scale(ax, x, y, column, color_by, size)
    else:
        _draw_kinds(ax, x, y, column, color_by, size)


def _draw_scale(ax, x, y, column, name, size):
    good = usable(column)
    ax.plot(x[~good], y[~good], ".", ms=size, color=FAINT_COLOR, mew=0, zorder=1)
    points = ax.scatter(x[good], y[good], s=size**2, c=numbers(column)[good], cmap="cividis", linewidths=0)
    ax.figure.colorbar(points, cax=ax.inset_axes(BESIDE), label=plain_text(unit_label(name, bare_unit(column))))


def _draw_kinds(ax, x, y, column, name, size):
    hidden = np.asarray(getattr(column, "mask", False))
    kinds = np.where(hidden, "", np.asarray(column).astype(str))
    styles = (band_styles if name == "band" else class_styles)(kinds[kinds != ""]) | {"": _NAMELESS}
    for kind in np.unique(kinds).tolist():
        style, rows = styles[kind], kinds == kind
        look = {"ms": size, "color": style.color, "mec": "white", "mew": 0.2, "label": legend_text(kind or _UNKNOWN)}
        ax.plot(x[rows], y[rows], style.marker, **look)


def _draw_circle(ax, size, radius):
    turn = np.linspace(0, 2 * np.pi, 361)
    ax.plot(size * np.cos(turn), size * np.sin(turn), "--", lw=0.8, color=MARK_COLOR, label=f"radius {radius:g}")


def _set_frame(ax, reach, unit):
    ax.set(xlim=(reach, -reach), ylim=(-reach, reach), aspect="equal")
    ax.set_xlabel(f"East [{unit}]")
    ax.set_ylabel(f"North [{unit}]")
    ax.plot(0, 0, "+", ms=marker_size(2), color=FAINT_COLOR, mew=0.6, zorder=1)


def _place_text(centre):
    return f"RA {centre.ra.deg:.5f} deg, Dec {centre.dec.deg:+.5f} deg (ICRS)"
