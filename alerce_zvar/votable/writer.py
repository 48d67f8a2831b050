"""A `VOTable` into bytes."""

import base64
import re
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from alerce_zvar.votable.binary import encode

__all__ = ["SERIALIZATIONS", "error_votable", "write_votable", "xml_attribute", "xml_text"]

SERIALIZATIONS = ("BINARY2", "TABLEDATA")
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">
<RESOURCE type="results">
"""
_FOOT = "</RESOURCE>\n</VOTABLE>\n"
# What XML 1.0 cannot hold, in any spelling.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def write_votable(table, serialization="BINARY2"):
    """Document of one table.

    Parameters
    ----------
    table : VOTable
        Its columns are scalars; ``status`` is written twice if it is OVERFLOW: at the end too, as TAP wants it.
    serialization : {"BINARY2", "TABLEDATA"}
        How the values are written. Null texts survive in BINARY2 only.

    Returns
    -------
    bytes
    """
    infos = [_info(*info) for info in table.infos]
    after = [infos.pop()] if table.status[0] == "OVERFLOW" else []
    fields = [_field(field) for field in table.fields]
    data = _binary2(table) if serialization == "BINARY2" else _tabledata(table)
    parts = [_HEAD, *infos, "<TABLE>\n", *fields, "<DATA>", data, "</DATA>\n</TABLE>\n", *after, _FOOT]
    return "".join(parts).encode()


def error_votable(message):
    """Document that says that a query failed, and why."""
    return "".join((_HEAD, _info("QUERY_STATUS", "ERROR", message), _FOOT)).encode()


def xml_text(text):
    """Text as it stands in XML, without what that cannot hold."""
    return escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text))


def xml_attribute(text):
    """As `xml_text`, between quotes, for an attribute."""
    return quoteattr(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text))


def _info(name, value, text=""):
    return f"<INFO name={xml_attribute(name)} value={xml_attribute(value)}>{xml_text(text)}</INFO>\n"


def _field(field):
    parts = {"name": field.name, "datatype": field.datatype, "arraysize": field.arraysize}
    parts |= {"unit": field.unit, "ucd": field.ucd}
    attributes = " ".join(f"{key}={xml_attribute(value)}" for key, value in parts.items() if value)
    described = f"<DESCRIPTION>{xml_text(field.description)}</DESCRIPTION>" if field.description else ""
    return f"<FIELD {attributes}>{described}</FIELD>\n"


def _binary2(table):
    stream = b"".join(encode(table.columns, table.fields)) if table.fields else b""
    return f'<BINARY2><STREAM encoding="base64">{base64.b64encode(stream).decode()}</STREAM></BINARY2>'


def _tabledata(table):
    cells = [_cells(column) for column in table.columns]
    rows = ("<TR>" + "".join(f"<TD>{cell}</TD>" for cell in row) + "</TR>" for row in zip(*cells, strict=True))
    return "<TABLEDATA>\n" + "\n".join(rows) + "\n</TABLEDATA>"


def _cells(column):
    """Texts of a column; empty where null."""
    kind, values = column.dtype.kind, np.ma.getdata(column)
    if kind == "O":
        texts = [xml_text(text or "") for text in values.tolist()]
    elif kind == "b":
        texts = np.where(values, "true", "false").tolist()
    elif kind == "f":
        names = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}
        texts = [names.get(text, text) for text in values.astype(str).tolist()]  # shortest texts that give them back
    else:
        texts = values.astype(str).tolist()
    for index in np.flatnonzero(np.ma.getmaskarray(column)):
        texts[index] = ""
    return texts
