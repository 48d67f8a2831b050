"""What a question to many catalogues gives back: a table for each."""

from collections.abc import Mapping

from alerce_zvar.catshtm import schema
from alerce_zvar.errors import shown

__all__ = ["CatalogTables"]


class CatalogTables(Mapping):
    """Tables by catalogue, read like a dict; its keys are the names in answers, and those in requests are as good.

    Parameters
    ----------
    tables : dict
        Name in answers -> `AnswerTable`.
    failures : `~astropy.table.Table`
        Positions that could not be asked for.
    meta : dict
        What was asked, of whom and when.
    """

    def __init__(self, tables, failures, meta):
        self._tables = dict(tables)
        self.failures = failures
        self.meta = meta

    def __getitem__(self, name):
        try:
            return self._tables[name if name in self._tables else schema.answer_name(name)]
        except KeyError:
            raise KeyError(f"no table of {shown(name)}; there are {', '.join(self._tables) or 'none'}") from None

    def __iter__(self):
        return iter(self._tables)

    def __len__(self):
        return len(self._tables)

    def __repr__(self):
        lines = [f"<{type(self).__name__} of {len(self)} catalogues>"]
        width = max(map(len, self._tables), default=0)
        for name, table in self._tables.items():
            lines.append(f"{name:<{width}}  {len(table):>5} rows  {len(table.columns):>3} columns")
        return "\n".join(lines)
