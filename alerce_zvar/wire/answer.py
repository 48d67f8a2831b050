"""What a batch gives back: the rows, and every input that has none, with the reason."""

import numpy as np
from astropy.table import Table

from alerce_zvar.errors import (
    FAILURE_COLUMNS,
    NoResultsWarning,
    NotFoundError,
    PartialResultWarning,
    ReplyError,
    warn,
)
from alerce_zvar.wire.decode import decode_table
from alerce_zvar.wire.formats import DecodedTable, Exports
from alerce_zvar.wire.reading import Imports

__all__ = ["AnswerTable", "Failures", "announce", "decode_each"]


class AnswerTable(Imports, Exports, Table):
    """`~astropy.table.Table` that remembers the inputs without an answer.

    Attributes
    ----------
    failures : `~astropy.table.Table`
        Columns ``input_index``, ``input``, ``error`` (class), ``reason`` and ``url``; no rows when all went well.
        Slices and copies keep it; in files, pickles and joins it is lost, and read as empty.
    """

    companions = ("failures",)

    def with_companions(self, **tables):
        """Same table with its companions set."""
        for name in self.companions:
            setattr(self, name, tables.get(name))
        return self

    def __getattr__(self, name):
        if name in type(self).companions:  # a table made by astropy itself, such as a vstack
            return Failures([]).table() if name == "failures" else None
        raise AttributeError(f"'{type(self).__name__}' has no attribute '{name}'")

    def _inherit(self, other):
        return other.with_companions(**{name: getattr(self, name) for name in self.companions})

    def __getitem__(self, item):
        got = super().__getitem__(item)
        return self._inherit(got) if isinstance(got, AnswerTable) else got

    def copy(self, copy_data=True):
        """Copy with the same companions."""
        return self._inherit(super().copy(copy_data))


class Failures:
    """Collects the inputs of a batch that got no answer.

    Parameters
    ----------
    inputs : list
        All inputs, in order.
    """

    def __init__(self, inputs):
        self.inputs = inputs
        self.errors = {}  # input index -> the error, or a text

    def add(self, indices, error):
        """Note that some inputs failed by an error, or for a reason given as text."""
        self.errors.update(dict.fromkeys(indices, error))

    def raise_if_nothing_else(self):
        """Raise the first error if the service failed for every input; not knowing any of them is no failure of it."""
        if self.errors and len(self.errors) == len(self.inputs):
            first = self.errors[min(self.errors)]
            if all(isinstance(e, Exception) and not isinstance(e, NotFoundError) for e in self.errors.values()):
                raise first

    def table(self):
        """All failures as a table, in the order of the inputs."""
        order = sorted(self.errors)
        errors = [self.errors[index] for index in order]
        columns = (
            order,
            [str(self.inputs[index]) for index in order],
            [type(error).__name__ if isinstance(error, Exception) else "" for error in errors],
            [str(error) for error in errors],
            [getattr(error, "url", "") for error in errors],
        )
        return DecodedTable(columns, names=list(FAILURE_COLUMNS), dtype=list(FAILURE_COLUMNS.values()))


def announce(found, failures, what):
    """Warn of an empty or partial answer.

    Parameters
    ----------
    found : int
        Rows or light curves that came.
    failures : Failures
        Inputs without an answer.
    what : str
        What was asked, for the message.
    """
    failed = len(failures.errors)
    if failed:
        first = min(failures.errors)
        reason = f"{failures.inputs[first]}: {failures.errors[first]}"
        reason = f"{failed} of {len(failures.inputs)} inputs have no answer, the first is {reason:.300} (see .failures)"
    if not found:
        warn(f"No {what} found" + (f"; {reason}" if failed else ""), NoResultsWarning)
    elif failed:
        warn(reason, PartialResultWarning)


def decode_each(found, ids, id_column, answer, failures):
    """One table of the rows of many objects, their id first; objects with an unusable row are noted and left out.

    Parameters
    ----------
    found : dict
        Input index -> (rows, address), in the order of the inputs.
    ids : list of str
        All inputs.
    id_column : Column
        How the id is called and described.
    answer : TableSchema
        What the rows are.
    failures : Failures
        Takes the objects that are left out.
    """
    try:
        return _decoded(found, ids, id_column, answer)
    except ReplyError:
        for index, (rows, url) in list(found.items()):
            try:
                decode_table(rows, answer, url=url)
            except ReplyError as error:
                failures.add([index], error)
                del found[index]
        return _decoded(found, ids, id_column, answer)


def _decoded(found, ids, id_column, answer):
    table = decode_table([row for rows, _ in found.values() for row in rows], answer)
    if id_column.name not in table.colnames:
        owners = [ids[index] for index, (rows, _) in found.items() for _ in rows]
        table.add_column(np.array(owners, dtype=str), name=id_column.name, index=0)
        table[id_column.name].info.description = id_column.description
    return table
