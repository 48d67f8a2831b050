"""Addresses of services: what may be one, and what two of them have in common."""

from urllib.parse import urlsplit

from alerce_zvar.errors import shown

__all__ = ["checked_url", "is_loopback", "origin"]

_PORTS = {"http": 80, "https": 443}


def checked_url(url):
    """Address of a service without a slash at the end.

    Raises
    ------
    ValueError
        Not an http or https address, or one with a login in it, which would travel in clear and stand in every log.
    """
    try:
        parts = urlsplit(url)
        login, complete = parts.username or parts.password, parts.hostname and (parts.port or True)
    except (ValueError, AttributeError, TypeError):
        login, parts, complete = None, None, False
    if login:
        raise ValueError("url must not hold a login; see login() for the ways to give one")
    if not complete or parts.scheme not in _PORTS:
        raise ValueError(f"url must be an address such as https://example.org/api, not {shown(url)}")
    return url.rstrip("/")


def origin(url):
    """Scheme, host and port of an address, as one text that can be compared."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or _PORTS.get(parts.scheme)}"


def is_loopback(url):
    """True if an address is on this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or (host.startswith("127.") and host.replace(".", "").isdigit())
