"""Functions of ADQL by name: how many values they take, what they give, and the database's word for them."""

from dataclasses import dataclass

from astropy import units as u
from sqlglot import exp

from alerce_zvar.server.tap.scope import Typed, only
from alerce_zvar.server.tap.words import QueryError

__all__ = ["AGGREGATES", "FUNCTIONS", "call", "known_functions", "number"]


@dataclass(frozen=True)
class _Function:
    """``sql`` with places for the values; ``kind`` of the result, or "same" as the first value that has one."""

    sql: str
    kind: str = "float"
    least: int = 1
    most: int = 1


def _of(name, kind="float", count=1):
    return _Function(f"{name}({', '.join(['{}'] * count)})", kind, count, count)


FUNCTIONS = {
    **{name: _of(name) for name in ("acos", "asin", "atan", "cos", "cot", "sin", "tan")},
    **{name: _of(name) for name in ("degrees", "exp", "log10", "radians", "sqrt")},
    "abs": _of("abs", "same"),
    "atan2": _of("atan2", count=2),
    "ceiling": _Function("ceil(CAST({0} AS DOUBLE))"),
    "coalesce": _Function("coalesce({all})", "same", 1, 100),
    "floor": _Function("floor(CAST({0} AS DOUBLE))"),
    "log": _of("ln"),
    "lower": _of("lower", "text"),
    "mod": _of("mod", "same", 2),
    "pi": _of("pi", count=0),
    "power": _Function("power(CAST({0} AS DOUBLE), {1})", "float", 2, 2),
    "rand": _Function("random()", "float", 0, 1),
    "round": _Function("round(CAST({0} AS DOUBLE), {1})", "float", 1, 2),
    "truncate": _Function("trunc(CAST({0} AS DOUBLE) * power(10e0, {1})) / power(10e0, {1})", "float", 1, 2),
    "upper": _of("upper", "text"),
}
AGGREGATES = {"avg": "float", "count": "int", "max": "same", "min": "same", "sum": "same"}
_DIGITS = {"round", "truncate"}  # their second value may be left out


def known_functions():
    """Names for an error that lists them."""
    return ", ".join(sorted(name.upper() for name in (*FUNCTIONS, *AGGREGATES, "cast", "in_unit")))


def call(name, given):
    """A function of values that are translated already.

    Parameters
    ----------
    name : str
        In lower case.
    given : list of Typed
        The values.
    """
    function = FUNCTIONS[name]
    check_count(name, given, function.least, function.most)
    for value in given:
        if value.kind in ("point", "circle"):
            raise QueryError(f"{name.upper()} takes no geometry")
    values = [value.sql for value in given]
    if name in _DIGITS and len(values) == 1:
        values.append("0")
    sql = function.sql.format(*values, all=", ".join(values))
    return Typed(f"({sql})", _kind(function.kind, given), name, about=_about(name, given))


def aggregate(name, nodes, translate):
    """COUNT(*), or an aggregate of all or all different values."""
    if len(nodes) != 1:
        raise QueryError(f"{name.upper()} takes one value")
    (node,) = nodes
    if isinstance(node, exp.Star):
        only(node)
        if name != "count":
            raise QueryError(f"{name.upper()}(*) is not possible")
        return Typed("count(*)", "int", name)
    different = isinstance(node, exp.Distinct)
    if different:
        only(node, "expressions")
        if len(node.expressions) != 1:
            raise QueryError(f"{name.upper()}(DISTINCT ...) takes one value")
        node = node.expressions[0]
    value = translate(node)
    sql = f"{name}({'DISTINCT ' if different else ''}{value.sql})"
    kind = _kind(AGGREGATES[name], [value])
    if name == "sum" and kind == "int":
        sql = f"CAST({sql} AS BIGINT)"  # the database would go on to 128 bits, which no VOTable holds
    about = None if name == "count" else value.about
    return Typed(f"({sql})", kind, name, about=about)


def in_unit(given, nodes):
    """A column in another unit."""
    check_count("in_unit", nodes, 2, 2)
    if not (isinstance(nodes[1], exp.Literal) and nodes[1].is_string):
        raise QueryError("IN_UNIT: the unit must be a text such as 'arcsec'")
    value, unit = given, nodes[1].this
    try:
        factor = u.Unit(value.about.unit if value.about else "").to(u.Unit(unit))
    except (u.UnitsError, ValueError, TypeError) as exc:
        raise QueryError(f"IN_UNIT: {' '.join(str(exc).split()):.200}") from None
    return Typed(f"({value.sql} * CAST('{float(factor)!r}' AS DOUBLE))", "float", "in_unit")


def check_count(name, values, least, most):
    """Refuse too few or too many values."""
    if not least <= len(values) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise QueryError(f"{name.upper()} takes {wanted} value{'s' * (most != 1)}, {len(values)} were given")


def _kind(kind, given):
    if kind != "same":
        return kind
    kinds = [value.kind for value in given if value.kind != "null"]
    return "float" if "float" in kinds else kinds[0] if kinds else "null"


def _about(name, given):
    """What is known of a value also holds for its size and its substitute."""
    return given[0].about if name in ("abs", "coalesce", "round", "truncate") and given else None


def number(text):
    """SQL of a number in a query: whole ones as they are, others in double precision."""
    if text.isascii() and text.isdigit() and int(text) < 2**63:
        return Typed(str(int(text)), "int")
    try:
        value = float(text)
    except ValueError:
        raise QueryError(f"{text[:40]} is not a number") from None
    if value in (float("inf"), float("-inf")):
        raise QueryError(f"{text[:40]} is too large a number")
    return Typed(f"CAST('{value!r}' AS DOUBLE)", "float")
