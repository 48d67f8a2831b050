"""VOTables as TAP services send and take them: tables of numbers, truth values and texts.

astropy reads and writes every VOTable, but loses null texts in the binary serializations, takes 30 microseconds for a
row of 30 columns, allocates as many rows as the file says it has, and opens addresses that stand in it. What comes from
elsewhere is therefore read here, which knows of no address and allocates what it was sent.
"""

from alerce_zvar.votable.fields import DATATYPES, ArrayColumnError, Field, VOTable, VOTableError
from alerce_zvar.votable.reader import read_csv, read_votable
from alerce_zvar.votable.tables import from_table, to_table
from alerce_zvar.votable.writer import error_votable, write_votable, xml_attribute, xml_text

__all__ = [
    "DATATYPES",
    "ArrayColumnError",
    "Field",
    "VOTable",
    "VOTableError",
    "error_votable",
    "from_table",
    "read_csv",
    "read_votable",
    "to_table",
    "write_votable",
    "xml_attribute",
    "xml_text",
]
