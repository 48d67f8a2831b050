"""What a VOTable is made of."""

from dataclasses import dataclass, field

import numpy as np

__all__ = ["DATATYPES", "NUMPY", "ArrayColumnError", "Field", "VOTable", "VOTableError"]

# VOTable's words -> types as they travel, most significant byte first.
NUMPY = {
    "unsignedByte": np.dtype(">u1"),
    "short": np.dtype(">i2"),
    "int": np.dtype(">i4"),
    "long": np.dtype(">i8"),
    "float": np.dtype(">f4"),
    "double": np.dtype(">f8"),
}

# Types of numpy -> VOTable's words that hold all their values.
DATATYPES = {"i1": "short", "u1": "short", "i2": "short", "u2": "int", "i4": "int", "u4": "long", "i8": "long"}
DATATYPES |= {"f4": "float", "f8": "double", "b1": "boolean"}


class VOTableError(ValueError):
    """A document that is no VOTable, or not one of those that are read here."""


class ArrayColumnError(VOTableError):
    """Columns that hold arrays; `fields` are all columns of the table."""

    def __init__(self, fields):
        names = ", ".join(field.name for field in fields if not field.is_scalar)
        super().__init__(f"its column(s) {names:.200} hold arrays")
        self.fields = fields


@dataclass(frozen=True, kw_only=True)
class Field:
    """One column.

    Parameters
    ----------
    name : str
        As it stands there.
    datatype : str
        A key of `NUMPY`, or boolean, bit, char, unicodeChar; others are not read.
    arraysize : str
        As it stands there; ``*`` is text of any length.
    unit, ucd, description : str
        Empty where there is none.
    null : str
        Whole number that means null.
    """

    name: str
    datatype: str
    arraysize: str = ""
    unit: str = ""
    ucd: str = ""
    description: str = ""
    null: str = ""

    @property
    def is_text(self):
        """True for one text in each row."""
        return self.datatype in ("char", "unicodeChar") and "x" not in self.arraysize

    @property
    def is_scalar(self):
        """True for one number, truth value or text in each row."""
        one = self.arraysize in ("", "1") and (self.datatype in NUMPY or self.datatype in ("boolean", "bit"))
        return one or self.is_text


@dataclass
class VOTable:
    """First table of a document.

    Parameters
    ----------
    fields : list of Field
        Columns in order.
    columns : list of `numpy.ma.MaskedArray`
        Their values, masked where null; texts as objects.
    infos : list of tuple of str
        Name, value and text of each INFO.
    """

    fields: list
    columns: list = field(default_factory=list)
    infos: list = field(default_factory=list)

    @property
    def status(self):
        """Last QUERY_STATUS and what is said with it; ("OK", "") where there is none."""
        found = [(value.upper(), text) for name, value, text in self.infos if name == "QUERY_STATUS"]
        return found[-1] if found else ("OK", "")
