"""Ids and positions from arguments, files and stdin; clients of the services."""

import csv
import io
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table

from alerce_zvar.positions import parse_position

__all__ = ["alerce_client", "ids_of", "positions_of", "zvar_client"]

_FITS, _PARQUET, _ECSV = b"SIMPLE  =", b"PAR1", b"# %ECSV"


def alerce_client(options):
    """Client of ALeRCE at the address that was given."""
    from alerce_zvar.alerce.core import AlerceClass

    return AlerceClass(url=options.server)


def zvar_client(options):
    """Client of ZVAR at the address that was given, logged in if somebody wants to be."""
    from alerce_zvar.zvar.core import ZvarClass

    client = ZvarClass(url=options.server)
    if options.user:
        client.login(username=options.user)
    return client


def ids_of(options, column, *, needed=True):
    """Ids from arguments, file and stdin, each once; `column` is what a table calls them."""
    found = []
    for word in options.ids:
        found += _ids(_stdin(), column, options.id_column, "stdin") if word == "-" else [word]
    if options.source:
        found += _ids(_source(options.source), column, options.id_column, options.source)
    if needed and not found:
        options.usage("no ids: give some, or --from FILE, or - to read them from stdin")
    return list(dict.fromkeys(found))


def positions_of(options):
    """Positions from arguments, file and stdin, in order."""
    found = []
    for given in options.positions:
        found.append(_positions(_stdin(), "stdin") if isinstance(given, str) else given)
    if options.source:
        found.append(_positions(_source(options.source), options.source))
    if not found:
        options.usage("no position: give one in quotes, or --from FILE, or - to read them from stdin")
    return SkyCoord(
        np.concatenate([np.atleast_1d(places.ra.deg) for places in found]),
        np.concatenate([np.atleast_1d(places.dec.deg) for places in found]),
        unit="deg",
    )


def _stdin():
    return sys.stdin.buffer.read()


def _source(path):
    return _stdin() if path == "-" else Path(path).read_bytes()


def _ids(body, column, wanted, what):
    found = _content(body, wanted or column, what)
    if isinstance(found, list):
        return found
    name, names = wanted or column, getattr(found, "colnames", found)
    if name not in names:
        raise ValueError(f"{what} has no column '{name}'; it has {', '.join(names)}. --id-column names another")
    return [str(value) for value in found[name] if value is not None and value is not np.ma.masked and value != ""]


def _positions(body, what):
    from alerce_zvar.match.places import positions_of as of_table

    found = _content(body, "ra", what)
    if isinstance(found, list):
        if not found:
            raise ValueError(f"{what} holds no position")
        return _parsed_positions(found, what, "entry")
    if not isinstance(found, Table):
        found = _in_degrees(found, what)
    places, known = of_table(found, what)
    if not known.all():
        raise ValueError(f"{what}: row {np.flatnonzero(~known)[0] + 1} has no position")
    return places


def _in_degrees(columns, what):
    """Table of positions from columns of texts or numbers; those that are texts may be sexagesimal."""
    names = {name.lower(): name for name in columns}
    if not {"ra", "dec"} <= names.keys():
        raise ValueError(f"{what} must have columns ra and dec; it has {', '.join(columns)}")
    pairs = zip(columns[names["ra"]], columns[names["dec"]], strict=True)
    return Table({"place": _parsed_positions([f"{ra} {dec}" for ra, dec in pairs], what, "row")})


def _parsed_positions(texts, what, unit):
    """Positions of many texts; an error says which of them is none."""
    places = []
    for number, text in enumerate(texts, start=1):
        try:
            places.append(parse_position(text))
        except ValueError as exc:
            raise ValueError(f"{what}, {unit} {number}: {exc}") from None
    return SkyCoord(places)


def _content(body, column, what):
    """As `_parsed`; an error says where the bytes came from."""
    try:
        return _parsed(body, column)
    except (ValueError, OSError) as exc:
        raise ValueError(f"{what} cannot be read: {exc}") from exc


def _parsed(body, column):
    """A table, or columns of values by name, or lines of text, whatever was given."""
    if body.startswith(_FITS):
        return Table.read(io.BytesIO(body), format="fits", character_as_bytes=False)
    if body.startswith(_PARQUET):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "given.parquet")
            path.write_bytes(body)
            return Table.read(path, format="parquet")
    text = body.decode("utf-8-sig")
    start = text.lstrip()[:1]
    if body.startswith(_ECSV):
        return Table.read(text, format="ascii.ecsv")
    if start == "<":
        from alerce_zvar.votable import read_votable, to_table

        return to_table(read_votable(body))
    return _columns(_json_rows(text)) if start in ("{", "[") else _text(text, column)


def _json_rows(text):
    """Rows of a list of objects, or of one object in each line; numbers stay as they were written."""
    if text.lstrip().startswith("{"):
        rows = [json.loads(line, parse_float=str) for line in text.split("\n") if line.strip()]
    else:
        rows = json.loads(text, parse_float=str)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("JSON must be a list of objects, or one object in each line")
    return rows


def _columns(rows):
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _text(text, column):
    """Columns of comma-separated values under a header that knows the column, or else lines."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    header = next(csv.reader(lines[:1]), [])
    if len(header) > 1 and (column in [word.strip().lower() for word in header] or column != "ra"):
        return _columns(list(csv.DictReader(io.StringIO("\n".join(lines)))))
    return lines[1:] if header == [column] else lines
