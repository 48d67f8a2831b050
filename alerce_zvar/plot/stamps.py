"""Figure of the image stamps of one detection."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.io import fits

from alerce_zvar.errors import require, shown
from alerce_zvar.packets import grey_limits, sky_wcs
from alerce_zvar.plot.axes import plain_text
from alerce_zvar.plot.style import EMPTY_COLOR

__all__ = ["plot_stamps"]

_NAMES = ("science", "template", "difference")
_PIXELS = {"ztf": 1.012, "lsst": 0.2}  # arcsec


@dataclass(frozen=True)
class _Image:
    """Pixels without a value are masked; `place` turns pixels from the centre into arcsec, east left if it knows."""

    values: np.ma.MaskedArray
    unit: str
    place: np.ndarray
    has_wcs: bool


def plot_stamps(stamps, *, pixel_scale=None, title=None, axes=None):
    """Figure of the science, template and difference image of one detection, each stretched by its own zscale.

    Where an image has a WCS, north is up and east to the left. Else it is drawn along the axes of its pixels, and the
    figure says so. Pixels without a value are blue.

    Parameters
    ----------
    stamps : `~astropy.io.fits.HDUList`, Stamps, mapping, or sequence of three images
        As `AlerceClass.get_stamps` gives them, in any format. An image is an array of two dimensions, a
        `~astropy.nddata.CCDData` or an image HDU; keys of a mapping are ``science``, ``template`` and ``difference``.
    pixel_scale : `~astropy.units.Quantity`, optional
        Angle of a pixel, where there is no WCS. By default that of the survey that the stamps name, or of ZTF,
        1.012 arcsec.
    title : str, optional
        By default object and candid.
    axes : sequence of three `~matplotlib.axes.Axes`, optional
        Where to draw; by default a new figure.

    Returns
    -------
    `~matplotlib.figure.Figure`

    Raises
    ------
    TypeError, ValueError
        These are no three images, or no three axes.
    astropy.units.UnitsError
        `pixel_scale` is no angle.
    MissingExtraError
        matplotlib is not installed.

    Examples
    --------
    >>> from alerce_zvar import Alerce
    >>> from alerce_zvar.plot import plot_stamps
    >>> plot_stamps(Alerce.get_stamps("ZTF20aaelulu")).savefig("stamps.png")  # doctest: +SKIP
    """
    parts, told = _three(stamps), _told(stamps)
    scale = _PIXELS.get(told.get("survey"), _PIXELS["ztf"]) if pixel_scale is None else _checked_scale(pixel_scale)
    images = [_image(part, scale) for part in parts]
    axes = _make_axes(axes)
    for ax, name, image in zip(axes, _NAMES, images, strict=True):
        _draw(ax, name.capitalize(), image)
    figure = axes[0].figure
    named = ", ".join(filter(None, (told.get("oid"), told.get("candid"))))
    axes[1].set_title(plain_text(named if title is None else title) + f"\n{axes[1].get_title()}", fontsize="medium")
    for ax in (axes[0], axes[2]):
        ax.set_title(f"\n{ax.get_title()}", fontsize="medium")
    return figure


def _checked_scale(pixel_scale):
    """Angle of a pixel [arcsec]."""
    scale = u.Quantity(pixel_scale)
    if not scale.unit.is_equivalent(u.arcsec):
        raise u.UnitsError(f"pixel_scale must be an angle with a unit, not {shown(pixel_scale)}")
    if scale.size != 1 or not 0 < scale < np.inf * u.deg:
        raise ValueError(f"pixel_scale must be one positive angle, not {pixel_scale}")
    return scale.to_value(u.arcsec).item()


def _make_axes(axes):
    if axes is not None:
        axes = list(np.ravel(np.asarray(axes, dtype=object)))
        if len(axes) != 3:
            raise ValueError(f"axes must be three, not {len(axes)}")
        return axes
    (pyplot,) = require("plot", "matplotlib.pyplot")
    return list(pyplot.subplots(1, 3, figsize=(7.5, 3.3), layout="constrained")[1])


def _three(stamps):
    """Science, template and difference image, as whatever they are."""
    if isinstance(stamps, fits.HDUList):
        named = {hdu.name.lower(): hdu for hdu in stamps}
        parts = [named[name] for name in _NAMES] if named.keys() >= set(_NAMES) else list(stamps)
    elif isinstance(stamps, Mapping):
        parts = [stamps[name] for name in _NAMES if name in stamps]
    else:
        try:
            parts = list(stamps)
        except TypeError:
            parts = []
    if len(parts) != 3:
        raise TypeError(
            f"stamps must be three images, as get_stamps gives them, not {len(parts)} in {type(stamps).__name__}"
        )
    return parts


def _told(stamps):
    """Object, candid and survey, where the stamps say so."""
    if isinstance(stamps, fits.HDUList):
        header = stamps[0].header
        return {
            key: str(header[key.upper()]).strip().lower() if key == "survey" else str(header[key.upper()])
            for key in ("oid", "candid", "survey")
            if key.upper() in header
        }
    return dict(getattr(stamps, "meta", None) or {})


def _image(part, scale):
    """Values, unit and orientation of one image."""
    header = getattr(part, "header", None)
    wcs = sky_wcs(part.wcs if hasattr(part, "wcs") else header)
    try:
        values = np.ma.masked_invalid(np.asarray(part.data if hasattr(part, "data") else part, dtype=float))
    except (TypeError, ValueError) as exc:
        raise TypeError(f"stamps: an image must be an array of numbers, not {shown(part)}") from exc
    values = np.ma.array(values, mask=np.ma.getmaskarray(values) | _mask_of(part))
    if values.ndim != 2 or not values.size:
        raise ValueError(f"stamps: an image must have pixels in two dimensions, not the shape {values.shape}")
    unit = str(getattr(part, "unit", None) or (header or {}).get("BUNIT", "") or "")
    place = scale * np.eye(2) if wcs is None else _orientation(wcs, values.shape)
    return _Image(values, unit, place, wcs is not None)


def _mask_of(part):
    mask = getattr(part, "mask", None)
    return False if mask is None else np.asarray(mask, dtype=bool)


def _orientation(wcs, shape):
    """Matrix from pixels to arcsec towards the west and the north, at the image's centre.

    ::

        north ▲            a step in x, and one in y, are measured on the sky
              │
        east ◄┘
    """
    y, x = (np.array(shape) - 1) / 2
    centre = wcs.pixel_to_world(x, y)
    steps = [centre.spherical_offsets_to(wcs.pixel_to_world(x + dx, y + dy)) for dx, dy in ((1, 0), (0, 1))]
    east, north = ([step[axis].to_value(u.arcsec) for step in steps] for axis in (0, 1))
    return np.array([-np.array(east), north])


def _draw(ax, name, image):
    """One image, its scale bar, and what its greys mean."""
    from matplotlib import colormaps
    from matplotlib.transforms import Affine2D

    low, high = grey_limits(image.values.compressed())
    rows, columns = image.values.shape
    to_sky = np.eye(3)
    to_sky[:2, :2] = image.place
    centred = Affine2D().translate(-(columns - 1) / 2, -(rows - 1) / 2) + Affine2D(to_sky)
    greys = colormaps["gray"].with_extremes(bad=EMPTY_COLOR)
    drawn = ax.imshow(image.values, cmap=greys, vmin=low, vmax=high, origin="lower", interpolation="nearest")
    drawn.set_transform(centred + ax.transData)
    corners = centred.transform([(x, y) for x in (-0.5, columns - 0.5) for y in (-0.5, rows - 0.5)])
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal", xticks=[], yticks=[], title=name)
    notes = [
        f"{low:.4g} to {high:.4g} {plain_text(image.unit)}".strip() + ("" if image.has_wcs else "; pixel axes, no WCS")
    ]
    notes += [f"{image.values.mask.sum()} pixels without a value"] if image.values.mask.any() else []
    ax.set_xlabel("\n".join(notes), color="0.35", fontsize="x-small")
    _add_bar(ax, left, bottom, right - left)
    if image.has_wcs:
        _add_directions(ax)


def _add_bar(ax, left, bottom, width):
    """The longest that is no longer than a third of the image, of 1, 2, 5, 10, 20 arcsec and so on."""
    third = width / 3 * (1 + 1e-9)
    decade = 10.0 ** np.floor(np.log10(third))
    length = max(digit * decade for digit in (1, 2, 5) if digit * decade <= third)
    start, height = left + 0.06 * width, bottom + 0.07 * width
    line = {"lw": 2, "color": "white", "path_effects": _outline(4), "solid_capstyle": "butt"}
    ax.plot([start, start + length], [height, height], **line)
    _write(ax, f"{length:g}″", (start + length / 2, height + 0.02 * width), va="bottom")


def _add_directions(ax):
    """Lines to the north and the east, in the corner above to the right."""
    corner, line = (0.92, 0.78), {"arrowstyle": "-", "color": "white", "shrinkB": 0, "path_effects": _outline()}
    for letter, end in (("N", (0.92, 0.94)), ("E", (0.76, 0.78))):
        _write(ax, letter, corner, xytext=end, xycoords=ax.transAxes, textcoords=ax.transAxes, arrowprops=line)


def _write(ax, text, place, **options):
    settings = {"color": "white", "ha": "center", "va": "center", "fontsize": "small", "path_effects": _outline()}
    ax.annotate(text, place, **settings | options)


def _outline(width=2):
    from matplotlib import patheffects

    return [patheffects.withStroke(linewidth=width, foreground="black")]
