"""Bytes into a `VOTable`: the XML by expat, the values by numpy."""

import base64
import binascii
import csv
import io
import math
import re
from xml.parsers import expat

import numpy as np

from alerce_zvar.votable.binary import decode
from alerce_zvar.votable.fields import NUMPY, ArrayColumnError, Field, VOTable, VOTableError

__all__ = ["read_csv", "read_votable"]

_LARGEST_ARRAY = 2**16  # values of one array of a fixed size
_DEEPEST = 100  # elements inside each other
_SIZE = re.compile(r"\d{0,18}|(\d{1,18}x)*(\d{1,18}|\d{0,18}\*)", re.ASCII)
_TEXTS = {"DESCRIPTION", "INFO", "TD", "STREAM"}
_TRUE, _FALSE = {"T", "t", "1", "true", "True", "TRUE"}, {"F", "f", "0", "false", "False", "FALSE"}
_HEX = re.compile(r"0[xX][0-9a-fA-F]+")


def read_votable(body, *, most_rows=math.inf, most_columns=math.inf):
    """First table of a document.

    Parameters
    ----------
    body : bytes
        Whole document.
    most_rows, most_columns : int, optional
        A table with more is not read to its end.

    Returns
    -------
    VOTable
        Without columns where the document holds no table, as one that reports an error.

    Raises
    ------
    VOTableError
        Not a VOTable, damaged, or one that wants something opened.
    """
    found = _Document(most_rows, most_columns)
    parser = expat.ParserCreate()  # which would copy the whole name of a namespace for each element
    parser.buffer_text = True
    parser.buffer_size = 2**20
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    parser.CharacterDataHandler = found.text
    parser.StartDoctypeDeclHandler = _no_doctype
    try:
        parser.Parse(body, True)
    except expat.ExpatError as exc:
        raise VOTableError(f"it is not well-formed XML ({exc})") from None
    if not found.is_votable:
        raise VOTableError("it is XML, but not a VOTable")
    return found.table()


def read_csv(body, fields):
    """Table from comma-separated values, of columns that are known; arrays stay texts.

    Raises
    ------
    VOTableError
        The columns are others, or hold something else.
    """
    rows = list(csv.reader(io.StringIO(body.decode("utf-8", "replace"))))
    if not rows or rows[0] != [field.name for field in fields] or any(len(row) != len(fields) for row in rows):
        raise VOTableError("its columns are not those that were announced")
    cells = list(zip(*rows[1:], strict=True)) or [()] * len(fields)
    return VOTable(list(fields), [_from_texts(field, texts) for field, texts in zip(fields, cells, strict=True)])


def _no_doctype(*_):
    raise VOTableError("it has a DOCTYPE, which no VOTable needs")


class _Document:
    """Takes what expat finds."""

    def __init__(self, most_rows, most_columns):
        self._most_rows, self._most_columns = most_rows, most_columns
        self.is_votable = False
        self.fields, self.infos, self.rows = [], [], []
        self.serialization = ""
        self._path, self._parts, self._attributes = [], None, {}
        self._tables, self._stream, self._row = 0, [], None

    def start(self, name, attributes):
        name = name.rpartition(":")[2]
        self._path.append(name)
        if len(self._path) > _DEEPEST:
            raise VOTableError(f"more than {_DEEPEST} elements are inside each other")
        if name == "VOTABLE":
            self.is_votable = True
        elif name == "TABLE":
            self._tables += 1
        elif name == "FITS" or (name == "STREAM" and attributes.get("href")):
            raise VOTableError("its data are elsewhere, and are not fetched")
        elif name == "INFO":
            self._attributes = attributes
        elif self._tables == 1:
            self._start_in_table(name, attributes)
        self._parts = [] if name in _TEXTS else None

    def _start_in_table(self, name, attributes):
        if name == "FIELD":
            self.fields.append(_field(attributes))
            if len(self.fields) > self._most_columns:
                raise VOTableError(f"it has more than {self._most_columns} columns")
        elif name == "VALUES" and self._path[-2] == "FIELD" and attributes.get("null"):
            self._change(null=_null(self.fields[-1], attributes["null"]))
        elif name in ("TABLEDATA", "BINARY", "BINARY2"):
            self.serialization = name
        elif name == "TR":
            self._row = []
        elif name == "STREAM" and attributes.get("encoding", "") != "base64":
            raise VOTableError(f"its data are encoded as {attributes.get('encoding', 'nothing')!r:.40}, not as base64")

    def text(self, text):
        if self._parts is not None:
            self._parts.append(text)

    def end(self, name):
        name = self._path.pop()
        text = "".join(self._parts or ())
        if name == "INFO":
            self.infos.append((self._attributes.get("name", ""), self._attributes.get("value", ""), text.strip()))
        elif self._tables == 1:
            self._end_in_table(name, text)
        self._parts = None

    def _end_in_table(self, name, text):
        if name == "TD" and self._row is not None:
            self._row.append(text)
        elif name == "TR":
            self._end_row()
        elif name == "STREAM":
            self._stream.append(text)
        elif name == "DESCRIPTION" and self._path[-1:] == ["FIELD"]:
            self._change(description=" ".join(text.split()))

    def _end_row(self):
        if len(self._row or ()) != len(self.fields):
            raise VOTableError(f"row {len(self.rows)} has {len(self._row or ())} values for {len(self.fields)} columns")
        if len(self.rows) >= self._most_rows:
            raise VOTableError(f"it has more than {self._most_rows} rows")
        self.rows.append(self._row)
        self._row = None

    def _change(self, **parts):
        self.fields[-1] = Field(**{**vars(self.fields[-1]), **parts})

    def table(self):
        if not all(field.is_scalar for field in self.fields):
            raise ArrayColumnError(self.fields)
        if self.serialization in ("BINARY", "BINARY2"):
            try:
                data = base64.b64decode("".join(self._stream))
            except (binascii.Error, ValueError) as exc:
                raise VOTableError(f"its base64 is damaged ({exc})") from None
            columns = decode(data, self.fields, flags=self.serialization == "BINARY2", most_rows=self._most_rows)
        else:
            cells = list(zip(*self.rows, strict=True)) if self.rows else [()] * len(self.fields)
            columns = [_from_texts(field, texts) for field, texts in zip(self.fields, cells, strict=True)]
        return VOTable(self.fields, columns, self.infos)


def _field(attributes):
    known = {key: attributes.get(key, "") for key in ("name", "datatype", "arraysize", "unit", "ucd")}
    field = Field(**known | {"name": known["name"] or attributes.get("ID", "")})
    if not _SIZE.fullmatch(field.arraysize):
        raise VOTableError(f"its column {field.name!r:.80} has the arraysize {field.arraysize!r:.40}")
    sizes = [int(size) for size in re.findall(r"\d+", field.arraysize)]
    if math.prod(sizes) > _LARGEST_ARRAY:
        raise VOTableError(f"its column {field.name!r:.80} holds arrays of {field.arraysize:.40} values")
    return field


def _null(field, text):
    """Number that means null, as it stands there; of other columns nothing is needed."""
    try:
        return str(_whole(text)) if NUMPY.get(field.datatype, np.dtype("O")).kind in "iu" else ""
    except ValueError:
        raise VOTableError(f"its column {field.name!r:.80} has {text!r:.40} for null, which is no number") from None


def _from_texts(field, texts):
    """Column from the texts of its values; an empty one is null."""
    if not field.is_scalar or field.is_text:
        return np.ma.array(np.array(texts, dtype=object), mask=[not text for text in texts], dtype=object)
    texts = [text.strip() for text in texts]
    try:
        if field.datatype in ("boolean", "bit"):
            return _booleans(texts)
        missing = np.array([not text for text in texts], dtype=bool)
        convert = float if field.datatype in ("float", "double") else _whole
        values = [0 if gone else convert(text) for text, gone in zip(texts, missing, strict=True)]
        values = np.array(values, dtype=NUMPY[field.datatype].newbyteorder("="))
        return np.ma.array(values, mask=missing | (values == int(field.null)) if field.null else missing)
    except (ValueError, OverflowError) as exc:
        raise VOTableError(
            f"its column {field.name!r:.80} holds something else than {field.datatype} ({exc})"
        ) from None


def _booleans(texts):
    strange = set(texts) - _TRUE - _FALSE - {"", "?", " ", "\0"}
    if strange:
        raise ValueError(repr(strange.pop())[:40])
    return np.ma.array(
        [text in _TRUE for text in texts], mask=[text not in _TRUE | _FALSE for text in texts], dtype=bool
    )


def _whole(text):
    return int(text, 16) if _HEX.fullmatch(text) else int(text)
