"""Reading a list of objects page by page, though pages are cut from an order that may change between two requests.

::

    page 1   a a b b │ c c          rows in the order of the pages' key, here the object;
    page 2       c c │ d e          an object (c) that lies on both sides of a cut is asked for once more, alone
"""

from dataclasses import dataclass

import orjson

from alerce_zvar.errors import ReplyError
from alerce_zvar.wire.decode import rows_of

__all__ = ["Lister", "best_rows", "keys", "sorted_rows"]

_UNREPEATABLE = 50  # rows of a page that cannot all be the same as those of another; small pages may, by chance
_GROWTH = 4  # factor by which a single request asks for more rows where it got as many as it asked for


@dataclass(frozen=True)
class Lister:
    """Reads whole lists from one service.

    Parameters
    ----------
    client : Client
        Whom to ask; its endpoint ``objects`` takes pages.
    timeout : float or Quantity, optional
        For each request.
    """

    client: object
    timeout: object = None

    def query(self, values, page_size, page=1):
        """One page of a list whose filters and order are `values`."""
        return self.client.query("objects", **values, page=page, page_size=page_size)

    def rows(self, content, reply):
        """Rows of a page, each with the id by which it is known."""
        rows = rows_of(content, self.client.endpoints["objects"], reply)
        if not all(isinstance(row.get("oid"), str | int) for row in rows):
            raise ReplyError("A row of the list holds no oid.", url=reply.url)
        return rows

    def paged(self, first, values, page_size, enough):
        """Rows of all pages in order, until there are enough; each row once, however ties fall at the cuts.

        Parameters
        ----------
        first : tuple
            Content and reply of the first page.
        values : dict
            Filters and order; ``order_by`` is the key, ``"oid"`` or ``"lastmjd"``.
        page_size : int
            Rows per page.
        enough : callable
            Says of the rows so far whether more are needed.
        """
        key = values["order_by"]
        rows, torn, seen, page = [], [], set(), 1
        content, reply = first
        while True:
            page_rows = self.rows(content, reply)
            if rows and page_rows and rows[-1].get(key) == page_rows[0].get(key) and page_rows[0].get(key) not in torn:
                torn.append(page_rows[0].get(key))
            rows += page_rows
            fingerprint = hash(orjson.dumps(page_rows))
            if len(page_rows) >= _UNREPEATABLE and fingerprint in seen:
                raise ReplyError(f"Page {page} repeats an earlier one.", url=reply.url)
            seen.add(fingerprint)
            if enough(rows) or not _goes_on(content, page_rows, page_size):
                break
            page += 1
            content, reply = self.client.fetch(self.query(values, page_size, page), timeout=self.timeout)
        for value in torn:
            rows = self._mended(rows, key, value, values, page_size)
        return rows

    def _mended(self, rows, key, value, values, page_size):
        """Rows with those of one key, which a cut has torn, asked for anew and all at once."""
        places = [place for place, row in enumerate(rows) if row.get(key) == value]
        alone = values | {key: [value] if key == "oid" else (value, value)}
        whole, _ = self.at_once(alone, max(page_size, len(places) + 1))
        return rows[: places[0]] + whole + rows[places[-1] + 1 :]

    def at_once(self, values, size, enough=None, first=None):
        """Rows of a single answer, which no change of order can tear; and whether they are all that there are.

        Parameters
        ----------
        values : dict
            Filters and order.
        size : int
            Rows to ask for; more, from the beginning, as long as the answer is full and there are not enough.
        enough : callable, optional
            Says of rows whether they suffice; by default only all of them do.
        first : tuple, optional
            Content and reply of the first request, if it was made.
        """
        while True:
            content, reply = first or self.client.fetch(self.query(values, size), timeout=self.timeout)
            rows = self.rows(content, reply)
            if not _goes_on(content, rows, size):
                return rows, True
            if len(rows) < size:
                raise ReplyError(f"The service gives no more than {len(rows)} rows at once.", url=reply.url)
            if enough is not None and enough(rows):
                return rows, False
            size, first = _GROWTH * size, None


def _goes_on(content, rows, page_size):
    """True if there may be another page. ZTF's service knows has_next only when it counts; a full page decides too."""
    return bool(rows) and (len(rows) >= page_size or content.get("has_next") is True)


def keys(rows):
    """The different objects of rows, in order of first appearance."""
    return list(dict.fromkeys(row.get("oid") for row in rows))


def best_rows(rows):
    """For each object its row of highest probability, in order of first appearance.

    A row without a probability counts least; among equal ones the first by classifier and class is kept.
    """
    best = {}
    for row in rows:
        oid = row.get("oid")
        if oid not in best or _rank(row) < _rank(best[oid]):
            best[oid] = row
    return list(best.values())


def _rank(row):
    """Sorts the best row of an object first."""
    probability = row.get("probability")
    known = isinstance(probability, int | float)
    words = [str(row.get(key) or "") for key in ("classifier", "classifier_name", "classifier_version")]
    return -probability if known else float("inf"), words, str(row.get("class") or row.get("class_name") or "")


def sorted_rows(rows, key, descending):
    """Rows by one key, as the services sort: null is last, in descending order first."""
    known = [row for row in rows if row.get(key) is not None]
    unknown = [row for row in rows if row.get(key) is None]
    try:
        known.sort(key=lambda row: row[key], reverse=descending)
    except TypeError:
        raise ReplyError(f"'{key}' holds values of several types.") from None
    return unknown + known if descending else known + unknown
