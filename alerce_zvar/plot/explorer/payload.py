"""What the explorer's page is given: light curves and periods as one dict that JSON can write.

::

    {"version": 1, "leap_seconds": [[MJD, TAI - UTC], ...], "objects": [
        {"id", "title", "coordinates", "links",
         "time": {"scale", "fold_scale", "jd1", "jd2"},           rows that can be drawn, in order
         "groups": [{"band", "field", "color", "symbol"}, ...],   "group": number of each row's
         "columns": {"mag": {"unit", "row", "value", "error"}},   rows that have a value
         "limits": {"row", "value"},                              upper limits
         "epoch": {"jd1", "jd2"}, "baseline",
         "periods": [{"value", "per_day", "origin", "detail", "epoch"}, ...],
         "periodogram": {"frequency", "power", "label"}}]}

Arrays are base64 of little-endian numbers with their type, float32 where that loses nothing. Masked values stay out.
"""

import base64
from urllib.parse import quote

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from alerce_zvar.errors import shown
from alerce_zvar.folding import band_names, bare_unit, check_epoch, default_epoch, numbers, usable, value_names
from alerce_zvar.period import Periodogram, PeriodResult
from alerce_zvar.plot.axes import drawable, usable_rows
from alerce_zvar.plot.explorer.candidates import as_candidates
from alerce_zvar.plot.model import field_names
from alerce_zvar.plot.style import band_styles

__all__ = ["VERSION", "default_links", "object_payload", "pack", "page_payload"]

VERSION = 1
# matplotlib's markers in plotly's words.
SYMBOLS = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "v": "triangle-down",
    "<": "triangle-left",
    ">": "triangle-right",
    "D": "diamond",
    "d": "diamond-tall",
    "p": "pentagon",
    "h": "hexagon",
    "P": "cross",
    "X": "x",
    "*": "star",
}
_TYPES = {"f8": "<f8", "f4": "<f4", "u4": "<u4", "u2": "<u2", "u1": "u1"}


def object_payload(
    light_curve,
    *,
    id=None,
    title=None,
    coordinates=None,
    periods=(),
    periodogram=None,
    epoch_time=None,
    links=None,
):
    """One object as the explorer's page takes it.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        Columns ``time`` and ``mag, mag_err`` or ``flux, flux_err`` or both; ``band, field, limiting_mag`` where there
        are such. What is masked or not finite does not come into the payload.
    id : str, optional
        By default that of the light curve.
    title : str, optional
        What the page calls it; by default the id.
    coordinates : `~astropy.coordinates.SkyCoord`, optional
        Its place, for the links.
    periods : PeriodCandidate, Quantity, PeriodResult, or a list of them
        What may be chosen; the first is shown at first.
    periodogram : `~alerce_zvar.period.Periodogram` or `~alerce_zvar.period.PeriodResult`, optional
        Drawn beside it.
    epoch_time : `~astropy.time.Time`, optional
        Time of phase 0 where the candidate has none; by default J2000.0 as in `alerce_zvar.fold`.
    links : dict of str to str, optional
        Addresses, https only, by what they are called; by default `default_links`.

    Returns
    -------
    dict

    Raises
    ------
    TypeError
        `light_curve` is no table with times, or another argument is of the wrong type.
    ValueError
        There is neither mag nor flux, or a link is not https.
    astropy.units.UnitsError
        A period has no unit of time.
    """
    table = drawable(light_curve)
    if not value_names(table):
        raise ValueError(f"the light curve has neither a column 'mag' nor 'flux', only {light_curve.colnames}")
    identifier = str(light_curve.meta.get("id", "") if id is None else id)
    seen = {name: usable_rows(table, name) for name in value_names(table)}
    limits = _limits(table, seen)
    kept = np.any([*seen.values(), limits], axis=0)
    table, limits = table[kept], limits[kept]
    seen = {name: good[kept] for name, good in seen.items()}
    links = default_links(identifier, coordinates) if links is None else _checked_links(links)
    groups, group = _grouped(table)
    time = _fold_scale(table["time"])
    return {
        "id": identifier,
        "title": str(title) if title is not None else identifier,
        "coordinates": _degrees(coordinates),
        "links": [{"label": str(label), "url": url} for label, url in links.items()],
        "time": {"scale": table["time"].scale, "fold_scale": time.scale, "jd1": pack(time.jd1), "jd2": pack(time.jd2)},
        "groups": groups,
        "group": pack(group),
        "columns": {name: _column(table, name, good) for name, good in seen.items()},
        "limits": _limit_column(table, limits),
        "epoch": _epoch(default_epoch(table["time"]) if epoch_time is None else epoch_time, table["time"]),
        "baseline": float(np.ptp((time.jd1 - 2400000.5) + time.jd2)) if len(time) else 0.0,
        "periods": [_candidate(candidate, table["time"]) for candidate in as_candidates(periods)],
        "periodogram": None if periodogram is None else periodogram_payload(periodogram),
    }


def page_payload(objects):
    """Objects together, as `write_html`, the widget and the server give them to the page.

    Parameters
    ----------
    objects : list of dict
        From `object_payload`.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        There are none.
    """
    objects = list(objects)
    if not objects:
        raise ValueError("there is no light curve to show")
    return {"version": VERSION, "leap_seconds": _leap_seconds(), "objects": objects}


def pack(array):
    """An array as base64 of little-endian numbers: the smallest of a few types that changes none of them.

    Parameters
    ----------
    array : array_like
        Finite floats, or whole numbers from 0 on.

    Returns
    -------
    dict
        ``dtype`` and ``data``.
    """
    array = np.asarray(array)
    if array.dtype.kind in "iu":
        most = int(array.max(initial=0))
        kind = "u1" if most < 1 << 8 else "u2" if most < 1 << 16 else "u4"
    else:
        array = array.astype(float)
        with np.errstate(over="ignore"):
            kind = "f4" if np.array_equal(array.astype("f4"), array, equal_nan=True) else "f8"
    return {"dtype": kind, "data": base64.b64encode(array.astype(_TYPES[kind]).tobytes()).decode("ascii")}


def default_links(id, coordinates=None):
    """Pages about an object elsewhere.

    Parameters
    ----------
    id : str
        ALeRCE's ids of ZTF have a page in its explorer.
    coordinates : `~astropy.coordinates.SkyCoord`, optional
        Place, for SIMBAD and Aladin, and for ALeRCE where the id is none of its own.

    Returns
    -------
    dict of str to str
        Addresses by name.
    """
    links, place = {}, _degrees(coordinates)
    if place is not None:
        ra, dec = (f"{value:.7f}" for value in place)
        where = quote(f"{ra} {dec}" if dec.startswith("-") else f"{ra} +{dec}", safe="")
        links["SIMBAD"] = (
            f"https://simbad.cds.unistra.fr/simbad/sim-coo?Coord={where}&CooFrame=ICRS&Radius=5&Radius.unit=arcsec"
        )
        links["Aladin"] = f"https://aladin.cds.unistra.fr/AladinLite/?target={where}&fov=0.05"
    if id.startswith("ZTF"):
        links["ALeRCE Explorer"] = f"https://alerce.online/object/{quote(id, safe='')}"
    elif place is not None:
        links["ALeRCE Explorer"] = f"https://alerce.online/?ra={ra}&dec={dec}&radius=5"
    return links


def periodogram_payload(periodogram):
    """Periodogram for the page: the highest power in each of many columns.

    Parameters
    ----------
    periodogram : `~alerce_zvar.period.Periodogram` or `~alerce_zvar.period.PeriodResult`
        What was searched.

    Returns
    -------
    dict
        ``frequency`` [1/d], ``power`` (float32) and ``label``.

    Raises
    ------
    TypeError
        It is neither.
    """
    if not isinstance(periodogram, Periodogram | PeriodResult):
        raise TypeError(f"periodogram must be a Periodogram or a PeriodResult, not {shown(periodogram)}")
    from alerce_zvar.plot.periodogram import envelope

    frequency, power = envelope(periodogram)
    label = periodogram.statistic if isinstance(periodogram, Periodogram) else "power"
    return {"frequency": pack(frequency), "power": pack(power.astype("f4")), "label": label}


def _leap_seconds():
    """Days (MJD) since which TAI - UTC is so many seconds; before 1972 there were no whole ones."""
    from erfa import cal2jd, leap_seconds

    table = leap_seconds.get()
    table = table[table["year"] >= 1972]
    days = cal2jd(table["year"], table["month"], 1)[1]
    return [[float(mjd), float(seconds)] for mjd, seconds in zip(days, table["tai_utc"], strict=True)]


def _limits(table, seen):
    """Rows without a magnitude that have a limit."""
    if "limiting_mag" not in table.colnames:
        return np.zeros(len(table), dtype=bool)
    return usable(table["limiting_mag"]) & ~seen.get("mag", np.zeros(len(table), dtype=bool))


def _limit_column(table, limits):
    if not limits.any():
        return None
    unit = bare_unit(table["mag"]) if "mag" in table.colnames else u.mag
    return {"row": pack(np.flatnonzero(limits)), "value": pack(numbers(table["limiting_mag"], unit)[limits])}


def _grouped(table):
    """Each band and field, sorted, and the number of that of each row."""
    names = list(zip(band_names(table).tolist(), field_names(table).tolist(), strict=True))
    order = {name: number for number, name in enumerate(sorted(set(names)))}
    styles = band_styles(table["band"]) if "band" in table.colnames else band_styles([""])
    groups = [
        {"band": band, "field": field, "color": styles[band].color, "symbol": SYMBOLS[styles[band].marker]}
        for band, field in order
    ]
    return groups, np.array([order[name] for name in names], dtype=int)


def _column(table, name, good):
    unit, error = bare_unit(table[name]), f"{name}_err"
    return {
        "unit": "" if unit in (None, u.one) else f"{unit:unicode}",
        "row": None if good.all() else pack(np.flatnonzero(good)),
        "value": pack(numbers(table[name])[good]),
        "error": pack(numbers(table[error], unit)[good]) if error in table.colnames else None,
    }


def _fold_scale(time):
    """Times as `alerce_zvar.folding.phase` takes them: UTC in TAI, whose days are all of one length."""
    time = time.tai if time.scale == "utc" else time
    return time.unmasked if time.masked else time


def _epoch(epoch_time, time):
    epoch_time = check_epoch(epoch_time)
    scale = "tai" if time.scale == "utc" else time.scale
    if epoch_time.scale not in time.SCALES:
        raise TypeError(f"epoch_time has scale '{epoch_time.scale}', which cannot be turned into that of the times")
    epoch_time = _fold_scale(epoch_time if epoch_time.scale == scale else getattr(epoch_time, scale))
    return {"jd1": float(epoch_time.jd1), "jd2": float(epoch_time.jd2)}


def _candidate(candidate, time):
    per_day = u.day.to(candidate.period.unit)
    value = candidate.period.value if per_day > 1 else candidate.period.to_value(u.day)
    return {
        "value": float(value),
        "per_day": max(per_day, 1.0),
        "origin": candidate.origin,
        "detail": candidate.detail,
        "epoch": None if candidate.epoch_time is None else _epoch(candidate.epoch_time, time),
    }


def _degrees(coordinates):
    if coordinates is None:
        return None
    if not isinstance(coordinates, SkyCoord) or coordinates.shape:
        raise TypeError(f"coordinates must be one SkyCoord, not {shown(coordinates)}")
    place = coordinates.icrs
    return [float(place.ra.deg), float(place.dec.deg)]


def _checked_links(links):
    for label, url in links.items():
        if not isinstance(url, str) or not url.startswith("https://"):
            raise ValueError(f"links must be addresses that begin with https://, not {shown(url)} of {shown(label)}")
    return links
