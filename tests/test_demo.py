"""The demo: its report is whole, and says what its code gives by hand."""

import os
import shutil
from html.parser import HTMLParser
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, Table

from alerce_zvar.archive import Archive
from alerce_zvar.errors import ArchiveError
from alerce_zvar.plot.folded import period_text
from alerce_zvar.sample import demo as journey
from alerce_zvar.sample import report, sample_truth
from alerce_zvar.sample.demo import run_demo
from alerce_zvar.server import serve


class Page(HTMLParser):
    """Links and pictures of a page, and the text of its code."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.code, self._inside = [], "", False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.targets += [value for name, value in attrs if name in ("src", "href")]
        self._inside = self._inside or tag == "pre"

    def handle_endtag(self, tag):
        self._inside = self._inside and tag != "pre"

    def handle_data(self, data):
        self.code += data * self._inside


EARLIER = ("folded_145080008108521100.png", "alerts_ZTF17aaaaaaa.ecsv", "periodogram_145080008108521100.png")
KEPT = ("folded_notes.png", "mine.ecsv", "alerts_of_mine.ecsv")


@pytest.fixture(scope="module")
def demo(sample_archive, tmp_path_factory):
    """A demo with every third one of the stars it chose, which ran in the folder of an earlier one."""
    folder, steps, chosen = tmp_path_factory.mktemp("demo"), [], []
    shutil.copy(sample_archive.path, folder / "sky.duckdb")
    for name in (*EARLIER, *KEPT):
        folder.joinpath(name).write_text("earlier", encoding="ascii")
    choose = journey.choose

    def choose_some(*tables):
        chosen.append(choose(*tables))
        return chosen[-1][::3]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journey, "choose", choose_some)
        path = run_demo(folder, seed=3, progress=lambda done, total, what: steps.append((done, total, what)))
    assert path == folder / "report.html"
    (chosen,) = chosen
    return SimpleNamespace(folder=folder, steps=steps, chosen=chosen)


def test_demo_chooses_the_clearest_stars_of_each_class(demo):
    significance = np.asarray(demo.chosen["significance"])
    assert np.all(np.diff(significance) <= 0)
    counts = dict(zip(*np.unique(demo.chosen["class_name"], return_counts=True), strict=True))
    assert set(counts.values()) == {1, 2}
    assert {"E", "RRL"} <= set(counts)
    assert len(demo.chosen) == len(set(demo.chosen["psid"])) >= 8


def test_demo_report_is_whole_and_self_contained(demo):
    folder, steps = demo.folder, demo.steps
    text = (folder / "report.html").read_text(encoding="utf-8")
    targets = Page(text).targets
    files = {target for target in targets if not target.startswith("#")}
    assert not [name for name in files if "//" in name or not (folder / name).is_file()]
    there = {path.name for path in folder.iterdir()} - set(KEPT)
    assert {name for name in files if name.endswith(".png")} == {name for name in there if name.endswith(".png")}
    assert {name for name in files if name.endswith(".ecsv")} == {name for name in there if name.endswith(".ecsv")}
    assert len(list(folder.glob("folded_1*.png"))) == len(demo.chosen[::3])
    assert "wrong" not in text
    assert "right" in text
    assert steps[0][0] == 0
    assert steps[-1][:2] == (6, 6)


def test_demo_replaces_what_an_earlier_one_left_and_nothing_else(demo):
    folder = demo.folder
    assert not [name for name in EARLIER if folder.joinpath(name).exists()]
    assert all(folder.joinpath(name).read_text(encoding="ascii") == "earlier" for name in KEPT)


@pytest.mark.parametrize("mine", ["a sky of my own", "no archive"])
def test_demo_leaves_another_sky_alone(mine, tmp_path):
    path = tmp_path / "sky.duckdb"
    if mine == "no archive":
        path.write_bytes(b"something else")
    else:
        Archive.create(path).close()
    before = path.read_bytes()
    with pytest.raises(ArchiveError, match=r"sky\.duckdb is not the sky of an earlier demo, so it is not replaced"):
        run_demo(tmp_path)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["sky.duckdb"]


def test_demo_code_by_hand_gives_the_numbers_of_the_report(demo, monkeypatch):
    folder = demo.folder
    text = (folder / "report.html").read_text(encoding="utf-8")
    with serve(folder / "sky.duckdb") as server:
        monkeypatch.setenv("ALERCE_ZVAR_SERVER", server.url)
        names = {}
        exec(compile(Page(text).code, "report.html", "exec"), names)
    plt.close("all")
    assert f"<strong>{len(names['sources'])}</strong> ZVAR sources" in text
    assert f"<strong>{len(names['objects'])}</strong> ALeRCE objects" in text
    result = names["result"]
    assert f"Period found: {period_text(result)}, power {result.power:.3f}," in " ".join(text.split())
    assert f"from {result.n_points} points in g and r" in text
    assert "PeriodResult" not in text


def test_demo_says_when_a_period_is_at_the_edge(demo):
    folder = demo.folder
    assert ("edge of the range" in (folder / "report.html").read_text(encoding="utf-8")) is False
    star = {"psid": "1", "oid": "2", "ra": 1.0, "dec": 2.0, "class_name": "E", "probability": 1.0, "true_class": "E"}
    result = SimpleNamespace(at_edge=True, power=0.5, n_points=9, bands=("g",), nterms=4, n_frequencies=10)
    star |= {"true_period": None, "zvar": None, "period": 1.0, "period_err": 0.1, "verdict": "wrong", "figures": []}
    numbers = dict.fromkeys(("seed", "n_sources", "n_objects", "n_rows", "n_found", "n_periodic"), 1)
    options = dict.fromkeys(("classifier", "search", "min_snr"), "")
    entry = star | {"result": result, "shown": "P = 1 d", "chance": "0.1"}
    page = report.page_template("alerce_zvar.sample").render(entries=[entry], tables=[], options=options, **numbers)
    assert "at the edge of the range searched" in page


def test_demo_tables_are_readable_and_right(demo, sample_archive):
    folder = demo.folder
    sources = Table.read(folder / "zvar_sources.ecsv")
    assert len(sources) == 300
    assert sources["psid"].dtype.kind == "U"
    with Archive.open(folder / "sky.duckdb", read_only=True) as archive:
        truth = sample_truth(archive)
    assert set(truth["psid"]).isdisjoint(sample_truth(sample_archive)["psid"])  # another seed, another sky
    true = dict(zip(truth["psid"], truth["period"].filled(np.nan), strict=True))
    compared = 0
    for path in folder.glob("folded_1*.ecsv"):
        folded = QTable.read(path)
        assert np.all((folded["phase"] >= 0) & (folded["phase"] < 1))
        psid = path.stem.removeprefix("folded_")
        if np.isfinite(true[psid]):
            ratio = folded.meta["period"].to_value(u.day) / true[psid]
            assert np.min(np.abs(ratio - np.array([1, 0.5, 2]))) < 0.01
            compared += 1
    assert compared >= 3


def test_demo_leaves_no_login_behind(demo):
    assert "ZVAR_PASSWORD" not in os.environ
    assert "ZVAR_USERNAME" not in os.environ
