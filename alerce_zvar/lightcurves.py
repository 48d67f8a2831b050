"""LightCurves: many light curves as flat columns, offsets and ids; one of them is a plain astropy TimeSeries."""

from numbers import Real

import numpy as np
from astropy import units as u
from astropy.table import QTable, Table
from astropy.timeseries import TimeSeries

from alerce_zvar import cuts
from alerce_zvar.errors import FAILURE_COLUMNS, shown
from alerce_zvar.folding import (
    band_names,
    bare_unit,
    check_period,
    check_unfolded,
    default_epoch,
    numbers,
    phase_columns,
    usable,
    value_names,
)
from alerce_zvar.wire.formats import Exports

__all__ = ["LightCurves"]

_FILE = ("field", "ccd", "quad")


class LightCurves(Exports):
    """Many light curves in flat columns.

    ``lcs[3]`` and ``lcs["145120008365555264"]`` give one light curve as `~astropy.timeseries.TimeSeries`; a slice, a
    list of indices or a mask gives `LightCurves`. Iteration goes over the light curves, ``len`` counts them.

    Parameters
    ----------
    data : `~astropy.table.Table`
        Rows of all light curves, one after the other; the first column is ``time``. Not copied.
    offsets : array_like of int
        Row at which each light curve begins, and at last the number of rows; one more than there are ids.
    ids : list of str
        Identifier of each light curve.
    id_name : str
        What the identifiers are called, ``"psid"`` or ``"oid"``.
    failures : `~astropy.table.Table`, optional
        Inputs for which there is no light curve, with reasons.

    Attributes
    ----------
    ids : list of str
    offsets : ndarray of int
    data : `~astropy.table.QTable`
    failures : `~astropy.table.Table`
        Columns ``input_index``, ``input``, ``error``, ``reason``, ``url``.
    """

    def __init__(self, data, offsets, ids, *, id_name="id", failures=None):
        self.data = QTable(data, copy=False)
        self.offsets = np.asarray(offsets, dtype=np.int64)
        self.ids = [str(identifier) for identifier in ids]
        self.id_name = id_name
        self.failures = failures if failures is not None else _no_failures()
        self._check()
        self._places = {}
        for place, identifier in enumerate(self.ids):
            self._places.setdefault(identifier, place)

    def _check(self):
        if not self.data.colnames or self.data.colnames[0] != "time":
            raise ValueError("the first column of a light curve must be 'time'")
        rising = np.all(np.diff(self.offsets) >= 0)
        if len(self.offsets) != len(self.ids) + 1 or not rising or self.offsets[0] != 0:
            raise ValueError("offsets must begin at 0, rise, and be one more than the ids")
        if self.offsets[-1] != len(self.data):
            raise ValueError(f"offsets end at {self.offsets[-1]}, but there are {len(self.data)} rows")

    @classmethod
    def from_tables(cls, tables, ids, *, id_name="id", failures=None):
        """Join light curves that are tables with the same columns.

        Parameters
        ----------
        tables : list of `~astropy.table.Table`
            One per light curve; without any light curve, one empty table that says what the columns are.
        ids, id_name, failures
            As for the class.
        """
        from astropy.table import vstack

        offsets = np.concatenate([[0], np.cumsum([len(table) for table in tables[: len(ids)]])])
        return cls(vstack(tables, metadata_conflicts="silent"), offsets, ids, id_name=id_name, failures=failures)

    def __len__(self):
        return len(self.ids)

    def __iter__(self):
        return (self[place] for place in range(len(self)))

    def __contains__(self, identifier):
        return identifier in self._places

    def __repr__(self):
        columns = ", ".join(self.data.colnames)
        return f"<LightCurves: {len(self)} light curves, {len(self.data)} rows, columns {columns}>"

    def __getitem__(self, item):
        if isinstance(item, str):
            if item not in self._places:
                raise KeyError(f"no light curve with {self.id_name} '{item}'")
            return self._one(self._places[item])
        if isinstance(item, int | np.integer) and not isinstance(item, bool):
            if not -len(self) <= item < len(self):
                raise IndexError(f"there are {len(self)} light curves, no number {item}; an id is a text, in quotes")
            return self._one(int(item) % len(self))
        places = np.arange(len(self))[item] if isinstance(item, slice) else self._listed(np.asarray(item))
        return self._subset(places)

    def _listed(self, items):
        """Places of a list of ids or numbers, or of a mask."""
        if items.dtype.kind == "U":
            unknown = [identifier for identifier in items if identifier not in self._places]
            if unknown:
                raise KeyError(f"no light curve with {self.id_name} '{unknown[0]}'")
            return np.array([self._places[identifier] for identifier in items], dtype=int)
        if items.ndim != 1 or (items.size and items.dtype.kind not in "iub"):
            raise TypeError("light curves are taken by number, id, slice, mask, or a list of numbers or ids")
        return np.arange(len(self))[items if items.size else []]

    def _one(self, place):
        start, end = self.offsets[place : place + 2]
        light_curve = TimeSeries(self.data[start:end])
        light_curve.meta.update({"id": self.ids[place], self.id_name: self.ids[place]})
        return light_curve

    def _subset(self, places):
        lengths = np.diff(self.offsets)[places]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[places] - offsets[:-1], lengths)
        return self._like(self.data[rows], offsets, [self.ids[place] for place in places])

    def _like(self, data, offsets, ids):
        return LightCurves(data, offsets, ids, id_name=self.id_name, failures=self.failures)

    @property
    def owners(self):
        """Index of the light curve that each row belongs to; an int array."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def clean(
        self,
        *,
        min_snr=None,
        min_points=None,
        bands=None,
        keep_upper_limits=False,
        drop_deep_drilling=False,
        max_deviation=None,
    ):
        """Rows fit for analysis: finite values with positive errors, and what the cuts leave.

        A light curve that loses all its rows keeps its place, empty.

        Parameters
        ----------
        min_snr : float, optional
            Least signal to noise: of the total flux where the column ``snr_total`` says it, otherwise 1.0857 /
            mag_err, or flux / flux_err where there are only fluxes.
        min_points : int, optional
            Least number of measurements that a band of a light curve must have after the other cuts; upper limits do
            not count.
        bands : list of str, optional
            Bands to keep.
        keep_upper_limits : bool
            Keep rows without a magnitude that have a ``limiting_mag``; the magnitude stays masked there.
        drop_deep_drilling : bool
            Where a field was observed without a break, keep the first row only: in nights with more than 10 rows of a
            band, leave out what follows the row before in less than 100 s.
        max_deviation : float, optional
            Leave out measurements further than this from the median of their field, CCD, quadrant and band, in
            standard deviations estimated as 1.4826 times the median absolute deviation. It cuts eclipses and outbursts
            as well as mistakes.

        Returns
        -------
        LightCurves
            Without keep_upper_limits no ``mag`` and ``mag_err`` is masked or NaN (nor ``flux`` and ``flux_err`` where
            there are no magnitudes), and ``limiting_mag`` is left out.

        Raises
        ------
        ValueError
            There are no values with errors to clean, no bands to choose from, or a limit that is no number;
            max_deviation must be positive.
        """
        data = self.data
        _check_numbers(min_snr=min_snr, min_points=min_points, max_deviation=max_deviation)
        name = next((name for name in value_names(data) if f"{name}_err" in data.colnames), None)
        if name is None:
            raise ValueError(f"clean needs the columns mag, mag_err or flux, flux_err; there are {data.colnames}")
        seen = usable(data[name], data[f"{name}_err"])
        keep = seen.copy()
        if min_snr is not None:
            keep &= np.where(seen, _snr(data), 0.0) >= min_snr
        if keep_upper_limits and "limiting_mag" in data.colnames:
            keep |= ~seen & usable(data["limiting_mag"])
        if bands is not None:
            keep &= np.isin(band_names(data), _band_list(bands))
        groups = cuts.group_numbers(self.owners, band_names(data))
        if drop_deep_drilling:
            keep[keep] = ~cuts.deep_drilling(data["time"].unmasked.mjd[keep], groups[keep])
        if max_deviation is not None:
            rows = keep & seen
            keep[rows] = ~cuts.outliers(numbers(data[name])[rows], self._files(groups)[rows], max_deviation)
        if min_points is not None:
            keep &= cuts.populous(groups, keep & seen, min_points)
        kept = data[keep]
        if not keep_upper_limits and "limiting_mag" in kept.colnames:
            kept.remove_column("limiting_mag")
        offsets = np.concatenate([[0], np.cumsum(keep)])[self.offsets]
        return self._like(_unmasked(kept), offsets, self.ids)

    def fold(self, period, *, epoch_time=None):
        """All rows against phase, each light curve on its own period: as `alerce_zvar.fold` of each, in one go.

        Parameters
        ----------
        period : `~astropy.units.Quantity`
            Period, a time; one, or one per light curve.
        epoch_time : `~astropy.time.Time`, optional
            Time of phase 0; one, or one per light curve. By default J2000.0 in the scale of the times.

        Returns
        -------
        `~astropy.table.QTable`
            The identifier, ``phase``, ``cycle`` and all columns, rows in their order. ``meta`` holds ``period`` and
            ``epoch_time``.

        Raises
        ------
        astropy.units.UnitsError
            `period` has no unit of time.
        TypeError
            `epoch_time` is no Time.
        ValueError
            A period is not positive, there are neither one nor as many as light curves, or the rows are folded already.
        """
        check_unfolded(self.data.colnames)
        period = check_period(period, one=False)
        epoch_time = default_epoch(self.data["time"]) if epoch_time is None else epoch_time
        owners = self.owners
        each = [self._per_row(value, name, owners) for value, name in ((period, "period"), (epoch_time, "epoch_time"))]
        columns = {self.id_name: np.array(self.ids, dtype=str)[owners]}
        columns |= phase_columns(self.data["time"], *each)
        columns |= {name: self.data[name].copy() for name in self.data.colnames}
        return QTable(columns, copy=False, meta={"period": period, "epoch_time": epoch_time})

    def _per_row(self, value, name, owners):
        shape = getattr(value, "shape", ())
        if shape not in ((), (len(self),)):
            raise ValueError(f"{name} must be one, or one for each of {len(self)} light curves, not of shape {shape}")
        return value[owners] if shape else value

    def _files(self, groups):
        """Numbers of the parts of groups that share a zero point."""
        return cuts.group_numbers(groups, *(self.data[name] for name in _FILE if name in self.data.colnames))

    def to_table(self):
        """All rows as one `~astropy.table.QTable`, the identifier in the first column."""
        table = self.data.copy()
        table.add_column(np.array(self.ids, dtype=str)[self.owners], name=self.id_name, index=0)
        return table


def _snr(data):
    """Signal to noise; of rows without an error it is not a number, or has no meaning."""
    if "snr_total" in data.colnames:
        return np.where(usable(data["snr_total"]), numbers(data["snr_total"]), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        if "mag_err" in data.colnames:
            return 2.5 / np.log(10) / numbers(data["mag_err"], u.mag)
        return numbers(data["flux"]) / numbers(data["flux_err"], bare_unit(data["flux"]))


def _check_numbers(**limits):
    for name, value in limits.items():
        is_number = isinstance(value, Real) and not isinstance(value, bool) and not np.isnan(value)
        if value is not None and not is_number:
            raise ValueError(f"{name} must be a number, not {shown(value)}")


def _band_list(bands):
    if isinstance(bands, str) and len(bands) > 1:
        raise ValueError(f"bands must be one band or a list of them, such as ['g', 'r'], not {shown(bands)}")
    return list(bands)


def _no_failures():
    return Table(names=list(FAILURE_COLUMNS), dtype=list(FAILURE_COLUMNS.values()))


def _unmasked(table):
    """Masked columns without a masked value become plain ones."""
    for name in table.colnames:
        column = table[name]
        mask = getattr(column, "mask", None)
        if mask is not None and not np.any(mask):
            if isinstance(column, u.Quantity):
                table[name] = column.unmasked
            elif hasattr(column, "filled") and name != "time":
                table[name] = column.filled()
    return table
