"""Endpoints in the words of OpenAPI 3.1."""

__all__ = ["SECURITY_SCHEMES", "operation"]

SECURITY_SCHEMES = {"login": {"type": "http", "scheme": "basic", "description": "Only where the server has users."}}
_TYPES = {"int": "integer", "float": "number", "quantity": "number", "mjd": "number", "bool": "boolean"}


def operation(endpoint, defaults=None, guarded=False):
    """Parameters, body and login of an endpoint.

    Parameters
    ----------
    endpoint : Endpoint
        From a service's schema.
    defaults : dict, optional
        Values of parameters that are left out, by their names on the wire.
    guarded : bool
        The server has users, so that private endpoints are refused without a login.
    """
    found = {"parameters": [_parameter(p, defaults or {}) for p in endpoint.params if p.where != "body"]}
    if endpoint.private:
        found["security"] = [{"login": []}] if guarded else [{}, {"login": []}]
    properties = {p.wire: _property(p, endpoint, defaults or {}) for p in endpoint.params if p.where == "body"}
    if properties:
        required = [p.wire for p in endpoint.params if p.where == "body" and p.required]
        body = {"type": "object", "properties": properties, "required": required}
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return found


def _parameter(param, defaults):
    return {
        "name": param.wire,
        "in": param.where,
        "required": param.required or param.where == "path",
        "description": _described(param),
        "schema": _schema(param, defaults),
    }


def _property(param, endpoint, defaults):
    found = _schema(param, defaults) | {"description": _described(param)}
    if param.kind == "position":
        found["items"] = _position(endpoint.param("radius"))
    return found


def _described(param):
    return f"{param.description} [{param.unit}]" if param.unit is not None else param.description


def _schema(param, defaults):
    """JSON schema of a value; the limits of those in the query are the client's, the services do not check them."""
    one = {"type": _TYPES.get(param.kind, "string")}
    one |= {"enum": list(param.choices)} if param.choices else {}
    limits = {"minimum": param.minimum, "maximum": param.maximum} if param.where == "body" else {}
    one |= {key: limit for key, limit in limits.items() if limit is not None}
    found = {"type": "array", "items": one, "maxItems": param.many} if param.many > 1 else one
    return found | ({"default": defaults[param.wire]} if param.wire in defaults and param.where != "path" else {})


def _position(radius):
    coordinates = {
        "ra": {"type": "number", "minimum": 0, "maximum": 360, "description": "Right ascension (ICRS) [deg]"},
        "dec": {"type": "number", "minimum": -90, "maximum": 90, "description": "Declination (ICRS) [deg]"},
    }
    name = {"type": "string", "description": "Key of its sources in the answer; a single position needs none."}
    own = _schema(radius, {}) | {"description": "Radius of this cone, where it has one of its own [arcsec]"}
    properties = {"name": name} | coordinates | {"radius": own}
    return {"type": "object", "properties": properties, "required": list(coordinates)}
