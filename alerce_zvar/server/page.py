"""A page for people about what the server answers, made from the OpenAPI document; it needs no script."""

import json
from html import escape
from itertools import groupby

__all__ = ["docs_page"]

_HEAD = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem }}
h3 {{ font-family: ui-monospace, monospace; overflow-wrap: anywhere; margin: 2rem 0 0 }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid #8884 }}
</style>
<h1>{title}</h1>
<p>{description} For programs: <a href="openapi.json">openapi.json</a>.</p>
"""
_COLUMNS = ("name", "where", "type", "default", "limits", "meaning")


def docs_page(specification):
    """HTML of all routes, their parameters, defaults and limits.

    Parameters
    ----------
    specification : dict
        OpenAPI document.
    """
    head = _HEAD.format(**{key: escape(specification["info"][key]) for key in ("title", "description")})
    operations = [
        (operation["tags"][0], method, path, operation)
        for path, methods in specification["paths"].items()
        for method, operation in methods.items()
    ]
    parts = [head]
    for tag, members in groupby(operations, key=lambda one: one[0]):
        parts += [f"<h2>{escape(tag)}</h2>\n", *(_section(*member[1:]) for member in members)]
    return "".join(parts)


def _section(method, path, operation):
    security = operation.get("security", [{}])
    login = "" if security == [{}] else " May need a login." if {} in security else " Needs a login."
    rows = [_row(p["name"], p["in"], p["schema"], p["description"], p["required"]) for p in operation["parameters"]]
    body = operation.get("requestBody", {"content": {"application/json": {"schema": {"properties": {}}}}})
    schema = body["content"]["application/json"]["schema"]
    rows += _body_rows(schema, "")
    return f"<h3>{escape(method.upper())} {escape(path)}</h3>\n<p>{escape(operation['summary'])}{login}</p>\n" + (
        f"<table>\n{_line('th', _COLUMNS)}{''.join(rows)}</table>\n" if rows else ""
    )


def _body_rows(schema, prefix):
    """One row for each value of a JSON object, and of the objects in its lists."""
    rows = []
    for name, one in schema["properties"].items():
        rows.append(_row(prefix + name, "body", one, one["description"], name in schema["required"]))
        if "properties" in one.get("items", {}):
            rows += _body_rows(one["items"], f"{prefix}{name}[].")
    return rows


def _row(name, where, schema, description, required):
    one = schema.get("items", schema)
    kind = f"list of {one['type']}" if one is not schema else one["type"]
    default = schema.get("default", "required" if required else "")
    default = ", ".join(default) if isinstance(default, list | tuple) else default
    return _line(
        "td",
        (
            name,
            where,
            kind,
            default if isinstance(default, str) else json.dumps(default),
            _limits(schema, one),
            description,
        ),
    )


def _limits(schema, one):
    words = [f"at most {schema['maxItems']} values"] if "maxItems" in schema else []
    words += [f"from {one['minimum']:g}"] if "minimum" in one else []
    words += [f"to {one['maximum']:g}"] if "maximum" in one else []
    words += ["one of " + ", ".join(map(str, one["enum"]))] if "enum" in one else []
    return "; ".join(words)


def _line(cell, texts):
    return "<tr>" + "".join(f"<{cell}>{escape(text)}</{cell}>" for text in texts) + "</tr>\n"
