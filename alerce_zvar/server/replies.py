"""From columns to JSON, and how a request is refused."""

import numpy as np

__all__ = ["RefusalError", "dumps", "fragment", "one_row", "rows"]


class RefusalError(Exception):
    """A request that is answered by an error.

    Parameters
    ----------
    status : int
        HTTP status.
    content : dict
        JSON body.
    headers : dict, optional
        More headers.
    """

    def __init__(self, status, content, headers=None):
        super().__init__(status)
        self.status = status
        self.content = content
        self.headers = headers


def dumps(content):
    """JSON bytes; single-precision numbers print short (17.41657), NaN is null."""
    import orjson

    return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def fragment(content):
    """Part of an answer that is JSON already."""
    import orjson

    return orjson.Fragment(dumps(content))


def rows(columns):
    """List of dicts, one for each row of a dict of arrays; None where masked."""
    names = list(columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*map(_values, columns.values()), strict=True)]


def one_row(columns):
    """The only row, or None where there is none."""
    found = rows(columns)
    return found[0] if found else None


def _values(column):
    data = np.ma.getdata(column)
    values = list(data) if data.dtype == np.float32 else data.tolist()  # tolist would widen single precision
    if isinstance(column, np.ma.MaskedArray):
        for index in np.flatnonzero(np.ma.getmaskarray(column)):
            values[index] = None
    return values
