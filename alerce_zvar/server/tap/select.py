"""Queries of ADQL into the database's SQL, with what is known of their columns."""

from collections import Counter
from dataclasses import replace

from sqlglot import exp

from alerce_zvar.server.tap.expressions import condition, scalar
from alerce_zvar.server.tap.scope import Context, Scope, only, owner_of, quoted
from alerce_zvar.server.tap.sources import from_clause
from alerce_zvar.server.tap.words import QueryError, is_same, name_of, parse

__all__ = ["allowed_rows", "translated"]

_SETS = {exp.Union: "UNION", exp.Except: "EXCEPT", exp.Intersect: "INTERSECT"}
_MOST_SELECTS = 200
_MOST_JOINS = 50  # of more the database plans the order for minutes, and hears nothing meanwhile
_DIGITS = 18  # of a count
_MOST_VALUES = 50_000_000  # of an answer
_TEXT = 8  # of them that a short text counts as


def translated(text, tables, rows):
    """SQL of one query in ADQL.

    Parameters
    ----------
    text : str
        ADQL.
    tables : callable
        Names -> (SQL of a relation, its TapColumns); raises `QueryError` for a table that is not known.
    rows : int
        Most rows that are wanted. One more comes than `allowed_rows`, where there are more.

    Returns
    -------
    sql : str
        One SELECT.
    parameters : dict
        Name -> text.
    columns : list of Typed
        Of the answer, in order. ``name`` is that of the answer, different for each, ``sql`` that of the database.

    Raises
    ------
    QueryError
        Anything that is not part of the language, or not known.
    """
    tree = parse(text)
    kinds = Counter(map(type, tree.walk()))
    if kinds[exp.Select] > _MOST_SELECTS or kinds[exp.Join] > _MOST_JOINS:
        raise QueryError(f"the query has more than {_MOST_SELECTS} SELECTs or {_MOST_JOINS} joins")
    context = Context(tables, _query)
    try:
        sql, columns = _query(tree, Scope(context), int(rows))
    except RecursionError:
        raise QueryError("the query is nested too deeply") from None
    parameters = {name: value for value, name in context.parameters.items()}
    return sql, parameters, _all_different(columns)


def allowed_rows(rows, columns):
    """How many of the rows that are wanted an answer with these columns may have."""
    return min(rows, _MOST_VALUES // sum(map(_weight, columns)))


def _weight(column):
    """How many numbers a value counts as."""
    if column.kind == "text":
        return max(_TEXT, column.longest // 8)
    return _TEXT if column.kind == "null" else 1


def _all_different(columns):
    """Names that come twice get a number."""
    seen, found = set(), []
    for column in columns:
        name, number = column.name, 1
        while name in seen:
            number += 1
            name = f"{column.name}_{number}"
        seen.add(name)
        found.append(replace(column, name=name))
    return found


def _query(node, outer, most=None):
    """SQL of a SELECT, of several, or of one in parentheses, and its columns; ``sql`` of those is their name there."""
    if isinstance(node, exp.Select):
        return _select(node, outer, most)
    if isinstance(node, exp.Subquery):
        only(node, "this", "order", "limit", "offset")
        sql, columns = _query(node.this, outer)
    elif type(node) in _SETS:
        sql, columns = _set(node, outer)
    else:
        raise QueryError("only SELECT is answered; the tables cannot be changed")
    tail = _tail(node, Scope(outer.context), columns, most)
    return f"SELECT * FROM ({sql}) AS {outer.context.new('part')}{tail}", columns


def _set(node, outer):
    """Both sides of UNION and the like, however many; the columns are called as those of the first."""
    chain = [node]
    only(node, "this", "expression", "distinct", "order", "limit", "offset")
    while type(chain[-1].this) in _SETS:
        chain.append(chain[-1].this)
        only(chain[-1], "this", "expression", "distinct")
    sql, columns = _query(chain[-1].this, outer)
    sql = f"({sql})"
    for link in reversed(chain):
        word = _SETS[type(link)]
        other_sql, others = _query(link.expression, outer)
        if len(others) != len(columns):
            raise QueryError(f"{word} of queries with {len(columns)} and {len(others)} columns")
        sql = f"({sql} {word}{'' if link.args.get('distinct') else ' ALL'} ({other_sql}))"
        columns = [_either(one, two) for one, two in zip(columns, others, strict=True)]
    return sql, columns


def _either(one, two):
    """Column that holds values of both."""
    kinds = {one.kind, two.kind}
    kind = "float" if kinds == {"int", "float"} else two.kind if one.kind == "null" else one.kind
    return replace(one, kind="text" if "text" in kinds else kind, longest=max(one.longest, two.longest))


def _select(node, outer, most=None):
    only(node, "expressions", "distinct", "from", "joins", "where", "group", "having", "order", "limit", "offset")
    source = node.args.get("from_", node.args.get("from"))
    if source is None:
        raise QueryError("FROM is missing")
    sql, scope = from_clause(source.this, node.args.get("joins") or (), outer)
    listed = [item for tree in node.expressions for item in _listed(tree, scope)]
    named = [replace(item, sql=quoted(outer.context.new("c"))) for item in listed]
    words = ["SELECT"]
    if node.args.get("distinct"):
        only(node.args["distinct"])
        words.append("DISTINCT")
    words.append(", ".join(f"{item.sql} AS {column.sql}" for item, column in zip(listed, named, strict=True)))
    words += ["FROM", sql, *_conditions(node, scope)]
    return " ".join(words) + _tail(node, scope, named, most), named


def _conditions(node, scope):
    words = []
    if node.args.get("where"):
        words += ["WHERE", condition(node.args["where"].this, scope)]
    if node.args.get("group"):
        group = node.args["group"]
        only(group, "expressions")
        words += ["GROUP BY", ", ".join(_grouped(tree, scope) for tree in group.expressions)]
    if node.args.get("having"):
        words += ["HAVING", condition(node.args["having"].this, scope)]
    return words


def _grouped(tree, scope):
    if isinstance(tree, exp.Literal):
        raise QueryError("GROUP BY wants columns")
    return scalar(tree, scope).sql


def _listed(tree, scope):
    """Columns that one item of the list after SELECT gives."""
    if isinstance(tree, exp.Star):
        only(tree)
        return scope.star()
    if isinstance(tree, exp.Column) and isinstance(tree.this, exp.Star):
        only(tree, "this", "table", "db")
        only(tree.this)
        return scope.star(owner_of(tree))
    name = ""
    if isinstance(tree, exp.Alias):
        only(tree, "this", "alias")
        name, tree = name_of(tree.args["alias"]), tree.this
    found = scalar(tree, scope)
    return [replace(found, name=name or found.name or "col", condition="", parts=())]


def _tail(node, scope, columns, most=None):
    """ORDER BY, TOP and OFFSET; no more rows than `most` come."""
    sql = ""
    order = node.args.get("order")
    if order:
        only(order, "expressions")
        sql += " ORDER BY " + ", ".join(_ordered(item, scope, columns) for item in order.expressions)
    counts = [allowed_rows(most, columns) + 1] if most is not None else []
    counts += [_count(node.args["limit"])] if node.args.get("limit") else []
    sql += f" LIMIT {min(counts)}" if counts else ""
    return sql + (f" OFFSET {_count(node.args['offset'])}" if node.args.get("offset") else "")


def _ordered(node, scope, columns):
    """A column of the answer by name or number, or an expression; null is the largest value, as in PostgreSQL."""
    only(node, "this", "desc", "nulls_first")
    tree, own = node.this, []
    if isinstance(tree, exp.Column) and not tree.args.get("table") and isinstance(tree.this, exp.Identifier):
        own = [column for column in columns if is_same(tree.this, column.name)]
    if isinstance(tree, exp.Literal):
        if tree.is_string or not tree.this.isdigit() or not 1 <= int(tree.this) <= len(columns):
            raise QueryError(f"ORDER BY {tree.this:.40}: the answer has columns 1 to {len(columns)}")
        own = [columns[int(tree.this) - 1]]
    sql = own[0].sql if own else scalar(tree, scope).sql
    nulls = "FIRST" if node.args.get("nulls_first") else "LAST"
    return f"{sql} {'DESC' if node.args.get('desc') else 'ASC'} NULLS {nulls}"


def _count(clause):
    only(clause, "expression")
    tree = clause.expression
    tree = tree.this if isinstance(tree, exp.Paren) else tree
    if not isinstance(tree, exp.Literal) or tree.is_string or not tree.this.isdigit() or len(tree.this) > _DIGITS:
        raise QueryError("TOP and OFFSET want a whole number")
    return int(tree.this)
