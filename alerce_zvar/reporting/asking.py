"""Questions to the services of which any may fail: the answer or None, and a note of each question."""

import json
import warnings
from dataclasses import dataclass, field

from alerce_zvar.errors import AlerceZvarWarning, InsecureURLError, NotFoundError, ServiceError

__all__ = ["Asked", "Asker", "Missing"]

_NAMES = {"AlerceClass": "ALeRCE", "ZvarClass": "ZVAR", "CatsHTMClass": "catsHTM"}
_LONGEST = 300  # characters of a question that are noted: lists of ids may be long


@dataclass(frozen=True)
class Asked:
    """A question that was asked: what about, of which service, what was sent, where to and when."""

    what: str
    service: str
    endpoint: str
    url: str
    payload: str
    requests: int
    retrieved: str


@dataclass(frozen=True)
class Missing:
    """What could not be had, and why."""

    what: str
    reason: str
    failed: bool  # the service failed, rather than having nothing


@dataclass
class Asker:
    """Asks, and keeps notes.

    Parameters
    ----------
    timeout : float or Quantity, optional
        For each request.
    progress : callable, optional
        Told of each question.
    """

    timeout: object = None
    progress: object = None
    asked: list = field(default_factory=list, init=False)
    missing: list = field(default_factory=list, init=False)
    answers: list = field(default_factory=list, init=False)  # for `cite`
    errors: list = field(default_factory=list, init=False)

    def tell(self, what):
        """Tell what comes next."""
        if self.progress is not None:
            self.progress(what)

    def ask(self, what, method, *args, **options):
        """Answer of a service's method, or None.

        Parameters
        ----------
        what : str
            What it is about, in words.
        method : callable
            Method of a service.
        *args, **options
            Its arguments.
        """
        self.tell(what)
        payload = method(*args, get_query_payload=True, **options)
        try:
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                answer = method(*args, timeout=self.timeout, **options)
        except (ServiceError, InsecureURLError) as error:
            known = not isinstance(error, NotFoundError)
            self.errors += [error] if known else []
            self.missing.append(Missing(what, str(error), known))
            self._note(what, _service_of(method), {"url": getattr(error, "url", "")}, payload)
            return None
        self._take_warnings(what, told)
        meta = getattr(answer, "meta", None) or getattr(getattr(answer, "data", None), "meta", {})
        self._note(what, meta.get("service", _service_of(method)), meta, payload)
        self.answers.append(answer)
        return answer

    def _take_warnings(self, what, told):
        """Ours go into the page; others are passed on."""
        for warning in told:
            if issubclass(warning.category, AlerceZvarWarning):
                self.missing.append(Missing(what, str(warning.message).removesuffix(" (see .failures)"), False))
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)

    def _note(self, what, service, meta, payload):
        endpoint, url = str(meta.get("endpoint", "")), str(meta.get("url", ""))
        sent = json.dumps(payload, ensure_ascii=False, default=str)
        sent = sent if len(sent) <= _LONGEST else f"{sent[:_LONGEST]}… ({len(sent)} characters)"
        number, when = int(meta.get("requests", 1)), str(meta.get("retrieved", ""))
        self.asked.append(Asked(what, str(service), endpoint, url, sent, number, when))

    def note_rows(self, what, answer):
        """Note the inputs of an answer for which the service failed."""
        for row in answer.failures[answer.failures["error"] != ""] if answer is not None else ():
            self.missing.append(Missing(what, str(row["reason"]), True))


def _service_of(method):
    """Name of the service that a method asks."""
    return _NAMES.get(type(method.__self__).__name__, "")
