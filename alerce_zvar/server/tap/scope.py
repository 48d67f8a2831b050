"""What a name stands for at a place in a query: tables, columns, and the SQL that gives them."""

import time
from dataclasses import dataclass, field, replace
from functools import partial

from sqlglot import exp

from alerce_zvar.alerce.schema.tap import TapColumn
from alerce_zvar.server.tap.words import LONGEST_TEXT, QueryError, is_same, name_of

__all__ = ["KINDS", "Context", "Scope", "Source", "Typed", "only", "owner_of", "quoted"]

MOST_SQL = 20_000_000  # characters that are made of a query, parts of parts counted again
LONGEST_READING = 20.0  # seconds
# VOTable's words -> what can be done with a value.
KINDS = {"short": "int", "int": "int", "long": "int", "float": "float", "double": "float", "char": "text"}
KINDS |= {"boolean": "bool"}


@dataclass(frozen=True)
class Typed:
    """An expression in the database's SQL.

    Parameters
    ----------
    sql : str
        Text without any word of the query's own: names are ours or quoted, texts are parameters.
    kind : {"int", "float", "text", "bool", "null", "point", "circle"}
        What it is.
    name : str
        How a column of the answer is called that holds it.
    about : TapColumn, optional
        What is known of a plain column.
    condition : str
        The same as a truth value, where the expression is 1 or 0.
    parts : tuple of str
        Of a geometry: SQL of its coordinates and radius [deg]; of a distance: SQL of its two positions.
    longest : int
        Most characters of a text.
    """

    sql: str
    kind: str
    name: str = ""
    about: TapColumn | None = None
    condition: str = ""
    parts: tuple[str, ...] = ()
    longest: int = LONGEST_TEXT


@dataclass(frozen=True)
class Source:
    """Something in FROM: what it is called and its columns, each as `Typed`."""

    names: tuple[str, ...]  # alias, or schema and table
    columns: tuple[Typed, ...]

    def is_called(self, identifiers):
        """True if what stands before a column's name means this one."""
        own = self.names[-len(identifiers) :]
        return len(own) == len(identifiers) and all(map(is_same, identifiers, own))


@dataclass
class Context:
    """What the parts of one query share.

    Parameters
    ----------
    tables : callable
        Names -> (SQL of a relation, its TapColumns); raises `QueryError` for one that is not known.
    select : callable
        (tree of a query, outer scope) -> (SQL, columns as `Typed`).
    """

    tables: object
    select: object
    parameters: dict = field(default_factory=dict)  # text -> its name
    _count: int = 0
    _length: int = 0
    _until: float = field(default_factory=lambda: time.monotonic() + LONGEST_READING)

    def spend(self, length):
        """Count so many characters of SQL; what is said in few words may become many, and take its time."""
        self._length += length
        if self._length > MOST_SQL or time.monotonic() > self._until:
            raise QueryError("the query is too complicated")

    def text(self, value):
        """Parameter that holds a text; the same text is the same parameter, so that GROUP BY knows it again."""
        if "\0" in value:
            raise QueryError("a text must not hold the character NUL")
        if len(value) > LONGEST_TEXT:
            raise QueryError(f"a text is longer than {LONGEST_TEXT} characters")
        return "$" + self.parameters.setdefault(value, f"text{len(self.parameters)}")

    def new(self, kind):
        """Name that nothing else has."""
        self._count += 1
        return f"{kind}{self._count}"


@dataclass
class Scope:
    """Sources whose columns can be named, and those of the queries around.

    ``merged`` are columns that USING or NATURAL made one of two.
    """

    context: Context
    sources: tuple[Source, ...] = ()
    merged: tuple[Typed, ...] = ()
    outer: "Scope | None" = None

    def column(self, node):
        """Column that a tree names."""
        only(node, "this", "table", "db")
        name_of(node.this)
        owner = owner_of(node)
        scope, found = self, []
        while scope is not None and not found:
            found = scope._named(partial(is_same, node.this), owner)
            scope = scope.outer
        what = ".".join(name_of(part) for part in (*owner, node.this))[:80]
        if not found:
            known = ", ".join(dict.fromkeys(column.name for source in self.sources for column in source.columns))
            raise QueryError(f"there is no column {what} here; the tables in FROM have {known[:400]}")
        if len(found) > 1:
            raise QueryError(f"the column {what} is in several tables; write the table's name before it")
        return found[0]

    def own(self, is_meant):
        """The one column whose name passes a test, for USING."""
        found = self._named(is_meant, ())
        if len(found) != 1:
            raise QueryError("USING and NATURAL want a column that is once on either side")
        return found[0]

    def _named(self, is_meant, owner):
        if not owner:
            merged = [column for column in self.merged if is_meant(column.name)]
            if merged:
                return merged
        sources = [source for source in self.sources if not owner or source.is_called(owner)]
        return [column for source in sources for column in source.columns if is_meant(column.name)]

    def star(self, owner=()):
        """All columns, or those of one source."""
        if owner:
            found = [source for source in self.sources if source.is_called(owner)]
            if len(found) != 1:
                raise QueryError(f"there is no one table {'.'.join(map(name_of, owner))[:80]} in FROM")
            return list(found[0].columns)
        hidden = {column.name.lower() for column in self.merged}
        rest = [column for source in self.sources for column in source.columns if column.name.lower() not in hidden]
        return [*self.merged, *rest]

    def joined(self, other, merged=()):
        """Both together."""
        names = {column.name.lower() for column in merged}
        kept = [column for column in (*self.merged, *other.merged) if column.name.lower() not in names]
        return replace(self, sources=(*self.sources, *other.sources), merged=(*merged, *kept))


def owner_of(node):
    """Identifiers before a column's name: schema and table, as far as they are there."""
    return tuple(node.args[part] for part in ("db", "table") if node.args.get(part))


def quoted(name):
    """Name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def only(node, *names):
    """Refuse a tree that says more than the parts that are named."""
    for part, value in node.args.items():
        if part.rstrip("_") not in names and value not in (None, False, "", []):
            what = value.key if isinstance(value, exp.Expression) else part.rstrip("_")
            raise QueryError(f"{what.upper()} in {node.key.upper()} is not supported")
