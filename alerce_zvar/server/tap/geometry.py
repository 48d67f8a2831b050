"""Positions and circles on the sky in plain arithmetic, right across RA 0 and at the poles.

A circle holds what is no farther from its centre, along a great circle, than its radius. Before that is computed the
declinations are compared, which the database does by ranges: a cone on a large table, or a match of two tables, then
costs little.
"""

from sqlglot import exp

from alerce_zvar.server.tap.functions import check_count
from alerce_zvar.server.tap.scope import Typed
from alerce_zvar.server.tap.words import QueryError

__all__ = ["GEOMETRY", "NOT_SUPPORTED", "geometry", "within"]

_FRAMES = {"", "ICRS", "ICRS GEOCENTER", "ICRS BARYCENTER", "ICRS TOPOCENTER"}
NOT_SUPPORTED = {"area", "box", "centroid", "polygon", "region", "coordsys"}
_LONGEST = 100_000  # characters of SQL; coordinates stand in it several times
_ROUNDING = "1e-9"  # deg, that the comparison of declinations is wider


def geometry(name, nodes, translate):
    """A geometry, or what is asked about geometries.

    Parameters
    ----------
    name : str
        One of `GEOMETRY`.
    nodes : list of Expression
        Trees of its values.
    translate : callable
        Turns a tree into a `Typed`.
    """
    if name in NOT_SUPPORTED:
        raise QueryError(f"{name.upper()} is not supported here; POINT, CIRCLE, CONTAINS, INTERSECTS and DISTANCE are")
    return GEOMETRY[name](_without_frame(name, nodes), translate)


def _without_frame(name, nodes):
    """Values without the optional name of the coordinate system."""
    if name in ("point", "circle") and nodes and isinstance(nodes[0], exp.Literal) and nodes[0].is_string:
        if nodes[0].this.strip().upper() not in _FRAMES:
            raise QueryError(f"{name.upper()}: the coordinate system must be 'ICRS', not '{nodes[0].this:.40}'")
        return nodes[1:]
    return nodes


def _point(nodes, translate):
    check_count("point", nodes, 2, 2)
    _check_constant(nodes[1], "a declination", -90.0, 90.0)
    return _shape("point", [_coordinate(node, translate) for node in nodes])


def _circle(nodes, translate):
    check_count("circle", nodes, 2, 3)
    radius = nodes[-1]
    _check_constant(radius, "a radius", 0.0, 180.0)
    centre = _point(nodes[:2], translate) if len(nodes) == 3 else _wanted(translate(nodes[0]), "point", "CIRCLE")
    return _shape("circle", [*centre.parts, _coordinate(radius, translate)])


def _shape(kind, parts):
    if sum(map(len, parts)) > _LONGEST:
        raise QueryError(f"the coordinates of a {kind.upper()} are too complicated")
    return Typed("", kind, kind, parts=tuple(parts))


def _coordinate(node, translate):
    value = translate(node)
    if value.kind not in ("int", "float", "null"):
        raise QueryError(f"a coordinate or radius must be a number, not of type {value.kind}")
    return value.sql


def _check_constant(node, what, least, most):
    """Refuse a number outside its range, where it is written out."""
    sign = -1.0 if isinstance(node, exp.Neg) else 1.0
    literal = node.this if isinstance(node, exp.Neg) else node
    if not isinstance(literal, exp.Literal) or literal.is_string:
        return
    number = sign * float(literal.this)
    if not least <= number <= most:
        raise QueryError(f"{what} must be from {least:g} to {most:g} degrees, not {number:g}")


def _wanted(value, kind, function):
    if value.kind != kind:
        raise QueryError(f"{function} wants a {kind.upper()} there, not a value of type {value.kind}")
    return value


def _distance(nodes, translate):
    if len(nodes) == 4:
        first, second = _point(nodes[:2], translate), _point(nodes[2:], translate)
    else:
        check_count("distance", nodes, 2, 2)
        first, second = (_wanted(translate(node), "point", "DISTANCE") for node in nodes)
    parts = (*first.parts, *second.parts)
    return Typed(_angle(*parts), "float", "distance", parts=parts)


def _contains(nodes, translate):
    inner, outer = _two_shapes("CONTAINS", nodes, translate)
    _wanted(outer, "circle", "CONTAINS, as second value,")
    if inner.kind == "point":
        return _truth("contains", within(*inner.parts, *outer.parts))
    ra, dec, radius = inner.parts
    return _truth("contains", f"({_angle(ra, dec, *outer.parts[:2])} + {radius} <= {outer.parts[2]})")


def _intersects(nodes, translate):
    first, second = _two_shapes("INTERSECTS", nodes, translate)
    if first.kind == second.kind == "point":
        raise QueryError("INTERSECTS wants at least one CIRCLE")
    if first.kind == "point" or second.kind == "point":
        point, circle = (first, second) if first.kind == "point" else (second, first)
        return _truth("intersects", within(*point.parts, *circle.parts))
    (ra, dec, radius), (other_ra, other_dec, other_radius) = first.parts, second.parts
    return _truth("intersects", within(ra, dec, other_ra, other_dec, f"({radius} + {other_radius})"))


def _two_shapes(name, nodes, translate):
    check_count(name, nodes, 2, 2)
    shapes = [translate(node) for node in nodes]
    for shape in shapes:
        if shape.kind not in ("point", "circle"):
            raise QueryError(f"{name} wants a POINT or CIRCLE, not a value of type {shape.kind}")
    return shapes


def _truth(name, condition):
    return Typed(f"CAST({condition} AS INTEGER)", "int", name, condition=condition)


def _coord(number):
    def coordinate(nodes, translate):
        check_count(f"coord{number}", nodes, 1, 1)
        return Typed(
            _wanted(translate(nodes[0]), "point", f"COORD{number}").parts[number - 1], "float", f"coord{number}"
        )

    return coordinate


GEOMETRY = {
    "point": _point,
    "circle": _circle,
    "contains": _contains,
    "intersects": _intersects,
    "distance": _distance,
    "coord1": _coord(1),
    "coord2": _coord(2),
} | dict.fromkeys(NOT_SUPPORTED)


def within(ra, dec, other_ra, other_dec, radius, sign="<="):
    """SQL that is true where two positions are no farther apart than a radius; all in degrees."""
    band = f"{dec} >= {other_dec} - {radius} - {_ROUNDING} AND {dec} <= {other_dec} + {radius} + {_ROUNDING}"
    return f"({band} AND {_angle(ra, dec, other_ra, other_dec)} {sign} {radius})"


def _angle(ra, dec, other_ra, other_dec):
    """SQL of the angle between two positions [deg], by Vincenty's formula as in astropy; null where one of them is."""
    sin, cos, other_sin, other_cos = (f"{f}(radians({angle}))" for angle in (dec, other_dec) for f in ("sin", "cos"))
    turn = f"radians({ra} - {other_ra})"
    across = f"({other_cos} * sin({turn})) ** 2 + ({cos} * {other_sin} - {sin} * {other_cos} * cos({turn})) ** 2"
    return f"degrees(atan2(sqrt({across}), {sin} * {other_sin} + {cos} * {other_cos} * cos({turn})))"
