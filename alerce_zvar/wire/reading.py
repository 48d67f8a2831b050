"""Tables back from what `Exports` made of them: a pandas frame, a VOTable, a FITS file."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from astropy import units as u
from astropy.table import Column, MaskedColumn
from astropy.time import Time

from alerce_zvar.errors import require
from alerce_zvar.wire.fitsfile import read_fits

__all__ = ["Imports"]

_UNIX_EPOCH = 2440587.5  # JD
_NS_PER_DAY = 86_400_000_000_000
_MJD_ZERO = 2400000.5  # JD
_NOTED_UNIT = re.compile(r"(.*)\[([^\[\]]+)\]", re.DOTALL)
_ORIGINS = {"MJD-origin": _MJD_ZERO, "JD-origin": 0.0}


class Imports:
    """Methods that read back what the methods of `Exports` wrote: the same values, masks, units and times."""

    @classmethod
    def from_pandas(cls, dataframe, index=False, units=None):
        """Table of a pandas frame.

        Parameters
        ----------
        dataframe : pandas.DataFrame
            As `to_pandas` gives it. Its ``attrs``, if they are still there, tell units, scales of times, and ``meta``.
        index : bool
            Also the index, as the first column.
        units : dict, optional
            Units by column, which go before those of the ``attrs``.

        Returns
        -------
        AnswerTable
            Times without a scale are taken for UTC.
        """
        (pandas,) = require("formats", "pandas")
        frame = dataframe.reset_index() if index else dataframe
        units = {**frame.attrs.get("units", {}), **(units or {})}
        scales = frame.attrs.get("time_scales", {})
        table = cls()
        for name in frame.columns:
            values = frame[name]
            if values.dtype.kind == "M":
                table[name] = _time(values.to_numpy(), scales.get(name, "utc"))
                continue
            table[name] = _column(pandas, values)
            table[name].unit = units.get(name)
        table.meta.update(frame.attrs.get("meta", {}))
        return table

    @classmethod
    def from_votable(cls, path):
        """Table of a VOTable file, the first one in it.

        Null texts stay masked, which astropy's own reader takes for empty ones, and columns in a ``TIMESYS`` become
        times. NaN is masked.

        Parameters
        ----------
        path : str or path-like
            File.

        Returns
        -------
        AnswerTable
            Its ``meta`` holds the file's ``INFO``, as texts.

        Raises
        ------
        ValueError
            Not a VOTable, damaged, or with arrays in its cells.
        """
        from alerce_zvar.votable import VOTableError, read_votable, to_table

        body = Path(path).read_bytes()
        try:
            table = cls(to_table(read_votable(body)), copy=False)
        except VOTableError as exc:
            raise ValueError(f"{path}: {exc}") from exc
        document = ElementTree.fromstring(body)  # read_votable has refused what could hurt here
        table.meta.update((info.get("name"), info.get("value")) for info in _all(document, "INFO"))
        for column in table.itercols():
            _read_unit(column)
        for name, scale, origin in _clocks(document):
            if name in table.colnames:
                table[name] = _with_info(_of_days(table[name], scale, origin), table[name].info)
        return table

    @classmethod
    def from_fits(cls, path):
        """Table of a FITS file that `to_fits` has written; of another one as astropy reads it.

        Parameters
        ----------
        path : str or path-like
            File.

        Returns
        -------
        AnswerTable
        """
        return cls(read_fits(path), copy=False)


def _column(pandas, values):
    """Column of a pandas series; masked where the type knows of null, except for NaN, which is null there."""
    mask = values.isna().to_numpy()
    kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else None
    if kind == "f":
        data = values.to_numpy()
    elif kind in ("i", "u", "b"):
        return Column(values.to_numpy())
    elif pandas.api.types.is_bool_dtype(values.dtype) or pandas.api.types.is_integer_dtype(values.dtype):
        data = values.to_numpy(dtype=values.dtype.numpy_dtype, na_value=0)
    else:
        data = np.array(["" if hidden else str(text) for text, hidden in zip(values, mask, strict=True)], dtype=str)
    return MaskedColumn(data, mask=mask)


def _time(values, scale):
    """Times of nanoseconds since 1970, every day having 86400 s."""
    nanoseconds = values.astype("datetime64[ns]").astype(np.int64)
    hidden = np.isnat(values)
    days, rest = np.divmod(np.where(hidden, 0, nanoseconds), _NS_PER_DAY)
    return _masked(Time(days + _UNIX_EPOCH, rest / _NS_PER_DAY, format="jd", scale=scale), hidden)


def _of_days(column, scale, origin):
    days = np.ma.filled(np.ma.asarray(column, dtype=float), np.nan)
    hidden = np.isnan(days)
    return _masked(Time(origin, np.where(hidden, 0.0, days), format="jd", scale=scale), hidden)


def _masked(time, hidden):
    time.format = "mjd"
    if hidden.any():
        time[hidden] = np.ma.masked
    return time


def _with_info(time, info):
    time.info.description, time.info.meta = info.description, info.meta
    return time


def _read_unit(column):
    """Take a unit out of the description, where `to_votable` puts those that the standard has no word for."""
    found = _NOTED_UNIT.fullmatch(column.description or "")
    if column.unit is not None or found is None:
        return
    unit = u.Unit(found[2], parse_strict="silent")
    if isinstance(unit, u.UnrecognizedUnit):
        return
    try:
        unit.to_string("vounit")
    except ValueError:
        column.unit, column.description = unit, found[1].rstrip() or None


def _all(document, name):
    """Elements of a name, whatever their namespace."""
    return (element for element in document.iter() if element.tag.rpartition("}")[2] == name)


def _clocks(document):
    """Name, scale and origin [JD] of the columns of time of the first table."""
    systems = {
        system.get("ID"): (system.get("timescale", "").lower(), system.get("timeorigin", ""))
        for system in _all(document, "TIMESYS")
    }
    for field in _all(next(_all(document, "TABLE"), document), "FIELD"):
        if field.get("ref") in systems and field.get("datatype") == "double":
            scale, origin = systems[field.get("ref")]
            if scale in Time.SCALES:
                yield field.get("name"), scale, _ORIGINS[origin] if origin in _ORIGINS else float(origin)
