"""The words in which ZVAR's tables and parameters are written down."""

from functools import partial

from alerce_zvar.wire.spec import Column, Param

__all__ = ["column", "null", "param"]


def column(name, wire, dtype, unit, ucd, description, **rules):
    """A `Column`, its usual parts by position."""
    return Column(name=name, wire=wire, dtype=dtype, unit=unit, ucd=ucd, description=description, **rules)


null = partial(column, nullable=True)


def param(name, kind, description, **rules):
    """A `Param` in the body of a request, whose name on the wire is the same unless said otherwise."""
    return Param(**{"name": name, "wire": name, "kind": kind, "description": description, "where": "body"} | rules)
