"""Tables as others want them, one call each: a pandas frame, a VOTable, a FITS file, lines of JSON."""

import base64
import io
import re
from functools import cache
from pathlib import Path

import numpy as np
import orjson
from astropy import units as u
from astropy.table import Column, Table
from astropy.time import Time

from alerce_zvar.errors import require, shown
from alerce_zvar.votable.binary import encode
from alerce_zvar.votable.fields import Field
from alerce_zvar.votable.tables import from_table
from alerce_zvar.wire.fitsfile import to_fits_table

__all__ = ["DecodedTable", "Exports", "plain_name"]

_UNIX_EPOCH = 2440587.5  # JD
_NS_PER_DAY = 86_400_000_000_000
_PANDAS_DAYS = 106_751  # that 64 bits of nanoseconds reach, either side of 1970
_MJD_ZERO = 2400000.5  # JD
_VOTABLE = "1.4"  # the first version with TIMESYS
# Where a clock of our answers stands; of any other scale nothing is known.
_CLOCKS = {"utc": "TOPOCENTER", "tai": "TOPOCENTER", "tdb": "BARYCENTER"}
_SKY = {"pos.eq.ra", "pos.eq.dec"}
_KINDS = "biufUSO"  # of numpy's types, those that every format has a word for


class Exports:
    """Methods of everything that is a table, or becomes one by its ``to_table``."""

    def to_pandas(self, *, index=None):
        """All rows as a pandas frame.

        Identifiers are text, exact as ever. Columns that may be masked have pandas' nullable types (``Int64``,
        ``boolean``, ``string``) whether or not something is masked now; masked floats are NaN. Times are
        ``datetime64[ns]`` without a time zone, in the scale that the table has.

        Parameters
        ----------
        index : str or list of str, optional
            Column or columns to make the index of.

        Returns
        -------
        pandas.DataFrame
            Its ``attrs`` hold ``units`` and ``time_scales`` by column, and the table's ``meta``.

        Raises
        ------
        MissingExtraError
            The extra ``formats`` is not installed.
        TypeError
            A column that you added holds something else than one number, truth value, text or time in each row.
        ValueError
            An `index` that is no column; a time outside the years 1678 to 2261, which pandas cannot hold.
        """
        (pandas,) = require("formats", "pandas")
        table = _table(self)
        _check_index(index, table.colnames)
        frame = pandas.DataFrame({name: _values(pandas, column) for name, column in table.columns.items()})
        frame.attrs = {
            "units": {name: str(column.unit) for name, column in table.columns.items() if _unit(column)},
            "time_scales": {name: time.scale for name, time in table.columns.items() if isinstance(time, Time)},
            "meta": {key: _word(value) for key, value in table.meta.items()},
        }
        return frame if index is None else frame.set_index(index)

    def to_votable(self, path=None, /, *, overwrite=False):
        """All rows as a VOTable, with units, UCDs and descriptions.

        Identifiers are text. Times are modified Julian dates in a ``TIMESYS`` that names their scale; celestial
        coordinates refer to ICRS. Values are written as BINARY2, exact to the last bit and null where masked (astropy
        reads null text as empty).

        Parameters
        ----------
        path : str or path-like, optional
            File to write.
        overwrite : bool
            Replace the file if it exists.

        Returns
        -------
        `~astropy.io.votable.tree.VOTableFile`

        Raises
        ------
        FileExistsError
            The file exists.
        TypeError
            As for `to_pandas`.
        """
        votable = _votable(_table(self))
        if path is not None:
            with _open_new(path, overwrite) as file:
                votable.to_xml(file)
        return votable

    def to_fits(self, path, /, *, overwrite=False):
        """All rows as a FITS file, with units and descriptions.

        Identifiers are text. What is masked is NaN, a number that ``TNULL`` names, or null in a column of truth values
        that is named after the first with ``.mask``. Times are two numbers in a cell whose sum is a Julian date.
        ``AnswerTable.from_fits`` reads all of it back; astropy's own reader takes times for numbers unless it is told
        ``astropy_native=True``.

        Parameters
        ----------
        path : str or path-like
            File to write.
        overwrite : bool
            Replace the file if it exists.

        Raises
        ------
        FileExistsError
            The file exists.
        ValueError
            A text with letters beyond ASCII, which FITS cannot hold.
        """
        body = io.BytesIO()
        to_fits_table(_table(self)).write(body, format="fits")
        with _open_new(path, overwrite) as file:
            file.write(body.getbuffer())

    def to_jsonl(self, path=None, /, *, overwrite=False):
        """All rows as lines of JSON, one object for each.

        Identifiers are text, and null stands for what is masked, NaN or infinite. Times are modified Julian dates
        under a key that names their scale: ``time`` becomes ``time_mjd_utc``, ``firstmjd`` becomes ``firstmjd_utc``.
        Units are those of the table.

        Parameters
        ----------
        path : str or path-like, optional
            File to write.
        overwrite : bool
            Replace the file if it exists.

        Returns
        -------
        str
            The lines, each with its end.

        Raises
        ------
        FileExistsError
            The file exists.
        TypeError
            As for `to_pandas`.
        """
        lines = _lines(_table(self))
        if path is not None:
            with _open_new(path, overwrite) as file:
                file.write(lines)
        return lines.decode("utf-8")


class DecodedTable(Exports, Table):
    """`~astropy.table.Table` that can be had in other formats."""


def _table(thing):
    """Plain columns with masks, and Time columns; one value in each row."""
    table = Table(thing if isinstance(thing, Table) else thing.to_table(), copy=False)
    for name, column in table.columns.items():
        plain = isinstance(column, Time) or (isinstance(column, Column) and column.dtype.kind in _KINDS)
        if not plain or column.ndim != 1:
            what = f"{getattr(column, 'dtype', type(column).__name__)} of shape {column.shape}"
            raise TypeError(f"'{name}' must hold one number, truth value, text or time in each row, not {what}")
    return table


def _check_index(index, names):
    wanted = [] if index is None else index if isinstance(index, list) else [index]
    if not all(name in names for name in wanted):
        raise ValueError(
            f"index must be a column or a list of columns, not {shown(index)}; columns are {', '.join(names)}"
        )


def _open_new(path, overwrite):
    try:
        return Path(path).open("wb" if overwrite else "xb")
    except FileExistsError as exc:
        raise FileExistsError(exc.errno, "The file exists; overwrite=True replaces it", str(path)) from None


def _unit(column):
    return getattr(column, "unit", None)


def _mask(column):
    """Mask of a column that may be masked, else None."""
    mask = getattr(column, "mask", None)
    return None if mask is None else np.broadcast_to(np.asarray(mask), len(column))


def _data(column):
    """Values beneath a mask, in the byte order of this machine; of times, modified Julian dates, of bytes, texts."""
    data = np.asarray(column.unmasked.mjd if isinstance(column, Time) else np.ma.getdata(column))
    if data.dtype.kind == "S":
        return np.char.decode(data, "utf-8")
    return data.astype(data.dtype.newbyteorder("="), copy=False)


def _word(value):
    return value if isinstance(value, str | int | float) or value is None else str(value)


def _values(pandas, column):
    """What pandas makes a column of."""
    if isinstance(column, Time):
        return _datetimes(column)
    data, mask = _data(column), _mask(column)
    if data.dtype.kind == "O":
        return pandas.Series(list(data if mask is None else np.where(mask, None, data)), dtype=object)
    if mask is None:
        return data
    if data.dtype.kind == "f":
        return np.where(mask, data.dtype.type(np.nan), data)
    if data.dtype.kind in "iu":
        return pandas.arrays.IntegerArray(data.copy(), mask.copy())
    if data.dtype.kind == "b":
        return pandas.arrays.BooleanArray(data.copy(), mask.copy())
    return pandas.array(np.where(mask, None, data.astype(object)), dtype="string")


def _datetimes(time):
    """Nanoseconds since 1970, every day having 86400 s: astropy's own way fails within leap seconds."""
    plain, mask = time.unmasked, _mask(time)
    days = plain.jd1 - _UNIX_EPOCH
    if np.any(np.abs(days) >= _PANDAS_DAYS):
        raise ValueError(f"'{time.info.name}' holds times outside the years 1678 to 2261, which pandas cannot hold")
    whole = np.floor(days)
    nanoseconds = np.round((days - whole + plain.jd2) * _NS_PER_DAY).astype(np.int64)
    found = (whole.astype(np.int64) * _NS_PER_DAY + nanoseconds).astype("datetime64[ns]")
    return found if mask is None else np.where(mask, np.datetime64("NaT", "ns"), found)


def _votable(table):
    from astropy.io.votable import tree

    votable = tree.VOTableFile(version=_VOTABLE)
    resource = tree.Resource(type="results")
    votable.resources.append(resource)
    # All ids but those of the fields begin with a bar: left alone, astropy makes them of names, which may clash.
    for number, (key, value) in enumerate(table.meta.items()):
        info = tree.Info(ID=f"_info{number}", name=str(key), value=str(value), config=votable.config)
        resource.infos.append(info)
    element = _element_class()(votable, ID="_table", name=table.meta.get("table"), config=votable.config)
    # Not TABLEDATA: it has no null text, and astropy's writer of it (8.0) oversteps its buffer by a byte where a row
    # fills that exactly, at 256 and 512 bytes, which can crash Python.
    element.format = "binary2"
    ids = _xml_ids(table.colnames)
    plain = from_table(table)
    element.fields.extend(
        _field(tree, votable, resource, ids[field.name], field, table[field.name]) for field in plain.fields
    )
    resource.tables.append(element)
    element.create_arrays(len(table))
    for name, values in zip(table.colnames, plain.columns, strict=True):
        element.array[name] = np.ma.filled(values, "") if values.dtype.kind == "O" else np.ma.getdata(values)
        element.array.mask[name] = np.ma.getmaskarray(values)
    return votable


@cache
def _element_class():
    from astropy.io.votable import tree

    class Element(tree.TableElement):
        """Writes all rows of a column at once, where astropy takes 15 microseconds for every value."""

        def _write_binary(self, mode, w, **kwargs):
            fields = [Field(name=f.name, datatype=f.datatype, arraysize=f.arraysize or "") for f in self.fields]
            if mode != 2 or not all(field.is_scalar for field in fields):
                return super()._write_binary(mode, w, **kwargs)
            data, mask = self.array.data, self.array.mask
            stream = encode([np.ma.array(data[name], mask=mask[name]) for name in data.dtype.names], fields)
            with w.tag("BINARY2"), w.tag("STREAM", encoding="base64"):
                w._flush()
                w.write(base64.b64encode(b"".join(stream)).decode("ascii"))

    return Element


def _xml_ids(names):
    """Ids that XML allows, all different: the names themselves where they can be; readers know columns by either."""
    found = {}
    for name in names:
        plain = re.sub(r"[^\w.-]|^(?=[\d.-])", "_", name, flags=re.ASCII)
        while plain != name and (plain in names or plain in found.values()):
            plain += "_"
        found[name] = plain
    return found


def _field(tree, votable, resource, identifier, field, column):
    """Field of astropy made of ours; what it refers to is entered into the resource."""
    unit, unwritable = _vounit(column)
    found = tree.Field(
        votable,
        ID=identifier,
        name=field.name,
        ucd=field.ucd or None,
        datatype=field.datatype,
        arraysize=field.arraysize or None,
        unit=unit,
        ref=_system(tree, votable, resource, column, field.ucd),
        config=votable.config,
    )
    found.description = f"{field.description}{unwritable}" or None
    return found


def _vounit(column):
    """Unit of a field; one that the standard has no word for, such as percent, is left to the description."""
    unit = u.d if isinstance(column, Time) else _unit(column)
    try:
        return (None if unit is None else u.Unit(unit.to_string("vounit"), format="vounit")), ""
    except ValueError:
        return None, f" [{unit}]"


def _system(tree, votable, resource, column, ucd):
    """Id of the system of time or coordinates that a column is in, or None; it is made where it is new."""
    if isinstance(column, Time):
        systems, identifier = resource.time_systems, f"_time_{column.scale}"
        make, words = tree.TimeSys, {"timeorigin": _MJD_ZERO, "timescale": column.scale.upper()}
        words["refposition"] = _CLOCKS.get(column.scale, "UNKNOWN")
    elif _SKY.intersection((ucd or "").split(";")[:1]):
        systems, identifier = resource.coordinate_systems, "_icrs"
        make, words = tree.CooSys, {"system": "ICRS"}
    else:
        return None
    if identifier not in (system.ID for system in systems):
        systems.append(make(ID=identifier, config=votable.config, **words))
    return identifier


def _lines(table):
    keys = [plain_name(column) for column in table.columns.values()]
    columns = [_json_values(column) for column in table.columns.values()]
    option = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    return b"".join(
        orjson.dumps(dict(zip(keys, row, strict=True)), option=option) for row in zip(*columns, strict=True)
    )


def plain_name(column):
    """Name of a column of bare values, which of times says the scale."""
    name = column.info.name
    if not isinstance(column, Time):
        return name
    return f"{name}_{column.scale}" if "mjd" in name else f"{name}_mjd_{column.scale}"


def _json_values(column):
    """Values of a column, None where masked; NaN is written as null anyway."""
    data, mask = _data(column), _mask(column)
    values = list(data) if data.dtype == np.float32 else data.tolist()  # which would widen single precision
    for index in () if mask is None else np.flatnonzero(mask):
        values[index] = None
    return values
