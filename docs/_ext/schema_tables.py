"""Directives that write the reference from the code, so that it cannot drift.

``schema-columns`` and ``schema-endpoints`` take the name of a schema module, ``schema-catalogs`` that of one which has
catalogues and units, ``error-tree`` the name of a root class, ``migration`` the name of a section of the table of old
and new methods, ``bibtex``, ``command-line``, ``period-methods`` and ``period-options`` nothing.
"""

import argparse
import importlib
import inspect
import re
from functools import partial

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.util.nodes import nested_parse_with_titles

from alerce_zvar import __citation__, __main__, errors
from alerce_zvar.alerce import migration
from alerce_zvar.period import get_method, list_methods

_LINE = 66  # characters of help that fit beside both side bars


def list_table(title, header, rows, widths):
    """Lines of a ``list-table``; cells are reStructuredText, widths percentages."""
    yield from (f".. list-table:: {title}", "   :header-rows: 1", "   :class: reference", f"   :widths: {widths}", "")
    for row in (header, *rows):
        for i, cell in enumerate(row):
            yield f"   {'* -' if i == 0 else '  -'} {cell}"
    yield ""


def _sentences(description, notes):
    """A description and its notes; a bare asterisk is one, and opens no emphasis."""
    rules = "; ".join(notes)
    text = [description.rstrip("."), rules[:1].upper() + rules[1:]]
    return re.sub(r"(?<!`)\*(?!`)", r"\\*", ". ".join(part for part in text if part)) + "."


def _unit(unit):
    return "" if unit is None else f"``{unit}``"


def _column_notes(column):
    if column.nullable:
        yield "may be masked"
    if not column.required:
        yield "may be absent"
    if column.sentinels:
        yield f"{', '.join(value if isinstance(value, str) else f'{value:g}' for value in column.sentinels)} is masked"
    if column.time:
        yield f"`~astropy.time.Time`, {' '.join(column.time)}"
    if column.codes:
        yield ", ".join(f"{code} is {word}" for code, word in column.codes.items())


def column_rows(schema):
    """One row per column of a table."""
    for column in schema.columns:
        text = _sentences(column.description, _column_notes(column))
        kind = "time" if column.time else column.dtype
        yield (f"``{column.name}``", f"``{column.wire}``", kind, _unit(column.unit), f"``{column.ucd}``", text)


def columns(module):
    """Lines for all tables of a schema module."""
    for schema in module.TABLES:
        yield from (schema.name, "^" * len(schema.name), "", schema.description, "")
        header = ("column", "on the wire", "type", "unit", "UCD", "meaning")
        yield from list_table(f"``{schema.name}``", header, column_rows(schema), "15 15 9 8 21 32")


def _param_limits(param):
    if param.choices:
        yield "one of " + ", ".join(f"``{choice}``" for choice in param.choices)
    if param.minimum is not None:
        yield f"at least {param.minimum:g}"
    if param.maximum is not None:
        yield f"at most {param.maximum:g}"
    if param.many > 1:
        yield f"up to {param.many} in a request"
    if param.required:
        yield "required"


def param_rows(endpoint):
    """One row per parameter of an endpoint."""
    for param in endpoint.params:
        text = _sentences(param.description, _param_limits(param))
        yield (
            f"``{param.name}``",
            f"``{param.wire}``",
            param.kind,
            _unit(param.unit),
            text,
        )


def endpoints(module):
    """Lines for all endpoints of a schema module."""
    for endpoint in (*module.ENDPOINTS, *getattr(module, "V2_ENDPOINTS", ())):
        yield from (endpoint.name, "^" * len(endpoint.name), "", f"``{endpoint.method} {endpoint.path}``", "")
        login = " It needs a login." if endpoint.private else ""
        answer = f" A row of the answer is one of ``{endpoint.answer.name}``." if endpoint.answer else ""
        yield from (f"{endpoint.description}{answer}{login}", "")
        if endpoint.params:
            header = ("parameter", "on the wire", "kind", "unit", "meaning")
            yield from list_table(f"Parameters of ``{endpoint.name}``", header, param_rows(endpoint), "20 18 10 9 43")


def catalogs(module):
    """Lines for the catalogues of a schema module, and for the units that it knows by other names than astropy."""
    rows = [
        (
            f"``{c.name}``",
            f"``{c.answer}``",
            f"{c.radius:g}",
            f"``{c.ra}, {c.dec}``",
            "" if c.documented else "only seen in use",
        )
        for c in module.CATALOGS
    ]
    header = ("in requests", "in answers", "radius [arcsec]", "position", "note")
    yield from list_table("Catalogues", header, rows, "22 22 18 22 16")
    units = [
        (f"``{text}``", "none" if unit is None else _unit(unit)) for text, unit in module.UNITS.items() if text.strip()
    ]
    yield from list_table("Units", ("on the wire", "unit"), units, "50 50")


def error_rows(base):
    """One row per class below `base`, parents first."""
    classes = [getattr(errors, name) for name in errors.__all__ if inspect.isclass(getattr(errors, name))]
    for cls in sorted((c for c in classes if issubclass(c, base)), key=lambda c: (len(c.__mro__), c.__name__)):
        parents = ", ".join(f"``{parent.__name__}``" for parent in cls.__bases__)
        yield (f"`~alerce_zvar.errors.{cls.__name__}`", parents, inspect.getdoc(cls).splitlines()[0])


def error_tree(base):
    """Lines of the table of errors, or warnings, that derive from the class of that name."""
    return list_table(f"``{base}``", ("class", "is also", "when"), error_rows(getattr(errors, base)), "30 30 40")


def migration_rows(section):
    """One row per thing of the old client; releases are named where not all have it."""
    for row in migration.SECTIONS[section]:
        releases = f" ({row.releases[0]} only)" if len(row.releases) == 1 and section != "lsst" else ""
        ours = f"``{row.call}``" if section != "exceptions" else f"``{row.gives}``"
        yield (f"``{row.old}``{releases}", ours, row.changed)


def migration_table(section):
    """Lines of the table of one section, whose heading stands in the page."""
    old = "format=" if section == "formats" else "alerce"
    header = (f"``{old}``", "``alerce_zvar``", "what is different")
    return list_table("", header, migration_rows(section), "27 35 38")


def period_methods():
    """Lines of the table of the methods of period search."""
    rows = [
        (f"``{row['name']}``", row["suits"], f"``{row['statistic']}``: {row['meaning']}", row["reference"])
        for row in list_methods()
    ]
    return list_table("", ("method", "suits", "power", "source"), rows, "17 27 32 24")


def period_options():
    """Lines of the table of their options."""
    methods = [get_method(name) for name in list_methods()["name"]]
    rows = [
        (f"``{method.name}``", f"``{option.name}``", f"``{option.default!r}``", option.accepts)
        for method in methods
        for option in method.options
    ]
    rows += [
        (f"``{m.name}``", "``samples_per_peak``", f"``{m.samples_per_peak:g}``", "a number from 1 on") for m in methods
    ]
    return list_table("", ("method", "option", "default", "what it takes"), sorted(rows), "21 21 26 32")


def commands(parser):
    """Name and parser of each command that does something, with those of its own commands."""
    nested = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for choices in nested:
        for command in choices.values():
            yield from commands(command)
    if not nested:
        yield parser.prog, parser


class _Generated(Directive):
    """Parses the lines that `lines` gives as if they stood in the page."""

    required_arguments = 1

    def run(self):
        node = nodes.section(document=self.state.document)
        nested_parse_with_titles(self.state, StringList(list(self.lines()), source=self.name), node)
        return node.children


class SchemaColumns(_Generated):
    def lines(self):
        return columns(importlib.import_module(self.arguments[0]))


class SchemaEndpoints(_Generated):
    def lines(self):
        return endpoints(importlib.import_module(self.arguments[0]))


class SchemaCatalogs(_Generated):
    def lines(self):
        return catalogs(importlib.import_module(self.arguments[0]))


class ErrorTree(_Generated):
    def lines(self):
        return error_tree(self.arguments[0])


class Migration(_Generated):
    def lines(self):
        return migration_table(self.arguments[0])


class BibTeX(Directive):
    def run(self):
        return [nodes.literal_block(__citation__, __citation__, language="bibtex")]


class CommandLine(_Generated):
    required_arguments = 0

    def lines(self):
        for name, parser in commands(__main__._parser()):
            parser.formatter_class = partial(argparse.HelpFormatter, width=_LINE)
            yield from (name, "=" * len(name), "", ".. code-block:: text", "")
            yield from (f"    {line}" for line in parser.format_help().splitlines())
            yield ""


class PeriodMethods(_Generated):
    required_arguments = 0

    def lines(self):
        return period_methods()


class PeriodOptions(_Generated):
    required_arguments = 0

    def lines(self):
        return period_options()


def setup(app):
    app.add_directive("schema-columns", SchemaColumns)
    app.add_directive("schema-endpoints", SchemaEndpoints)
    app.add_directive("schema-catalogs", SchemaCatalogs)
    app.add_directive("error-tree", ErrorTree)
    app.add_directive("migration", Migration)
    app.add_directive("bibtex", BibTeX)
    app.add_directive("command-line", CommandLine)
    app.add_directive("period-methods", PeriodMethods)
    app.add_directive("period-options", PeriodOptions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
