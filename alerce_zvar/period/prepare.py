"""From a light curve with units, masks and bands to plain arrays: the door of the period search."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.time import Time

from alerce_zvar.errors import shown
from alerce_zvar.folding import band_names, bare_unit, numbers, usable, value_names
from alerce_zvar.period.fourier import centre

__all__ = ["Series", "group_labels", "prepare"]

_GROUPED_BY = ("field", "ccd", "quad", "band")
MIN_GROUP = 3  # a smaller group says next to nothing once its mean is taken away
_LARGEST = 1e40  # and the smallest error is one over it: beyond, products of squares leave the range of floats
_ROUNDING = 1e-12  # relative scatter of a constant about its own mean


@dataclass(frozen=True, eq=False)
class Series:
    """Observations ready for a search, sorted by time.

    Parameters
    ----------
    time, value, error : ndarray of float
        Days since `start`; values less the weighted mean of their group; standard errors (1 where there are none).
    start : `~astropy.time.Time`
        Time of the first observation.
    column : {"mag", "flux"}
        What `value` is.
    unit : `~astropy.units.UnitBase`
        Unit of `value`.
    group : ndarray of int
        Number of each observation's group, in the order of `groups`.
    groups : dict of str to int
        Number of observations per group, such as ``"field=683 ccd=8 quad=2 band=g"``.
    band : ndarray of int
        Index in `bands` of each observation; 0 where the light curve has no bands.
    bands : tuple of str
        Bands that take part, sorted; empty where the light curve has none.
    n_dropped : int
        Rows left out: missing value, time or error, error not positive, or a group of fewer than three.
    """

    time: np.ndarray
    value: np.ndarray
    error: np.ndarray
    start: Time
    column: str
    unit: u.UnitBase
    group: np.ndarray
    groups: dict
    band: np.ndarray
    bands: tuple
    n_dropped: int

    @property
    def baseline(self):
        """Days between the first and the last observation."""
        return float(self.time[-1])


def prepare(light_curve, *, column=None, bands=None):
    """Drop unusable rows, take the weighted mean of every group away, and return a `Series`.

    Parameters
    ----------
    light_curve : `~astropy.timeseries.TimeSeries`
        As for `alerce_zvar.find_period`.
    column : {"mag", "flux"}, optional
        What to use; by default the first of them that the light curve has.
    bands : sequence of str, optional
        Bands to use; by default all.

    Returns
    -------
    Series

    Raises
    ------
    TypeError
        `light_curve` is not one light curve.
    ValueError
        It lacks a column, has no group of three usable rows, does not vary in time or value, or has values or errors
        beyond 1e40.
    """
    column = _column(light_curve, column)
    error = light_curve[f"{column}_err"] if f"{column}_err" in light_curve.colnames else None
    keep = usable(light_curve[column], error) & ~np.asarray(getattr(light_curve["time"], "mask", False))
    keep &= _in_bands(light_curve, bands)
    labels = group_labels(light_curve)
    keep &= _in_large_group(labels, keep)
    if not keep.any():
        raise ValueError(
            f"the light curve has no group (field, ccd, quad, band) of at least {MIN_GROUP} usable rows of '{column}'"
        )
    kept = light_curve[keep]
    unit = bare_unit(kept[column]) or u.one
    order = np.argsort(kept["time"].jd, kind="stable")
    values, labels = numbers(kept[column], unit), labels[keep]
    errors = np.ones_like(values) if error is None else numbers(kept[error.info.name], unit)
    _check_sizes(values, errors, column)
    start = kept["time"][order[0]]
    names, group, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    centred = centre(values[:, None], errors, group)[:, 0]
    if np.max(np.abs(centred)) <= _ROUNDING * np.max(np.abs(values)):
        raise ValueError(f"the light curve does not vary: all values of '{column}' in a group are the same")
    days = np.ascontiguousarray((kept["time"] - start).to_value(u.day)[order], dtype=float)
    if not days[-1] > 0:
        raise ValueError("all usable rows of the light curve have the same time")
    return Series(
        time=days,
        value=centred[order],
        error=errors[order],
        start=start,
        column=column,
        unit=unit,
        group=group[order],
        groups={str(name): int(size) for name, size in zip(names, sizes, strict=True)},
        band=_band_index(kept)[order],
        bands=_bands(kept),
        n_dropped=len(light_curve) - len(kept),
    )


def _check_sizes(values, errors, column):
    sizes = np.concatenate([np.abs(values), errors, 1 / np.maximum(errors, 1e-300)])
    if sizes.max() > _LARGEST:
        raise ValueError(
            f"values of '{column}' must be at most {_LARGEST:g} in size, and errors from {1 / _LARGEST:g} to "
            f"{_LARGEST:g}; not {np.abs(values).max():g}, and {errors.min():g} to {errors.max():g}: give another unit"
        )


def _column(light_curve, column):
    names = getattr(light_curve, "colnames", None)
    if names is None or "time" not in names or not isinstance(light_curve["time"], Time):
        raise TypeError(
            "light_curve must be one light curve (a TimeSeries with columns time, band, mag, mag_err or flux, "
            f"flux_err), not {type(light_curve).__name__}"
        )
    have = value_names(light_curve)
    if column is not None and column not in have:
        raise ValueError(f"column must be one of {have}, not {shown(column)}")
    if not have:
        raise ValueError(f"the light curve has neither a column 'mag' nor 'flux', only {names}")
    return column or have[0]


def _in_bands(light_curve, bands):
    if bands is None:
        return np.ones(len(light_curve), dtype=bool)
    have = _bands(light_curve)
    unknown = [band for band in bands if band not in have]
    if isinstance(bands, str) or unknown:
        raise ValueError(f"bands must be a list of bands of this light curve {list(have)}, not {shown(bands)}")
    return np.isin(band_names(light_curve), list(bands))


def _bands(light_curve):
    if "band" not in light_curve.colnames:
        return ()
    return tuple(str(band) for band in np.unique(band_names(light_curve)))


def _band_index(light_curve):
    if "band" not in light_curve.colnames:
        return np.zeros(len(light_curve), dtype=int)
    return np.unique(band_names(light_curve), return_inverse=True)[1]


def group_labels(light_curve):
    """Name of the group of each row, such as ``"field=683 ccd=8 quad=2 band=g"``; an array of str."""
    labels = np.full(len(light_curve), "", dtype=object)
    for name in _GROUPED_BY:
        if name in light_curve.colnames:
            words = band_names(light_curve) if name == "band" else np.asarray(light_curve[name]).astype(str)
            labels = labels + (f" {name}=" + words.astype(object))
    return np.array([label.strip() for label in labels], dtype=str)


def _in_large_group(labels, keep):
    names, index = np.unique(labels, return_inverse=True)
    return np.bincount(index[keep], minlength=len(names))[index] >= MIN_GROUP
