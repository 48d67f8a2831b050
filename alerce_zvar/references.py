"""The papers that stand behind the services, the methods and the software: BibTeX entries by key.

Keys are ADS's bibcodes, which hold the abbreviation of the journal: ``1978ApJ...224..953S``. The entries are in
``references.bib``; everything else names keys.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["Reference", "all_references", "get_reference", "in_words"]

_ENTRY = re.compile(r"@(\w+)\{([^,\s]+),\n(.*?)\n\}", re.S)
_FIELD = re.compile(r"^    (\w+) = \{(.*?)\}(?:,|\Z)$", re.M | re.S)
_JOURNAL = slice(4, 9)  # of a bibcode
_ACCENTS = {'"': "\u0308", "'": "\u0301", "`": "\u0300", "v": "\u030c", "H": "\u030b", "c": "\u0327", "~": "\u0303"}
_ACCENT = re.compile(r"\{\\([\"'`~]|[vHc] )(\w)\}")


@dataclass(frozen=True)
class Reference:
    """A work to cite.

    Parameters
    ----------
    kind : str
        Type of the BibTeX entry, such as ``"article"``.
    key : str
        Its key.
    fields : dict
        Its fields, in TeX.
    bibtex : str
        The whole entry.
    """

    kind: str
    key: str
    fields: dict
    bibtex: str

    @property
    def short(self):
        """One line, such as ``"Lomb 1976, Ap&SS 39, 447"``; a work without a journal is named by its title."""
        authors = f"{self._authors} {self.fields['year']}"
        if "journal" not in self.fields:
            return f"{authors}, {_plain(self.fields['title'])}"
        if "eprint" in self.fields:
            return f"{authors}, arXiv:{self.fields['eprint']}"
        first_page = self.fields.get("pages", "").partition("--")[0]
        where = ", ".join(filter(None, (self.fields.get("volume") or self.fields.get("number"), first_page)))
        return f"{authors}, {self.key[_JOURNAL].strip('.')} {where}"

    @property
    def url(self):
        """Address of the work, or of its record at ADS; empty for what has none."""
        if "doi" in self.fields:
            return f"https://doi.org/{self.fields['doi']}"
        return f"https://ui.adsabs.harvard.edu/abs/{self.key}" if self.kind != "software" else ""

    @property
    def _authors(self):
        """Names of up to three authors, or the first one's."""
        names = [_plain(re.match(r"\{(.*)\}", author)[1]) for author in self._each_author() if author != "others"]
        if len(names) > 3 or "others" in self._each_author():
            return f"{names[0]} et al."
        return " & ".join(filter(None, (", ".join(names[:-1]), names[-1])))

    def _each_author(self):
        return [re.sub(r"\},.*", "}", author) for author in self.fields["author"].split(" and ")]


def _plain(text):
    """TeX of a name or title as text."""
    accented = _ACCENT.sub(lambda found: found[2] + _ACCENTS[found[1].strip()], text)
    spaced = " ".join(re.sub(r"\\(.)", r"\1", re.sub(r"[{}]", "", accented)).split())
    return unicodedata.normalize("NFC", spaced)


@cache
def all_references():
    """All works by key, a dict of `Reference`."""
    text = files("alerce_zvar").joinpath("references.bib").read_text(encoding="ascii")
    return {
        key: Reference(kind, key, dict(_FIELD.findall(f"{fields}")), f"@{kind}{{{key},\n{fields}\n}}")
        for kind, key, fields in _ENTRY.findall(text)
    }


def get_reference(key):
    """The work of a key.

    Parameters
    ----------
    key : str
        Its key.

    Returns
    -------
    Reference

    Raises
    ------
    KeyError
        There is none.
    """
    try:
        return all_references()[key]
    except KeyError:
        raise KeyError(f"no work with the key '{key}' is known") from None


def in_words(keys):
    """Some works in one line, such as ``"Lomb 1976, Ap&SS 39, 447; Scargle 1982, ApJ 263, 835"``."""
    return "; ".join(get_reference(key).short for key in keys)
