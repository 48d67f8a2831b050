"""The report of one object: what stands in it, and what it does where services fail."""

import base64
import io
import re
import warnings
from html.parser import HTMLParser

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time
from astropy.timeseries import TimeSeries
from fault_server import FaultServer, http, json_reply
from PIL import Image

from alerce_zvar import AlerceClass, CatsHTMClass, LightCurves, ZvarClass, conf, report
from alerce_zvar import __main__ as cli
from alerce_zvar.archive import Archive
from alerce_zvar.errors import NotFoundError, PartialResultWarning, UnavailableError
from alerce_zvar.sample import sample_truth
from alerce_zvar.server import serve

PSID, OID = "145130008781403418", "ZTF18sixymhd"
PLACE = SkyCoord(0.8781400322914124 * u.deg, 30.944032669067383 * u.deg)
QUICK = {"minimum_period": 0.2 * u.day, "maximum_period": 0.6 * u.day}
PLAIN = QUICK | {"method": "aov"}
SCRIPT, RED, TURNED = "<script>alert(1)</script>", "\x1b[31mred", "abc\u202edef"


class Page(HTMLParser):
    """What a browser makes of a page: texts, tables, images, links, and the elements that there are."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.source = path.read_text(encoding="utf-8")
        self.words, self.rows, self.images, self.links, self.tags = [], [], [], [], set()
        self._in_cell = False
        self.feed(self.source)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        given = dict(attributes)
        self.images += [given] if tag == "img" else []
        self.links += [given["href"]] if "href" in given else []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True
        assert not [name for name in given if name.startswith("on")]

    def handle_endtag(self, tag):
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data):
        self.words.append(data)
        if self._in_cell:
            self.rows[-1][-1] += data.strip()

    @property
    def text(self):
        return " ".join("".join(self.words).split())

    def value(self, name):
        """Second cell of the row that begins so."""
        return next(row[1] for row in self.rows if row and row[0].startswith(name))


@pytest.fixture(autouse=True)
def at_home(monkeypatch, sample_server):
    monkeypatch.setenv("ALERCE_ZVAR_SERVER", sample_server)
    monkeypatch.setenv("ZVAR_USERNAME", "alice")
    monkeypatch.setenv("ZVAR_PASSWORD", "wonderland")


@pytest.fixture(scope="module")
def written(sample_server, tmp_path_factory):
    """A report of a contact binary of the sample sky."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZVAR_USERNAME", "alice")
        patch.setenv("ZVAR_PASSWORD", "wonderland")
        services = {"alerce": AlerceClass, "zvar": ZvarClass, "catshtm": CatsHTMClass}
        clients = {name: kind(url=sample_server) for name, kind in services.items()}
        steps = []
        path = tmp_path_factory.mktemp("report") / "star.html"
        assert report(PSID, path, search=QUICK, progress=steps.append, **clients) == path
    assert steps[0] == "source of ZVAR"
    assert steps[-2:] == ["period search", "figures"]
    return path


@pytest.fixture(scope="module")
def page(written):
    return Page(written)


def wave(period=0.5123, identifier="V1", band="g"):
    """One's own light curve."""
    rng = np.random.default_rng(3)
    days = np.sort(rng.uniform(0, 300, 120))
    light_curve = TimeSeries(time=Time(59000 + days, format="mjd", scale="tdb"))
    light_curve["band"] = [band] * 120
    light_curve["mag"] = (15 + 0.3 * np.sin(2 * np.pi * days / period) + rng.normal(0, 0.01, 120)) * u.mag
    light_curve["mag_err"] = np.full(120, 0.01) * u.mag
    light_curve.meta["id"] = identifier
    return light_curve


# ------------------------------------------------------------------------------------------- what stands in it


def test_ids_and_places_of_both_services(page):
    assert page.value("ALeRCE object") == OID
    assert page.value("ZVAR source") == PSID
    assert page.value("Position (ICRS)") == "0.878140° +30.944033°"
    assert page.value("Galactic") == f"l = {PLACE.galactic.l.deg:.5f}°, b = {PLACE.galactic.b.deg:+.5f}°"
    assert float(page.value("Offset of ALeRCE's object").removesuffix("″")) < 0.06


def test_the_period_is_that_of_the_truth(page, sample_archive):
    truth = sample_truth(sample_archive)
    period = float(truth["period"][truth["psid"] == PSID][0])
    value, error = re.fullmatch(r"([\d.]+) ± ([\d.]+) d", page.value("Period")).groups()
    assert abs(float(value) - period) < 5 * float(error)
    assert page.value("Believed").startswith("yes")
    assert page.value("Terrestrial") == "no"
    assert page.value("Searched").startswith(
        "ZVAR: mag of 807 points in g, i, r over 1712 d; 0.2 to 0.6 d by method auto"
    )


def test_all_periods_have_their_origin(page, sample_server):
    rows = [row for row in page.rows if len(row) == 4 and row[2] in ("find_period", "ZVAR", "ALeRCE")]
    assert rows[0][1:3] == ["1", "find_period"]
    assert {row[3].partition(",")[0] for row in rows if row[2] == "ZVAR"} == {"g", "r", "i"}
    best = ZvarClass(url=sample_server).query_objects([PSID]).best_periods()[0]
    said = f"{best['band']}, {best['n_bins']} bins, significance {best['significance']:.4g}"
    assert [f"{best['period']:.8g}", said] in [[row[0], row[3]] for row in rows]
    (multiband,) = [row for row in rows if row[2] == "ALeRCE"]
    assert multiband[3].startswith("Multiband_period, gr, version")
    assert float(multiband[1]) == pytest.approx(0.5, abs=1e-4)


def test_epochs_of_each_band_and_field(page, sample_server):
    curve = ZvarClass(url=sample_server).get_lightcurves([PSID], bands=None)[0]
    rows = (curve["band"] == "g") & (curve["field"] == 648)
    mag = curve["mag"][rows].unmasked.value
    days = curve["time"][rows].mjd
    expected = ["ZVAR", "g", "648", str(len(mag)), "0"]
    expected += [f"{value:.5g} mag" for value in (mag.min(), np.median(mag), mag.max())]
    assert [*expected, f"{days.min():.3f}", f"{days.max():.3f}"] in page.rows
    limits = [int(row[4]) for row in page.rows if row[:2] == ["ALeRCE", "g"]]
    assert limits[0] > 0


def test_classes_features_and_catalogues(page, sample_server):
    alerce = AlerceClass(url=sample_server)
    for row in alerce.query_probabilities(OID):
        shown = [row["classifier"], row["classifier_version"], row["class_name"], str(row["ranking"])]
        assert ([*shown, f"{row['probability']:.6g}"] in page.rows) == (row["ranking"] <= 5)
    amplitude = alerce.query_feature(OID, "Amplitude", band="g")[0]
    assert ["Amplitude", "g", f"{amplitude['value']:.6g}", "27.5.6"] in page.rows
    gaia = ZvarClass(url=sample_server).query_crossmatch([PSID], "gaia", radius=1.5 * u.arcsec)[0]
    assert ["source_id", gaia["source_id"], ""] in page.rows
    assert ["parallax", f"{gaia['parallax']:.9g}", "mas"] in page.rows
    for title in ("gaia", "ps1", "galex", "2mass", "allwise"):
        assert f"{title} (by ZVAR)" in page.text
    assert "GAIA/DR2 (by catsHTM)" in page.text


def test_waves_are_given_by_their_harmonics(page):
    rows = [row for row in page.rows if len(row) == 4 and row[0] in ("1", "2")]
    first, second = (float(row[1].partition(" ")[0]) for row in rows[:2])
    assert second > 5 * first  # a contact binary has two equal waves in a period
    assert float(rows[1][2].partition(" ")[0]) == pytest.approx(second / first, rel=0.01)


def test_the_page_is_one_file_without_a_script(page):
    assert not page.tags & {"script", "iframe", "object", "link", "form", "input"}
    assert all(link.startswith(("https://doi.org/", "https://ui.adsabs.harvard.edu/")) for link in page.links)
    assert "default-src 'none'" in page.source
    assert len(page.images) == 9
    for image in page.images:
        body = base64.b64decode(image["src"].removeprefix("data:image/png;base64,"), validate=True)
        assert Image.open(io.BytesIO(body)).size == (int(image["width"]), int(image["height"]))
        assert image["alt"]


def test_it_tells_how_it_was_made_and_what_to_cite(page, sample_server):
    assert f"{sample_server}/ztf/v1/objects/{OID}/probabilities" in page.text
    assert '{"psids": ["145130008781403418"], "catalog": "gaia", "radius": 1.5, "closest": true}' in page.text
    assert "wonderland" not in page.source
    assert "alice" not in page.source
    for work in ("Förster et al. 2021, AJ 161, 242", "Kovács, Zucker & Mazeh 2002, A&A 391, 369", "Hunter 2007"):
        assert work in page.text
    assert "@article{2025arXiv250200243F," in page.text
    assert "What could not be had" not in page.text


# ---------------------------------------------------------------------------------------- by whatever it is known


def test_ones_own_light_curve_asks_nobody(monkeypatch, tmp_path):
    with FaultServer(http(b"", 500)) as broken:
        monkeypatch.setenv("ALERCE_ZVAR_SERVER", broken.url)
        found = Page(report(wave(), tmp_path / "own.html", search=QUICK))
    assert broken.requests == []
    value, error = re.fullmatch(r"([\d.]+) ± ([\d.]+) d", found.value("Period")).groups()
    assert abs(float(value) - 0.5123) < 5 * float(error)
    assert found.value("Light curve given") == "V1"
    assert "Förster" not in found.text


def test_ones_own_light_curve_with_its_place(tmp_path):
    found = Page(report(wave(), tmp_path / "own.html", coordinates=PLACE, services=["zvar"], search=PLAIN))
    assert found.value("ZVAR source") == PSID
    assert found.value("Searched").startswith("own light curve: mag of 120 points")


def test_too_few_points_are_told(tmp_path):
    few = wave()[:8]
    few["time"][1] = np.ma.masked
    few["mag"][2] = np.nan * u.mag
    found = Page(report(few, tmp_path / "own.html"))
    assert "period search: no light curve has 10 measurements; the longest has 6" in found.text
    assert ["own light curve", "g", "—", "6", "0"] in [row[:5] for row in found.rows]


@pytest.fixture(scope="module")
def real_sky(real_data, tmp_path_factory):
    """Server of two real eclipsing stars, and what is known of them."""
    folder, names = real_data / "ztf_vsx", ("u222", "minkovskiy24")
    truth = Table.read(folder / "truth.csv")
    files = [file for name in names for file in sorted(folder.joinpath("lightcurves").glob(f"{name}-*"))]
    with Archive.create(tmp_path_factory.mktemp("real") / "sky.duckdb") as archive:
        archive.import_irsa(files)
        with serve(archive) as server:
            yield server.url, {name: truth[truth["file_prefix"] == name][0] for name in names}


@pytest.mark.parametrize("name", ["u222", "minkovskiy24"])
def test_real_eclipsing_stars(name, real_sky, tmp_path, monkeypatch):
    url, stars = real_sky
    monkeypatch.setenv("ALERCE_ZVAR_SERVER", url)
    place = SkyCoord(stars[name]["ra_deg"], stars[name]["dec_deg"], unit="deg")
    span = {"minimum_period": 0.5 * u.day, "maximum_period": 2 * u.day}
    with pytest.warns(PartialResultWarning, match=r"5 questions had no answer.* this server holds no catalogue"):
        found = Page(report(place, tmp_path / "star.html", services=["zvar"], search=span))
    assert float(found.value("Period").partition(" ")[0]) == pytest.approx(stars[name]["period_d"], rel=1e-4)
    assert found.value("Believed").startswith("yes")
    assert found.value("Depth").endswith(" mag")
    assert "cross-match with gaia: The service refused the request" in found.text


# ------------------------------------------------------------------------------------------ services that fail


def test_a_service_that_fails_does_not_keep_the_others_back(monkeypatch, tmp_path):
    monkeypatch.setattr(conf, "max_retries", 0)
    told = pytest.warns(PartialResultWarning, match=r"2 questions had no answer.*objects of ALeRCE at the position")
    with FaultServer(http(b"down for \x1b[31mrepair", 503)) as broken, told:
        path = report(
            PSID,
            tmp_path / "star.html",
            search=PLAIN,
            alerce=AlerceClass(url=broken.url),
            catshtm=CatsHTMClass(url=broken.url),
        )
    found = Page(path)
    assert found.value("ALeRCE object") == "—"
    assert found.value("ZVAR source") == PSID
    assert "objects of ALeRCE at the position: " in found.text
    assert "down for \N{REPLACEMENT CHARACTER}[31mrepair" in found.text
    assert "\x1b" not in found.source
    assert found.value("Searched").startswith("ZVAR")


def test_nothing_known_is_an_error_and_no_page(monkeypatch, tmp_path):
    path = tmp_path / "star.html"
    with pytest.raises(NotFoundError, match=r"and ZVAR found nothing at '08:00:00.000 -20:00:00.000' within 1.5"):
        report(SkyCoord(120 * u.deg, -20 * u.deg), path)
    with pytest.raises(NotFoundError, match=r"found nothing at 'ZTF99zzzzzzz'"):
        report("ZTF99zzzzzzz", path)
    monkeypatch.setattr(conf, "max_retries", 0)
    with FaultServer(http(b"", 503)) as broken, pytest.raises(UnavailableError):
        report(PSID, path, zvar=ZvarClass(url=broken.url))
    assert list(tmp_path.iterdir()) == []


WRONG = {
    "type": ({"source_or_coordinates": 3.5}, TypeError, "must be an id of ALeRCE or ZVAR, a SkyCoord, a TimeSeries"),
    "empty": ({"source_or_coordinates": " "}, ValueError, "an empty text was given"),
    "many positions": ({"source_or_coordinates": SkyCoord([1, 2], [3, 4], unit="deg")}, ValueError, "2 positions"),
    "no time": ({"source_or_coordinates": Table({"a": [1]})}, ValueError, "has no column 'time'"),
    "no values": ({"source_or_coordinates": wave()["time", "band"]}, ValueError, "neither a column 'mag' nor 'flux'"),
    "no rows": ({"source_or_coordinates": wave()[:0]}, ValueError, "this table has no rows with a time"),
    "several": (
        {"source_or_coordinates": LightCurves.from_tables([wave(), wave()], ["a", "b"])},
        ValueError,
        "these are 2 light curves",
    ),
    "place of an id": ({"coordinates": PLACE}, TypeError, "coordinates go with a light curve"),
    "service": ({"services": ["simbad"]}, ValueError, "services must be of alerce, zvar, catshtm; 'simbad' is not"),
    "no service": ({"services": []}, ValueError, "an empty list was given"),
    "survey": ({"survey": "css"}, ValueError, "survey must be 'ztf' or 'lsst', not 'css'"),
    "radius": ({"radius": 3}, u.UnitsError, "radius"),
    "option": ({"search": {"harmonics": 3}}, ValueError, "has no option 'harmonics'"),
    "options": ({"search": 3}, TypeError, "search must be a dict of options of find_period, not 3"),
    "period": ({"search": {"minimum_period": 3}}, u.UnitsError, "minimum_period must be a Quantity"),
    "range": ({"search": {"minimum_period": 3 * u.d, "maximum_period": 1 * u.d}}, ValueError, "minimum_period (3 d)"),
    "density": ({"search": {"samples_per_peak": 0}}, ValueError, "samples_per_peak must be"),
    "workers": ({"search": {"workers": 0}}, ValueError, "workers must be a positive whole number"),
    "no path": ({"path": None}, TypeError, "path must be a file to write, such as star.html, not None"),
    "path": ({"path": "a\0.html"}, ValueError, "path must be a file to write"),
    "folder": ({"path": "missing/star.html"}, FileNotFoundError, "there is no folder"),
    "file": ({"path": "there.html"}, FileExistsError, "there.html exists; overwrite=True replaces it"),
    "is a folder": ({"path": "."}, IsADirectoryError, "is a folder"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_parameters_are_told_before_anything_is_asked(what, tmp_path, monkeypatch):
    given, error, words = WRONG[what]
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("there.html").write_text("mine", encoding="utf-8")
    with FaultServer(http(b"", 500)) as broken:
        monkeypatch.setenv("ALERCE_ZVAR_SERVER", broken.url)
        with pytest.raises(error, match=re.escape(words)):
            report(**({"source_or_coordinates": OID, "path": "star.html"} | given))
    assert broken.requests == []
    assert [path.name for path in tmp_path.iterdir()] == ["there.html"]
    assert tmp_path.joinpath("there.html").read_text(encoding="utf-8") == "mine"


def test_a_file_is_replaced_where_that_is_wanted(tmp_path):
    path = tmp_path / "star.html"
    path.write_text("old", encoding="utf-8")
    report(wave()[:6], path, overwrite=True)
    assert "own light curve" in path.read_text(encoding="utf-8")
    assert [one.name for one in tmp_path.iterdir()] == ["star.html"]


# --------------------------------------------------------------------------------------------- hostile texts


def test_names_are_shown_as_text(tmp_path):
    name = f'{SCRIPT} {RED} {TURNED} "><img src=x onerror=alert(1)> $x^$ {{{{ 7 * 7 }}}}'
    found = Page(report(wave(identifier=name, band=name), tmp_path / "own.html", search=PLAIN))
    assert found.value("Light curve given") == re.sub("[\x1b\u202e]", "\N{REPLACEMENT CHARACTER}", name)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", found.source)
    assert "script" not in found.tags
    assert {image["src"][:22] for image in found.images} == {"data:image/png;base64,"}


def test_answers_are_shown_as_text(tmp_path, monkeypatch):
    rows = [
        {"classifier_name": SCRIPT, "classifier_version": RED, "class_name": TURNED, "probability": 1, "ranking": 1}
    ]
    shown = ["<script>alert(1)</script>", "\N{REPLACEMENT CHARACTER}[31mred", "abc\N{REPLACEMENT CHARACTER}def"]
    with FaultServer(json_reply(rows)) as hostile:
        answer = AlerceClass(url=hostile.url).query_probabilities(OID)
    monkeypatch.setattr(AlerceClass, "query_probabilities", lambda self, *args, **options: answer)
    found = Page(report(OID, tmp_path / "star.html", services=["alerce"], search=PLAIN))
    assert [*shown, "1", "1"] in found.rows
    assert "\x1b" not in found.source
    assert "script" not in found.tags


@pytest.mark.parametrize("name", [SCRIPT, RED])
def test_a_hostile_source_of_a_user_table_is_harmless_everywhere(name, tmp_path, monkeypatch, capsys, caplog):
    caplog.set_level("DEBUG", "alerce_zvar")
    monkeypatch.chdir(tmp_path)
    with Archive.create("sky.duckdb") as archive:
        archive.import_table(wave(), coordinates=SkyCoord(10 * u.deg, 20 * u.deg), name=name)
        assert archive.sources()["name"].tolist() == [name]
        with serve(archive) as server:
            for service in ("alerce", "zvar"):
                words = ("cone", "10 20", "--radius", "2arcsec", "--service", service, "--server", server.url)
                assert cli.main([*words, "--format", "csv"]) == 0
            words = ("report", "10 20", "-o", "star.html", "--services", "alerce", "--server", server.url)
            assert cli.main([*words, "--method", "aov", "--min-period", "0.4d", "--max-period", "0.6d"]) == 0
    out, err = capsys.readouterr()
    assert out.endswith("star.html\n")
    assert not re.search("[\x1b\x9b\u202e]|<script", out + err + caplog.text)
    found = Page(tmp_path / "star.html")
    assert found.value("Searched").startswith("ALeRCE: mag of 120 points")
    assert not re.search("[\x1b\x9b\u202e]|<script", found.source)


def test_an_object_of_lsst(sample_server, tmp_path):
    objects = AlerceClass(url=sample_server).query_region(PLACE, radius="8arcmin", survey="lsst", row_limit=-1)
    oid = str(objects["oid"][0])
    found = Page(report(oid, tmp_path / "star.html", survey="lsst", services=["alerce"], search=PLAIN))
    assert found.value("ALeRCE object") == oid
    assert {row[0] for row in found.rows if len(row) == 10} >= {"ALeRCE", "ALeRCE, forced photometry"}
    assert "nJy" in found.text
    assert "Ivezić et al. 2019" in found.text
    assert "Bellm et al. 2019" not in found.text


# ------------------------------------------------------------------------------------------ the command line


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*words):
        code = cli.main(["report", *words])
        return code, *capsys.readouterr()

    return call


FAST = ("--method", "aov", "--min-period", "0.2d", "--max-period", "0.6d")


def test_the_command_writes_a_page_and_tells_where(run, tmp_path):
    code, out, err = run("0.87814 +30.944033", "--out", "star.html", "--services", "alerce,zvar", *FAST)
    assert (code, out) == (0, "star.html\n")
    assert err.splitlines()[0] == "alerce-zvar: objects of ALeRCE at the position"
    assert err.splitlines()[-1] == "alerce-zvar: figures"
    assert Page(tmp_path / "star.html").value("ZVAR source") == PSID
    assert run(OID, "-o", "star.html") == (1, "", "alerce-zvar: error: star.html exists; overwrite=True replaces it\n")


def test_without_a_login_the_page_has_what_needs_none(run, monkeypatch, tmp_path):
    monkeypatch.delenv("ZVAR_PASSWORD")
    code, out, err = run(OID, "-o", "star.html", "--services", "alerce,zvar", "--quiet", *FAST)
    assert (code, out, err) == (3, "star.html\n", "")
    found = Page(tmp_path / "star.html")
    assert found.value("ALeRCE object") == OID
    assert "sources of ZVAR at the position: " in found.text
    assert "login" in found.text
    assert found.value("Searched").startswith("ALeRCE: mag of 522 points")


def test_the_command_knows_wrong_usage(run):
    for words in ((OID,), (OID, "-o", "a.html", "--services", "simbad"), ("95 +95", "-o", "a.html"), ("", "-o", "a")):
        with pytest.raises(SystemExit, match="2"):
            run(*words)


def test_warnings_show_escapes_as_text():
    from alerce_zvar.errors import warn

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        warn(f"{RED} {TURNED}", PartialResultWarning)
    assert str(told[0].message) == "\N{REPLACEMENT CHARACTER}[31mred abc\N{REPLACEMENT CHARACTER}def"
