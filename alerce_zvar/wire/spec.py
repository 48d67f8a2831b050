"""The four words in which a service is described: Column, TableSchema, Param, Endpoint.

Frozen records without behaviour that costs anything. Read by the decoder, the queries, the local server, the archive,
the docs and the tests; no unit, wire name or limit stands anywhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from astropy import units as u

__all__ = ["Column", "Endpoint", "Param", "TableSchema"]

# JSON types that each dtype may arrive as; `Column.wire_dtype` replaces the default.
WIRE_TYPES = MappingProxyType({"str": (str,), "int": (int,), "float": (float, int), "bool": (bool,), "id": (str, int)})
_DEFAULT_WIRE = {"str": "str", "int64": "int", "float64": "float", "float32": "float", "bool": "bool"}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table, here and on the wire.

    Parameters
    ----------
    name : str
        Name in our tables.
    wire : str
        Key in the service's JSON.
    dtype : {"str", "int64", "float64", "float32", "bool"}
        Type in our tables.
    unit : `~astropy.units.UnitBase`, optional
        Physical unit.
    ucd : str
        IVOA UCD1+ words.
    description : str
        One line for people.
    wire_dtype : {"str", "int", "float", "bool", "id"}, optional
        Type in the JSON where it is not the obvious one. An ``id`` may come as text or as number and is always text
        here.
    required : bool
        False when the service may leave the key out of every row.
    nullable : bool
        True when single values may be null; such columns are masked columns.
    sentinels : tuple of float or str
        Numbers, or texts of a column of texts, that mean null.
    time : tuple of str, optional
        ``(format, scale)`` of an `astropy.time.Time` column.
    codes : dict, optional
        Wire code -> our word.
    """

    name: str
    wire: str
    dtype: str
    unit: u.UnitBase | None = None
    ucd: str
    description: str
    wire_dtype: str = ""
    required: bool = True
    nullable: bool = False
    sentinels: tuple[float | str, ...] = ()
    time: tuple[str, str] | None = None
    codes: Mapping | None = field(default=None, hash=False)

    def __post_init__(self):
        if not self.wire_dtype:
            object.__setattr__(self, "wire_dtype", _DEFAULT_WIRE[self.dtype])

    @property
    def wire_types(self):
        """Python types that the JSON value may have."""
        return WIRE_TYPES[self.wire_dtype]


@dataclass(frozen=True)
class TableSchema:
    """A table: its name, what a row is, and its columns in order."""

    name: str
    description: str
    columns: tuple[Column, ...]
    _by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self):
        object.__setattr__(self, "_by_name", {column.name: column for column in self.columns})

    @property
    def names(self):
        """Our column names, in order."""
        return tuple(self._by_name)

    def __getitem__(self, name):
        return self._by_name[name]


@dataclass(frozen=True, kw_only=True)
class Param:
    """One thing that a request may say.

    Parameters
    ----------
    name, wire : str
        Name in our methods, and in the request.
    kind : {"str", "id", "digits", "int", "float", "bool", "quantity", "mjd", "position"}
        What is accepted. ``digits`` is an id that is a whole number; a ``quantity`` carries a unit; ``mjd`` is a
        `~astropy.time.Time` or a number of days; a ``position`` has a name, ra and dec.
    unit : `~astropy.units.UnitBase`, optional
        Unit on the wire of a quantity or number.
    scale : str
        Time scale of an mjd on the wire.
    bare : bool
        A quantity may also be a bare number, because its unit cannot be mistaken.
    many : int
        How many values may be given; 1 means a single one, larger numbers a list.
    choices : tuple, optional
        The only values accepted.
    minimum, maximum : float, optional
        Limits on the wire, both included.
    where : {"query", "path", "body"}
        Where it stands in the request.
    required : bool
        The request is refused without it.
    description : str
        One line for people.
    """

    name: str
    wire: str
    kind: str
    description: str
    unit: u.UnitBase | None = None
    scale: str = "utc"
    bare: bool = False
    many: int = 1
    choices: tuple = ()
    minimum: float | None = None
    maximum: float | None = None
    where: str = "query"
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One request that a service answers.

    Parameters
    ----------
    name : str
        Name in our code.
    path : str
        Path below the service's address, with ``{wire}`` for parameters in the path.
    method : {"GET", "POST"}
        HTTP method. Every endpoint reads only, so a POST is repeated as safely as a GET.
    params : tuple of Param
        What may be asked.
    answer : TableSchema, optional
        What a row of the answer is.
    items : str
        Key of the rows inside the JSON object, empty when the body is the list itself.
    private : bool
        The request carries the login.
    single : bool
        It asks for one thing, so that status 404 means that there is no such thing. So does any endpoint with a
        parameter in its path.
    unknown : int
        Failure status, such as 500, that it answers with for a thing that it does not know. It is raised at once, for
        asking again would not help; whether the thing is known has to be asked elsewhere.
    description : str
        One line for people.
    source : str
        Where the contract says so.
    """

    name: str
    path: str
    description: str
    source: str
    method: str = "GET"
    params: tuple[Param, ...] = ()
    answer: TableSchema | None = None
    items: str = ""
    private: bool = False
    single: bool = False
    unknown: int = 0

    def __post_init__(self):
        if any(param.where == "path" for param in self.params):
            object.__setattr__(self, "single", True)

    def param(self, name):
        """The parameter of that name, or None."""
        return next((param for param in self.params if param.name == name), None)
