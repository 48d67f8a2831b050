"""HTTP Basic logins: who may ask. Passwords are kept as scrypt hashes only."""

import base64
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from alerce_zvar.server.replies import RefusalError

__all__ = ["Users", "hash_password"]

_COST = {"n": 2**14, "r": 8, "p": 1}  # RFC 7914's interactive parameters: 16 MiB and some 40 ms a try
_SALT_BYTES = 16
_SCHEME = "scrypt"


def hash_password(password):
    """Text ``scrypt$<salt>$<hash>`` that stands for a password in a file of users."""
    return _hash(password, secrets.token_bytes(_SALT_BYTES))


def _hash(password, salt):
    digest = hashlib.scrypt(password.encode(), salt=salt, **_COST)
    return "$".join([_SCHEME, base64.b64encode(salt).decode(), base64.b64encode(digest).decode()])


def _matches(password, entry):
    salt = base64.b64decode(entry.split("$")[1])
    return hmac.compare_digest(_hash(password, salt), entry)


def _is_entry(text):
    scheme, *parts = text.split("$")
    try:
        return scheme == _SCHEME and [len(base64.b64decode(part, validate=True)) for part in parts] == [_SALT_BYTES, 64]
    except ValueError:  # not base64, or not even ASCII
        return False


class Users:
    """Names and hashed passwords; checks the ``Authorization`` header of requests.

    Parameters
    ----------
    users : dict, str or path-like
        Name -> password or ``scrypt$...`` entry of `hash_password`; or a JSON file of names and entries.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        A name or entry, or the file, cannot be used; the message holds no password.
    """

    def __init__(self, users):
        entries = _read(users) if isinstance(users, (str, os.PathLike)) else dict(users)
        for name, entry in entries.items():
            if not (isinstance(name, str) and name and ":" not in name and isinstance(entry, str) and entry):
                raise ValueError("users: a name must be text without ':', and a password must be text and not empty.")
        self._entries = {name: entry if _is_entry(entry) else hash_password(entry) for name, entry in entries.items()}
        self._nobody = hash_password(secrets.token_urlsafe())
        self._key = secrets.token_bytes(32)
        self._verified = {}

    def __repr__(self):
        return f"<Users: {len(self._entries)} names, passwords hashed>"

    def check(self, header):
        """Name of the user that an ``Authorization`` header proves.

        Raises
        ------
        RefusalError
            401; the login is missing or wrong.
        """
        name, password = _parse(header)
        # What has been proved once is remembered by a keyed digest that is of no use outside this process.
        proof = hmac.digest(self._key, f"{name}:{password}".encode(), "sha256")
        if not hmac.compare_digest(self._verified.get(name, b""), proof):
            known = _matches(password, self._entries.get(name, self._nobody))
            if not known or name not in self._entries:
                raise _unauthorised("Incorrect username or password")
            self._verified[name] = proof
        return name


def _read(path):
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as exc:
        raise ValueError(f"users: {path} is not a JSON file in UTF-8: {exc}") from None
    if not isinstance(entries, dict) or not all(
        isinstance(entry, str) and _is_entry(entry) for entry in entries.values()
    ):
        raise ValueError(
            f"users: {path} must be a JSON object of names and 'scrypt$...' entries made by hash_password."
        )
    return entries


def _parse(header):
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        raise _unauthorised("Not authenticated")
    try:
        name, colon, password = _decoded(base64.b64decode(encoded, validate=True)).partition(":")
    except ValueError:  # not base64, or not even ASCII
        raise _unauthorised("Invalid authentication credentials") from None
    if not colon:
        raise _unauthorised("Invalid authentication credentials")
    return name, password


def _decoded(login):
    """Text in UTF-8, or in what older clients send (RFC 7617 leaves it open)."""
    try:
        return login.decode()
    except UnicodeDecodeError:
        return login.decode("latin-1")


def _unauthorised(detail):
    return RefusalError(401, {"detail": detail}, headers={"WWW-Authenticate": 'Basic realm="zvar"'})
