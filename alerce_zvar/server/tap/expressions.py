"""Expressions of ADQL into the database's SQL. What has no translator here cannot be said."""

from functools import partial

from sqlglot import exp

from alerce_zvar.server.tap.functions import AGGREGATES, FUNCTIONS, aggregate, call, in_unit, known_functions, number
from alerce_zvar.server.tap.geometry import GEOMETRY, geometry, within
from alerce_zvar.server.tap.scope import Typed, only
from alerce_zvar.server.tap.words import LONGEST_TEXT, QueryError

__all__ = ["condition", "scalar", "translate"]

_COMPARISONS = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_MIRRORED = {exp.GT: exp.LT, exp.GTE: exp.LTE}
# Operators of one rank, which a query may chain a thousand times without any parentheses.
_CHAINS = (
    {exp.And: "AND"},
    {exp.Or: "OR"},
    {exp.Add: "+", exp.Sub: "-"},
    {exp.Mul: "*", exp.Div: "/"},
    {exp.DPipe: "||"},
)
_CHAIN_OF = {operator: chain for chain in _CHAINS for operator in chain}
_TYPES = {
    "BIGINT": ("BIGINT", "int"),
    "CHAR": ("VARCHAR", "text"),
    "DOUBLE": ("DOUBLE", "float"),
    "FLOAT": ("FLOAT", "float"),
    "INT": ("INTEGER", "int"),
    "SMALLINT": ("SMALLINT", "int"),
    "VARCHAR": ("VARCHAR", "text"),
}


def translate(node, scope):
    """An expression.

    Parameters
    ----------
    node : `sqlglot.exp.Expr`
        Its tree.
    scope : Scope
        What names stand for.

    Returns
    -------
    Typed

    Raises
    ------
    QueryError
        Anything that is not part of the language.
    """
    translator = _TRANSLATORS.get(type(node))
    if translator is None:
        raise QueryError(f"{type(node).__name__.upper()} is not supported here")
    found = translator(node, scope)
    scope.context.spend(len(found.sql) + sum(map(len, found.parts)))
    return found


def condition(node, scope):
    """SQL of an expression that must be true or false."""
    found = translate(node, scope)
    if found.kind not in ("bool", "null"):
        raise QueryError("a condition is expected there, such as CONTAINS(...) = 1, not a value")
    return found.sql


def scalar(node, scope):
    """An expression that is no geometry."""
    found = translate(node, scope)
    if found.kind in ("point", "circle"):
        raise QueryError(f"a {found.kind.upper()} can only stand in CONTAINS, INTERSECTS, DISTANCE and the like")
    return found


def _column(node, scope):
    if isinstance(node.this, exp.Star):
        raise QueryError("* can only stand in the list after SELECT, or in COUNT(*)")
    return scope.column(node)


def _literal(node, scope):
    only(node, "this", "is_string")
    text = node.this
    return Typed(scope.context.text(text), "text", longest=len(text)) if node.is_string else number(text)


def _null(node, scope):
    return Typed("NULL", "null")


def _boolean(node, scope):
    return Typed("TRUE" if node.this else "FALSE", "bool")


def _paren(node, scope):
    only(node, "this")
    return translate(node.this, scope)


def _negative(node, scope):
    only(node, "this")
    value = scalar(node.this, scope)
    return Typed(f"(- {value.sql})", value.kind, about=value.about)


def _not(node, scope):
    only(node, "this")
    return Typed(f"(NOT {condition(node.this, scope)})", "bool")


def _chain(node, scope):
    """Operators of one rank, from left to right, however many."""
    chain, links = _CHAIN_OF[type(node)], []
    while type(node) in chain:
        only(node, "this", "expression", "safe", "typed")
        links.append((chain[type(node)], node.expression))
        node = node.this
    logical = exp.And in chain or exp.Or in chain
    found = Typed(condition(node, scope), "bool") if logical else scalar(node, scope)
    sql, kind = [found.sql], found.kind
    for sign, operand in reversed(links):
        value = Typed(condition(operand, scope), "bool") if logical else scalar(operand, scope)
        # In ADQL, as in PostgreSQL, whole numbers divide into a whole number.
        sign = "//" if sign == "/" and kind == value.kind == "int" else sign
        kind = "bool" if logical else "text" if sign == "||" else _numeric(kind, value.kind)
        sql += [sign, value.sql]
    joined = f"({' '.join(sql)})"
    return Typed(_of_bounded_length(joined) if "||" in sql else joined, kind)


def _of_bounded_length(sql):
    """A text that was put together; without a bound a short query could fill any memory."""
    too_long = f"error('a text is longer than {LONGEST_TEXT} characters')"
    return f"list_transform([{sql}], lambda s: CASE WHEN length(s) > {LONGEST_TEXT} THEN {too_long} ELSE s END)[1]"


def _numeric(kind, other):
    if "text" in (kind, other) or "bool" in (kind, other):
        raise QueryError("arithmetic is for numbers only; texts are joined by ||")
    return "float" if "float" in (kind, other) else "int"


def _comparison(node, scope):
    only(node, "this", "expression", "safe")
    left, right, kind = scalar(node.this, scope), scalar(node.expression, scope), type(node)
    truth = _as_condition(kind, left, right) or _as_condition(kind, right, left)
    if truth:
        return Typed(truth, "bool")
    if kind in _MIRRORED and right.parts:
        left, right, kind = right, left, _MIRRORED[kind]
    if left.parts and kind in (exp.LT, exp.LTE):
        return Typed(within(*left.parts, right.sql, sign=_COMPARISONS[kind]), "bool")
    left, right = _alike(left, right)
    return Typed(f"({left.sql} {_COMPARISONS[kind]} {right.sql})", "bool")


def _as_condition(kind, truth, other):
    """``1 = CONTAINS(...)`` and the like are the condition itself, which the database can then look at."""
    if not truth.condition or other.sql not in ("0", "1") or kind not in (exp.EQ, exp.NEQ):
        return ""
    return truth.condition if (other.sql == "1") == (kind is exp.EQ) else f"(NOT {truth.condition})"


def _alike(left, right):
    """A truth value can be compared with the words 'true' and 'false'."""
    if left.kind == "bool" and right.kind == "text":
        right = Typed(f"CAST({right.sql} AS BOOLEAN)", "bool")
    elif right.kind == "bool" and left.kind == "text":
        left = Typed(f"CAST({left.sql} AS BOOLEAN)", "bool")
    return left, right


def _negated(node, sql):
    return Typed(f"(NOT {sql})" if node.args.get("negate") else sql, "bool")


def _like(sign, node, scope, escape=""):
    only(node, "this", "expression", "negate")
    value, pattern = scalar(node.this, scope), scalar(node.expression, scope)
    return _negated(node, f"({value.sql} {sign} {pattern.sql}{escape})")


def _escape(node, scope):
    only(node, "this", "expression")
    inner, sign = node.this, node.expression
    if type(inner) not in _LIKES or not (isinstance(sign, exp.Literal) and sign.is_string and len(sign.this) == 1):
        raise QueryError("ESCAPE wants one character, after LIKE")
    return _like(_LIKES[type(inner)], inner, scope, f" ESCAPE {scope.context.text(sign.this)}")


def _between(node, scope):
    only(node, "this", "low", "high", "negate")
    value, low, high = (scalar(node.args[part], scope).sql for part in ("this", "low", "high"))
    return _negated(node, f"({value} BETWEEN {low} AND {high})")


def _in(node, scope):
    only(node, "this", "expressions", "query", "negate")
    value = scalar(node.this, scope)
    if node.args.get("query") is not None:
        return _negated(node, f"({value.sql} IN {_subquery(node.args['query'], scope).sql})")
    if not node.expressions:
        raise QueryError("IN wants a list of values, or a query")
    values = ", ".join(scalar(item, scope).sql for item in node.expressions)
    return _negated(node, f"({value.sql} IN ({values}))")


def _is(node, scope):
    only(node, "this", "expression", "negate")
    other = node.expression
    if not isinstance(other, exp.Null | exp.Boolean):
        raise QueryError("IS can be followed by NULL, TRUE, FALSE and NOT only")
    return _negated(node, f"({scalar(node.this, scope).sql} IS {translate(other, scope).sql})")


def _exists(node, scope):
    only(node, "this")
    query = node.this.this if isinstance(node.this, exp.Subquery) else node.this
    sql, _ = scope.context.select(query, scope)
    return Typed(f"(EXISTS ({sql}))", "bool")


def _subquery(node, scope):
    """A query that gives one column, in the place of a value or a list of them."""
    only(node, "this")
    sql, columns = scope.context.select(node.this, scope)
    if len(columns) != 1:
        raise QueryError(f"a query in the place of a value must give one column, not {len(columns)}")
    return Typed(f"({sql})", columns[0].kind, about=columns[0].about)


def _case(node, scope):
    only(node, "this", "ifs", "default")
    subject, words, kinds = node.args.get("this"), ["CASE"], []
    if subject is not None:
        words.append(scalar(subject, scope).sql)
    for branch in node.args["ifs"]:
        only(branch, "this", "true")
        when = condition(branch.this, scope) if subject is None else scalar(branch.this, scope).sql
        then = scalar(branch.args["true"], scope)
        words += ["WHEN", when, "THEN", then.sql]
        kinds.append(then.kind)
    if node.args.get("default") is not None:
        otherwise = scalar(node.args["default"], scope)
        words += ["ELSE", otherwise.sql]
        kinds.append(otherwise.kind)
    known = [kind for kind in kinds if kind != "null"]
    return Typed(f"({' '.join([*words, 'END'])})", "float" if "float" in known else (known or ["null"])[0], "case")


def _cast(node, scope):
    only(node, "this", "to")
    target = node.args["to"]
    if not isinstance(target, exp.DataType) or target.this.name not in _TYPES:
        raise QueryError(f"CAST gives {', '.join(sorted(_TYPES))} and DOUBLE PRECISION")
    only(target, "this", "expressions")
    sql_type, kind = _TYPES[target.this.name]
    value = scalar(node.this, scope)
    sql = f"CAST({value.sql} AS {sql_type})"
    if target.expressions:
        sql = f"left({sql}, {_length(target, kind)})"
    return Typed(sql, kind, "cast", about=value.about)


def _length(target, kind):
    length = target.expressions[0].this if len(target.expressions) == 1 else None
    if kind != "text" or not isinstance(length, exp.Literal) or not length.this.isdigit():
        raise QueryError("only CHAR and VARCHAR take a length, a whole number")
    return int(length.this)


def _function(node, scope):
    only(node, "this", "expressions")
    if not isinstance(node.this, str):
        raise QueryError("a function's name stands without quotes")
    name, nodes = node.this.lower(), node.expressions
    if name in GEOMETRY:
        return geometry(name, nodes, partial(translate, scope=scope))
    if name in AGGREGATES:
        return aggregate(name, nodes, partial(scalar, scope=scope))
    if name == "in_unit":
        return in_unit(scalar(nodes[0], scope) if nodes else None, nodes)
    if name not in FUNCTIONS:
        raise QueryError(f"there is no function {node.this[:40]}; there are {known_functions()}, and the geometries")
    return call(name, [scalar(item, scope) for item in nodes])


_LIKES = {exp.Like: "LIKE", exp.ILike: "ILIKE"}
_TRANSLATORS = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.Null: _null,
    exp.Boolean: _boolean,
    exp.Paren: _paren,
    exp.Neg: _negative,
    exp.Not: _not,
    exp.Escape: _escape,
    exp.Between: _between,
    exp.In: _in,
    exp.Is: _is,
    exp.Exists: _exists,
    exp.Subquery: _subquery,
    exp.Case: _case,
    exp.Cast: _cast,
    exp.Anonymous: _function,
    **{operator: partial(_like, sign) for operator, sign in _LIKES.items()},
    **dict.fromkeys(_COMPARISONS, _comparison),
    **dict.fromkeys(_CHAIN_OF, _chain),
}
