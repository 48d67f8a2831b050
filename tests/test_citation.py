"""The BibTeX is whole, CITATION.cff is valid, and both name the same works."""

import re
from pathlib import Path

import pytest
import yaml

import alerce_zvar
from alerce_zvar.cite import __citation__

CFF = yaml.safe_load(Path(__file__).parent.parent.joinpath("CITATION.cff").read_text(encoding="utf-8"))
# Citation File Format 1.2.0, https://doi.org/10.5281/zenodo.5171937: the keys of the root and of a reference used here.
ROOT_KEYS = {"abstract", "authors", "cff-version", "keywords", "license", "message", "references", "title", "type"}
REFERENCE_KEYS = {"type", "scope", "title", "authors", "journal", "year", "volume", "issue", "start", "doi"}
PERSON_KEYS = ({"family-names", "given-names"}, {"name"})
REQUIRED = {"article": {"author", "title", "journal", "year", "doi"}, "software": {"author", "title", "year"}}


def _entry(text, start):
    """End of the entry that opens at `start`: where its braces balance."""
    depth = 0
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0 and text[end] == "}":
            return end + 1
    raise ValueError(f"no end to {text[start : start + 40]!r}")


def _entries(text):
    position = 0
    while (match := re.compile(r"\s*@(\w+)\{([^,\s]+),").match(text, position)) is not None:
        position = _entry(text, match.start(2) - 1)
        fields = dict(re.findall(r"^\s+(\w+) = \{(.*?)\},?$", text[match.end() : position - 1], re.M | re.S))
        yield match[1], match[2], fields
    assert not text[position:].strip(), f"not BibTeX: {text[position : position + 60]!r}"


ENTRIES = list(_entries(__citation__))


def test_the_package_hands_it_out():
    assert alerce_zvar.__citation__ == __citation__


@pytest.mark.parametrize(("kind", "key", "fields"), ENTRIES, ids=[key for _, key, _ in ENTRIES])
def test_bibtex_entries_are_whole(kind, key, fields):
    assert fields.keys() >= REQUIRED[kind]
    assert re.fullmatch(r"\d{4}", fields["year"])
    assert all(value.count("{") == value.count("}") and value.strip() for value in fields.values())


def test_bibtex_keys_are_unique_and_ascii():
    keys = [key for _, key, _ in ENTRIES]
    assert len(keys) == len(set(keys)) == __citation__.count("@")
    assert __citation__.isascii()


def test_a_cut_entry_is_noticed():
    with pytest.raises(ValueError, match="no end"):
        list(_entries(__citation__.rstrip().removesuffix("}")))


def test_cff_has_the_keys_of_the_format():
    assert CFF["cff-version"] == "1.2.0"
    assert CFF["type"] == "software"
    assert CFF["license"] == "BSD-3-Clause"
    assert set(CFF) == ROOT_KEYS
    for reference in CFF["references"]:
        assert set(reference) <= REFERENCE_KEYS
        assert {"type", "title", "authors", "year", "doi"} <= set(reference)
        assert all(set(person) in PERSON_KEYS for person in reference["authors"])


def test_both_files_cite_the_same_works():
    ours = {fields["doi"]: fields["year"] for kind, _, fields in ENTRIES if kind == "article"}
    assert ours == {reference["doi"]: str(reference["year"]) for reference in CFF["references"]}
