"""Credentials: a user name and a password that show themselves to nobody."""

import base64
import logging

__all__ = ["Credentials"]

log = logging.getLogger("alerce_zvar")


class Credentials:
    """A user name and a password that show themselves to nobody: not in repr, not in a pickle."""

    __slots__ = ("_password", "username")

    def __init__(self, username, password):
        self.username = username
        self._password = password

    def __repr__(self):
        return f"<Credentials of {self.username!r}>"

    def __reduce__(self):
        raise TypeError("credentials are not pickled or copied; log in again where they are needed")

    @classmethod
    def from_keyring(cls, name, username):
        """Credentials that the system's keyring holds for a user, or None."""
        import keyring

        try:
            password = keyring.get_password(name, username)
        except Exception as exc:  # backends raise whatever they like, and a login may come from elsewhere
            log.debug("no keyring: %s", type(exc).__name__)
            return None
        return None if password is None else cls(username, password)

    def _token(self):
        return base64.b64encode(f"{self.username}:{self._password}".encode()).decode()

    def sign(self, request):
        """Put HTTP Basic authentication into a prepared request."""
        request.headers["Authorization"] = f"Basic {self._token()}"

    def hide(self, text):
        """Text without the password and without the header made of it, in case a server repeats them."""
        text = text.replace(self._token(), "<hidden>")
        return text.replace(self._password, "<hidden>") if self._password else text

    def store(self, name):
        """Keep them in the system's keyring; a warning in the log where there is none."""
        import keyring

        try:
            keyring.set_password(name, self.username, self._password)
        except Exception as exc:
            log.warning("The password was not stored, the keyring failed: %s", type(exc).__name__)
