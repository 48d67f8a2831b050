"""The services' endpoints answered from a local archive over HTTP: `serve` in a program, `run` for a command."""

from alerce_zvar.server.auth import Users, hash_password
from alerce_zvar.server.run import create_app, run, serve

__all__ = ["Users", "create_app", "hash_password", "run", "serve"]
