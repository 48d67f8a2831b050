"""A page for people about what the server answers, made from the OpenAPI document; it needs no script."""

import json
from itertools import groupby

from alerce_zvar.server.pages.render import render

__all__ = ["docs_page"]

_COLUMNS = ("name", "where", "type", "default", "limits", "meaning")


def docs_page(specification):
    """HTML of all routes, their parameters, defaults and limits.

    Parameters
    ----------
    specification : dict
        OpenAPI document.
    """
    operations = [
        (operation["tags"][0], _described(method, path, operation))
        for path, methods in specification["paths"].items()
        for method, operation in methods.items()
    ]
    groups = [
        (tag, [described for _, described in members]) for tag, members in groupby(operations, key=lambda one: one[0])
    ]
    info = specification["info"]
    return render("docs.html", title=info["title"], description=info["description"], groups=groups, columns=_COLUMNS)


def _described(method, path, operation):
    security = operation.get("security", [{}])
    login = "" if security == [{}] else " May need a login." if {} in security else " Needs a login."
    rows = [_row(p["name"], p["in"], p["schema"], p["description"], p["required"]) for p in operation["parameters"]]
    body = operation.get("requestBody", {"content": {"application/json": {"schema": {"properties": {}}}}})
    rows += _body_rows(body["content"]["application/json"]["schema"], "")
    return {"method": method.upper(), "path": path, "summary": operation["summary"], "login": login, "rows": rows}


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
    default = default if isinstance(default, str) else json.dumps(default)
    return name, where, kind, default, _limits(schema, one), description


def _limits(schema, one):
    words = [f"at most {schema['maxItems']} values"] if "maxItems" in schema else []
    words += [f"from {one['minimum']:g}"] if "minimum" in one else []
    words += [f"to {one['maximum']:g}"] if "maximum" in one else []
    words += ["one of " + ", ".join(map(str, one["enum"]))] if "enum" in one else []
    return "; ".join(words)
