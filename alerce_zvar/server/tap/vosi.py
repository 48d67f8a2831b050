"""What the service says of itself in XML: tables, capabilities, availability (IVOA, VOSI 1.1 and TAPRegExt 1.0)."""

from alerce_zvar.server.tap.answer import DEFAULT_ROWS, FORMATS, MOST_ROWS
from alerce_zvar.server.tap.functions import AGGREGATES, FUNCTIONS
from alerce_zvar.server.tap.geometry import GEOMETRY, NOT_SUPPORTED
from alerce_zvar.server.tap.relations import DESCRIPTIONS
from alerce_zvar.server.tap.uploads import MOST_ROWS as MOST_UPLOADED
from alerce_zvar.votable import xml_attribute, xml_text

__all__ = ["availability", "capabilities", "one_table", "tableset"]

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SCHEMAS = (
    'xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0" xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
_CAPABILITIES = (
    'xmlns:vosi="http://www.ivoa.net/xml/VOSICapabilities/v1.0" xmlns:vr="http://www.ivoa.net/xml/VOResource/v1.0" '
    'xmlns:vs="http://www.ivoa.net/xml/VODataService/v1.1" xmlns:tr="http://www.ivoa.net/xml/TAPRegExt/v1.0" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
_VOSI = {"tables": "#tables-1.1", "capabilities": "#capabilities", "availability": "#availability"}


def tableset(tables, with_columns):
    """Document of all tables, by schema."""
    schemas = {}
    for table in tables:
        schemas.setdefault(table.name.partition(".")[0], []).append(table)
    parts = [
        f"<schema>{_element('name', name)}{_element('description', DESCRIPTIONS[name])}"
        f"{''.join(_table(table, with_columns) for table in members)}</schema>"
        for name, members in schemas.items()
    ]
    return f"{_XML}<vosi:tableset {_SCHEMAS}>{''.join(parts)}</vosi:tableset>"


def one_table(table):
    """Document of one table."""
    return f"{_XML}<vosi:table {_SCHEMAS}>{_content(table, True)}</vosi:table>"


def _table(table, with_columns):
    return f"<table>{_content(table, with_columns)}</table>\n"


def _content(table, with_columns):
    columns = "".join(map(_column, table.columns)) if with_columns else ""
    return f"{_element('name', table.name)}{_element('description', table.description)}{columns}"


def _column(column):
    parts = {"description": column.description, "unit": column.unit, "ucd": column.ucd}
    elements = "".join(_element(name, text) for name, text in parts.items() if text)
    size = ' arraysize="*"' if column.datatype == "char" else ""
    flags = "".join(_element("flag", flag) for flag in ("indexed", "principal") if getattr(column, flag))
    return (
        f"<column>{_element('name', column.name)}{elements}"
        f'<dataType xsi:type="vs:VOTableType"{size}>{column.datatype}</dataType>{flags}</column>'
    )


def _element(name, text):
    return f"<{name}>{xml_text(text)}</{name}>"


def capabilities(url):
    """Document of what the service at an address can do."""
    own = [
        f'<capability standardID="ivo://ivoa.net/std/VOSI{mark}">{_interface(f"{url}/{name}", "full")}</capability>'
        for name, mark in _VOSI.items()
    ]
    tap = f'<capability standardID="ivo://ivoa.net/std/TAP" xsi:type="tr:TableAccess">{_interface(url, "base", "1.1")}'
    inside = [tap, _language(), *_formats(), '<uploadMethod ivo-id="ivo://ivoa.net/std/TAPRegExt#upload-inline"/>']
    inside.append(_limit("outputLimit", f'<default unit="row">{DEFAULT_ROWS}</default>', MOST_ROWS))
    inside.append(_limit("uploadLimit", "", MOST_UPLOADED))
    return f"{_XML}<vosi:capabilities {_CAPABILITIES}>{''.join(own + inside)}</capability></vosi:capabilities>"


def _limit(name, default, hard):
    return f'<{name}>{default}<hard unit="row">{hard}</hard></{name}>'


def _interface(url, use, version=""):
    version = f' version="{version}"' if version else ""
    return (
        f'<interface xsi:type="vs:ParamHTTP" role="std"{version}><accessURL use="{use}">{xml_text(url)}</accessURL>'
        "</interface>"
    )


def _language():
    shapes = [name for name in GEOMETRY if name not in NOT_SUPPORTED]
    features = {"ivo://ivoa.net/std/TAPRegExt#features-adqlgeo": sorted(map(str.upper, shapes))}
    features["ivo://ivoa.net/std/TAPRegExt#features-adql-string"] = ["LOWER", "UPPER", "ILIKE"]
    features["ivo://ivoa.net/std/TAPRegExt#features-adql-sets"] = ["UNION", "EXCEPT", "INTERSECT"]
    features["ivo://ivoa.net/std/TAPRegExt#features-adql-type"] = ["CAST"]
    features["ivo://ivoa.net/std/TAPRegExt#features-adql-unit"] = ["IN_UNIT"]
    features["ivo://ivoa.net/std/TAPRegExt#features-adql-offset"] = ["OFFSET"]
    listed = "".join(
        f"<languageFeatures type={xml_attribute(kind)}>"
        + "".join(f"<feature>{_element('form', form)}</feature>" for form in forms)
        + "</languageFeatures>"
        for kind, forms in features.items()
    )
    functions = ", ".join(sorted(name.upper() for name in (*FUNCTIONS, *AGGREGATES)))
    return (
        '<language><name>ADQL</name><version ivo-id="ivo://ivoa.net/std/ADQL#v2.1">2.1</version>'
        f"{_element('description', f'Without WITH. Functions: {functions}.')}{listed}</language>"
    )


def _formats():
    aliases = {}
    for alias, known in FORMATS.items():
        aliases.setdefault(known, []).append(alias)
    return [
        f"<outputFormat>{_element('mime', mime)}{''.join(_element('alias', name) for name in names)}</outputFormat>"
        for (_, mime), names in aliases.items()
    ]


def availability():
    """Document that says that the service is there."""
    name = 'xmlns:vosi="http://www.ivoa.net/xml/VOSIAvailability/v1.0"'
    return f"{_XML}<vosi:availability {name}><vosi:available>true</vosi:available></vosi:availability>"
