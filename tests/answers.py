"""A loopback server that answers by path: what a test needs that the real local server would not do."""

from urllib.parse import parse_qs, unquote, urlsplit

from fault_server import FaultServer, http, json_reply

__all__ = ["Answers", "RefusalError"]


class RefusalError(Exception):
    """Raised by a route to answer with a failure."""

    def __init__(self, status, content):
        super().__init__(status)
        self.status, self.content = status, content


class Answers(FaultServer):
    """Routes are functions of the query (name -> list of texts); bytes or content for JSON comes back.

    Parameters
    ----------
    routes : dict
        Path, or the beginning of one with a star at its end -> function, or content.
    """

    def __init__(self, routes):
        super().__init__(b"")
        self.routes = routes

    def respond(self, request, connection):
        parts = urlsplit(request.split(" ", 2)[1])
        path, query = unquote(parts.path), parse_qs(parts.query)
        connection.sendall(self._reply(path, query))

    def _reply(self, path, query):
        route = self.routes.get(path)
        for start, found in self.routes.items():
            if route is None and start.endswith("*") and path.startswith(start[:-1]):
                route, query = found, query | {"path": [path]}
        if route is None:
            return json_reply({"message": f"no route {path}"}, 404)
        try:
            content = route(query) if callable(route) else route
        except RefusalError as refusal:
            return json_reply(refusal.content, refusal.status)
        return http(content, Content_Type="application/json") if isinstance(content, bytes) else json_reply(content)

    def asked(self, path):
        """Queries that came for a path, in order."""
        found = [urlsplit(request.split(" ", 2)[1]) for request in self.requests]
        return [parse_qs(parts.query) for parts in found if unquote(parts.path) == path]
