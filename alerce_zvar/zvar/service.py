"""ZvarService: where the service is, who asks it, and how lists of ids are asked for; the methods stand on it."""

import getpass
import os
import warnings
from urllib.parse import urlsplit

from astroquery.query import QueryWithLogin

from alerce_zvar.config import conf, local_server
from alerce_zvar.errors import LoginError
from alerce_zvar.wire.address import checked_url, origin
from alerce_zvar.wire.client import Client, Service, chunks, unique_positions
from alerce_zvar.wire.credentials import Credentials
from alerce_zvar.wire.query import as_list, checked
from alerce_zvar.zvar import schema

__all__ = ["IDS", "LEFT_OUT", "ZvarService"]

IDS = """ids : str, int, or any list or Table column of them
    PanSTARRS ids; the service's limit of 1000 a request is kept for you."""
LEFT_OUT = "the service left it out of its answer"


class ZvarService(QueryWithLogin, Service):
    """What the methods of `ZvarClass` share: address, login, client."""

    def __init__(self, *, url=None):
        super().__init__()
        self._url = url
        self._login_given = None
        self._client = Client("ZVAR", schema.ENDPOINTS, self._address, self._credentials)

    def _address(self):
        url = checked_url(self._url or local_server() or conf.zvar_url)
        return url if urlsplit(url).path else url + schema.LOCAL_PREFIX

    def _request(self, query, *, timeout=None):
        """Answer to a `Query` by our transport; astroquery's own way caches and logs the login."""
        return self._client.fetch(query, timeout=timeout)

    def _login(self, *, username=None, store_password=False, reenter_password=False):
        """Log in to ZVAR; access is given by its operators.

        Parameters
        ----------
        username : str, optional
            By default the environment variable ``ZVAR_USERNAME``, else ``conf.zvar_username``.
        store_password : bool
            Keep the password in the system's keyring once the service has accepted it.
        reenter_password : bool
            Ask for the password even if the environment or the keyring has one.

        Raises
        ------
        LoginError
            No user name or no password, or the service refused the login.
        """
        username = username or os.environ.get("ZVAR_USERNAME") or conf.zvar_username
        if not username:
            raise LoginError("Say who you are: pass username=, or set ZVAR_USERNAME or conf.zvar_username.")
        known, stored = None if reenter_password else _from_environment(username), None
        if known is None:
            known, stored = self._ask_password(username, reenter_password)
        previous, self._login_given = self._login_given, known
        try:
            self._request(self._client.query("objects", ids=["0"]))
        except Exception:
            self._login_given = previous
            raise
        if store_password and not stored:
            known.store(self._keyring_name())
        return True

    def _ask_password(self, username, reenter):
        """Credentials from the keyring or the prompt, and whether they came from the keyring."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", getpass.GetPassWarning)  # it would be shown while it is typed
                password, from_keyring = self._get_password(self._keyring_name(), username, reenter=reenter)
        except (EOFError, getpass.GetPassWarning) as exc:
            raise LoginError("No password was given. It is asked for at a terminal; or set ZVAR_PASSWORD.") from exc
        return Credentials(username, password), from_keyring is not None

    def logout(self):
        """Forget the login of this session; the environment and the keyring are left alone."""
        self._login_given = None
        self._authenticated = False

    def authenticated(self):
        """True if there is a login to send: from `login`, the environment or the keyring."""
        return self._credentials() is not None

    def _credentials(self):
        return self._login_given or _from_environment() or self._from_keyring()

    def _from_keyring(self):
        return Credentials.from_keyring(self._keyring_name(), conf.zvar_username) if conf.zvar_username else None

    def _keyring_name(self):
        return f"alerce_zvar:{origin(self._address())}"

    def _id_jobs(self, endpoint, ids, size, **values):
        """All ids as text, and queries for the different ones with the indices of the inputs that they answer."""
        param = self._client.endpoints[endpoint].param("ids")
        ids = _checked_ids(ids, lambda identifier: checked(param, [identifier])[0])
        places = unique_positions(ids)
        jobs = []
        for chunk in chunks(list(places), size):
            indices = [index for identifier in chunk for index in places[identifier]]
            jobs.append((self._client.query(endpoint, ids=chunk, **values), indices))
        return ids, jobs

    def _jobs_one_by_one(self, endpoint, ids):
        """As `_id_jobs`, with one request for each id."""
        param = self._client.endpoints[endpoint].param("id")
        ids = _checked_ids(ids, lambda identifier: checked(param, identifier))
        return ids, [(self._client.query(endpoint, id=one), places) for one, places in unique_positions(ids).items()]


def _checked_ids(ids, check):
    given, _ = as_list(ids)
    if not given:
        raise ValueError("ids must hold at least one id; an empty list was given")
    return [check(identifier) for identifier in given]


def _from_environment(username=None):
    """Login in the environment, if it is there and is that user's."""
    name, password = os.environ.get("ZVAR_USERNAME"), os.environ.get("ZVAR_PASSWORD")
    return Credentials(name, password) if name and password and username in (None, name) else None
