"""FROM: tables, queries under a name, and how they are joined."""

from dataclasses import replace
from functools import partial

from sqlglot import exp

from alerce_zvar.alerce.schema.tap import UPLOAD_SCHEMA
from alerce_zvar.server.tap.described import TAP_SCHEMA
from alerce_zvar.server.tap.expressions import condition
from alerce_zvar.server.tap.scope import KINDS, Scope, Source, Typed, only, quoted
from alerce_zvar.server.tap.words import COMMA, LONGEST_TEXT, QueryError, is_same, name_of

__all__ = ["from_clause"]

_USUAL_TEXT = 64  # characters: ids, names, versions
_LONG_TEXTS = (UPLOAD_SCHEMA, TAP_SCHEMA)  # schemas with others
_SIDES = ("", "LEFT", "RIGHT", "FULL")
_KINDS = ("", "INNER", "OUTER", "CROSS")


def from_clause(tree, joins, outer):
    """What stands after FROM.

    Parameters
    ----------
    tree : `sqlglot.exp.Expr`
        First relation.
    joins : list of `sqlglot.exp.Join`
        What follows; a comma begins a new chain of joins.
    outer : Scope
        The queries around.

    Returns
    -------
    sql : str
        After the word FROM.
    scope : Scope
        All columns that can be named.
    """
    chains = [_relation(tree, outer)]
    for join in joins:
        if join.args.get("kind") == COMMA:
            only(join, "this", "kind")
            chains.append(_relation(join.this, outer))
        else:
            chains[-1] = _joined(*chains[-1], join, outer)
    sql, scope = chains[0]
    for other_sql, other in chains[1:]:
        sql, scope = f"{sql} CROSS JOIN ({other_sql})", scope.joined(other)
    names = [tuple(map(str.lower, source.names)) for source in scope.sources]
    for name in names:
        if names.count(name) > 1:
            raise QueryError(f"{'.'.join(name):.80} is twice in FROM; give each another name by AS")
    return sql, scope


def _relation(tree, outer):
    if isinstance(tree, exp.Table):
        only(tree, "this", "db", "alias")
        return _table(tree, outer)
    if not isinstance(tree, exp.Subquery):
        raise QueryError("FROM wants tables, and queries in parentheses")
    if isinstance(tree.this, exp.Table):
        return _in_parentheses(tree, outer)
    only(tree, "this", "alias")
    if not tree.args.get("alias"):
        raise QueryError("a query in FROM needs a name, given by AS")
    sql, columns = outer.context.select(tree.this, outer)  # which sees the queries around, but not its neighbours
    return _named(f"({sql})", columns, (_alias(tree),), outer)


def _in_parentheses(tree, outer):
    """Tables that are joined first."""
    only(tree, "this", "joins")
    inner, joins = tree.this, [*(tree.this.args.get("joins") or ()), *(tree.args.get("joins") or ())]
    inner.set("joins", None)
    sql, scope = from_clause(inner, joins, outer)
    return f"({sql})", scope


def _table(tree, outer):
    if not isinstance(tree.this, exp.Identifier):
        raise QueryError("functions cannot stand in FROM")
    names = tuple(name_of(tree.args[part]) for part in ("db", "this") if tree.args.get(part))
    relation, about = outer.context.tables(names)
    schema = ".".join(names).lower().partition(".")[0]
    longest = LONGEST_TEXT if schema in _LONG_TEXTS else _USUAL_TEXT
    columns = [
        Typed(quoted(column.name), KINDS[column.datatype], column.name, column, longest=longest) for column in about
    ]
    return _named(f"({relation})", columns, (_alias(tree),) if tree.args.get("alias") else names, outer)


def _alias(tree):
    alias = tree.args["alias"]
    only(alias, "this")
    return name_of(alias.this)


def _named(relation, columns, names, outer):
    """A relation under a name of ours, its columns with that name before them."""
    ours = outer.context.new("t")
    own = tuple(replace(column, sql=f"{ours}.{column.sql}") for column in columns)
    return f"{relation} AS {ours}", Scope(outer.context, (Source(names, own),), outer=outer)


def _joined(sql, scope, join, outer):
    only(join, "this", "method", "side", "kind", "on", "using")
    side, kind, method = (str(join.args.get(part) or "").upper() for part in ("side", "kind", "method"))
    if side not in _SIDES or kind not in _KINDS or method not in ("", "NATURAL"):
        raise QueryError(f"{' '.join(filter(None, (method, side, kind)))} JOIN is not supported")
    other_sql, other = _relation(join.this, outer)
    names = _shared(scope, other, join, method)
    pairs = [(scope.own(is_meant), other.own(is_meant)) for is_meant in names]
    merged = [_merged(*pair, side) for pair in pairs]
    both = scope.joined(other, merged)
    if kind == "CROSS":
        if join.args.get("on") or names or side:
            raise QueryError("CROSS JOIN takes no condition")
        return f"{sql} CROSS JOIN {other_sql}", both
    on = (
        condition(join.args["on"], both)
        if join.args.get("on")
        else " AND ".join(f"{left.sql} = {right.sql}" for left, right in pairs)
    )
    if not on:
        raise QueryError("JOIN wants ON or USING, or columns that both tables have for NATURAL")
    return f"{sql} {side or 'INNER'} JOIN {other_sql} ON {on}", both


def _shared(scope, other, join, method):
    """Tests for the names of the columns that make the join."""
    if method:
        theirs = {column.name for column in other.star()}
        ours = dict.fromkeys(column.name for column in scope.star())
        return [partial(str.__eq__, name) for name in ours if name in theirs]
    return [partial(is_same, identifier) for identifier in join.args.get("using") or ()]


def _merged(left, right, side):
    """The one column that USING makes of two."""
    if side == "FULL":
        return replace(left, sql=f"coalesce({left.sql}, {right.sql})")
    return right if side == "RIGHT" else left
