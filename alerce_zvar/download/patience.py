"""Asking in bulk: failures that may pass are waited out, and what still fails is asked for one by one.

::

    ask ─► all answered? ─► done
      ▲         │ no: may it pass?  no ──► failed
      │         ▼ yes
      └─── wait ◄─ others are answered: a few times; nobody is: as long as the patience lasts ──► outage
"""

from dataclasses import dataclass, field
from itertools import count

from alerce_zvar.archive.downloads import FAILED, MISSING, Outcome
from alerce_zvar.config import conf
from alerce_zvar.errors import DeadlineError, LoginError, NotFoundError, RateLimitError, ReplyError, UnavailableError

__all__ = ["Answered", "Asker"]

_ROUNDS = 5  # in which something fails while others are answered
_MOST_DOUBLINGS = 20  # of the pauses
_OWN_FAULT = 500  # status of a service that fails at this thing, not altogether


@dataclass
class Answered:
    """Answers to one chunk of a download.

    Attributes
    ----------
    contents : list
        What is to be stored, as the job made it.
    done : set of (str, str)
        Id and what of it is there.
    errors : dict
        (id, what) -> error, or a text where the service answered that it has no such thing.
    outage : ServiceError or None
        Nobody is answered any more.
    """

    contents: list = field(default_factory=list)
    done: set = field(default_factory=set)
    errors: dict = field(default_factory=dict)
    outage: Exception | None = None

    def fail(self, identifier, words, error):
        """Note why there is no answer."""
        if isinstance(error, LoginError):
            raise error
        self.errors.update({(identifier, what): error for what in words})

    def add(self, other):
        """Take in the answers of another round."""
        self.contents += other.contents
        self.done |= other.done
        self.errors = {key: error for key, error in self.errors.items() if key not in other.done} | other.errors

    def outcomes(self):
        """`Outcome` of each thing."""
        found = [Outcome(*key) for key in self.done]
        return found + [_outcome(key, error) for key, error in self.errors.items()]


def _outcome(key, error):
    if isinstance(error, Exception):
        state = MISSING if isinstance(error, NotFoundError) else FAILED
        return Outcome(*key, state, type(error).__name__, str(error))
    return Outcome(*key, MISSING, "", str(error))


class Asker:
    """Asks for chunks, from several threads, as patiently as bulk work needs.

    Parameters
    ----------
    job : object
        ``transport``, ``ask(lacking, deadline)`` and ``batched``, see `alerce_zvar.download.run.download`.
    """

    def __init__(self, job):
        self._job, self._transport = job, job.transport
        self._last_answer = self._last_answered = job.transport.clock()  # when it came, and when it was asked for

    def __call__(self, lacking, deadline):
        """`Answered` for a chunk: id -> what is wanted of it."""
        answered, began, rounds = Answered(), None, 0
        for turn in count():
            asked = self._transport.clock()
            found = self._job.ask(lacking, deadline)
            answered.add(found)
            if found.done:
                self._last_answer = self._transport.clock()
                self._last_answered = max(asked, self._last_answered)
            passing = {key: error for key, error in answered.errors.items() if _may_pass(error)}
            if not passing:
                return answered
            began, lacking = asked if began is None else began, _by_id(passing)
            # Answers that are still on their way when everything stops do not count: they were asked for before.
            nobody = not found.done and self._last_answered <= asked
            is_outage = nobody and all(map(_is_outage, passing.values()))
            rounds += not is_outage
            if rounds >= _ROUNDS or not self._waited(turn, began, passing.values(), deadline):
                break
        if is_outage:
            answered.outage = next(iter(passing.values()))
        elif len(lacking) > 1 and self._job.batched:
            for identifier, words in lacking.items():
                answered.add(self._job.ask({identifier: words}, deadline))
        return answered

    def _waited(self, turn, began, errors, deadline):
        """True after a pause, False when the patience is at its end."""
        left = max(began, self._last_answer) + conf.download_patience - self._transport.clock()
        asked = max((error.retry_after for error in errors if isinstance(error, RateLimitError)), default=0.0)
        pause = max(asked, min(conf.max_backoff, conf.backoff * 2 ** min(turn, _MOST_DOUBLINGS)))
        if left <= 0 or asked > left or deadline.left <= 0:
            return False
        self._transport.pause(min(pause, left), deadline)
        return True


def _may_pass(error):
    return isinstance(error, UnavailableError | DeadlineError | RateLimitError) or (
        isinstance(error, ReplyError) and error.passing
    )


def _is_outage(error):
    return getattr(error, "status", None) != _OWN_FAULT and not isinstance(error, ReplyError)


def _by_id(keys):
    lacking = {}
    for identifier, what in keys:
        lacking.setdefault(identifier, []).append(what)
    return lacking
