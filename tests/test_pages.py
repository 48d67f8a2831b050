"""The local server's pages, as a browser without scripts sees them."""

import base64
import io
import re
import threading
from itertools import pairwise
from urllib.parse import parse_qs, urljoin, urlsplit

import numpy as np
import pytest
import requests
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time
from bs4 import BeautifulSoup
from hypothesis import example, given, settings
from hypothesis import strategies as st
from star_server import HOSTILE, HOSTILE_OID, LOGIN, build, build_hostile, star_table

from alerce_zvar import AlerceClass, ZvarClass
from alerce_zvar.archive import Archive
from alerce_zvar.server import serve

pytest.importorskip("fastapi")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@pytest.fixture(scope="module")
def get(sample_server):
    """GET with the login."""
    with requests.Session() as session:
        session.auth = LOGIN
        yield lambda path, **params: session.get(urljoin(sample_server, path), params=params, timeout=60)


@pytest.fixture(scope="module")
def soup(get):
    """Parsed page; it must be there."""

    def read(path, **params):
        reply = get(path, **params)
        assert reply.status_code == 200, reply.text
        return BeautifulSoup(reply.text, "html.parser")

    return read


@pytest.fixture(scope="module")
def star(sample_archive):
    """Identifiers of a source that all services know."""
    sources = sample_archive.sources()
    row = sources[~np.ma.getmaskarray(sources["lsst_oid"])][0]
    return {name: str(row[name]) for name in ("psid", "oid", "lsst_oid", "name")} | {
        name: float(row[name]) for name in ("ra", "dec")
    }


@pytest.fixture(scope="module")
def stars_url(tmp_path_factory):
    """Address of a server of four stars, without users."""
    with build(tmp_path_factory.mktemp("pages") / "sky.duckdb") as archive, serve(archive) as server:
        yield server.url


def table_of(page, selector="table.results"):
    """Header and cells of a table."""
    table = page.select_one(selector)
    names = [
        " ".join(cell.get_text(strip=True).split()).rstrip("▲▼").split(" [")[0] for cell in table.select("thead th")
    ]
    return [
        dict(zip(names, (cell.get_text(strip=True) for cell in row.select("td")), strict=True))
        for row in rows_of(table)
    ]


def rows_of(table):
    return table.select("tbody tr")


def every_row(soup, path):
    """Rows of all pages of results, following the links."""
    found = []
    while path:
        page = soup(path)
        found += table_of(page)
        link = page.select_one('nav.pages a[rel="next"]')
        path = link and urljoin("/", link["href"])
    return found


# --- search ---------------------------------------------------------------------------------------------------------


def test_everything_is_listed_in_pages(soup, sample_archive):
    page = soup("/")
    assert "300 objects, 1 to 50 shown" in " ".join(page.select_one("[role=status]").get_text().split())
    assert len(page.select("svg circle.point")) == 300
    found = every_row(soup, "/")
    assert [row["psid"] for row in found] == sample_archive.sources()["psid"].tolist()
    last = soup("/?page=6")
    assert len(table_of(last)) == 50
    assert last.select_one('a[rel="next"]') is None
    assert "there is no page 7" in soup("/?page=7").get_text()


@pytest.mark.parametrize("name", ["dec", "class", "period", "lsst_oid"])
def test_sorting_loses_no_row(soup, sample_archive, name):
    """Down and up the same rows, those without a value last; sorted by the links in the header."""
    up, down = (every_row(soup, f"/?sort={name}&order={order}") for order in ("asc", "desc"))
    everything = sorted(sample_archive.sources()["psid"].tolist())
    assert sorted(row["psid"] for row in up) == sorted(row["psid"] for row in down) == everything
    label = {
        "name": "Name",
        "ra": "RA",
        "dec": "Dec",
        "class": "Class",
        "probability": "Probability",
        "ndet": "Detections",
    }
    label |= {"period": "Period", "lsst_oid": "LSST oid"}
    values = [[row[label.get(name, name)] for row in rows] for rows in (up, down)]
    numbers = name in ("ra", "dec", "probability", "ndet", "period")
    known = [[float(v) if numbers else v for v in column if v != "–"] for column in values]
    assert known[0] == sorted(known[0], key=int if name.endswith(("psid", "lsst_oid")) else None)
    assert known[1] == sorted(known[1], key=int if name.endswith(("psid", "lsst_oid")) else None, reverse=True)
    assert len(known[0]) == len(known[1]) > 10
    assert all(value == "–" for column in values for value in column[len(known[0]) :])


def test_the_header_sorts(soup):
    page = soup("/?class=ztf/lc_classifier/RRL")
    link = page.find("a", string=re.compile("Probability"))
    assert parse_qs(urlsplit(link["href"]).query)["class"] == ["ztf/lc_classifier/RRL"]
    sorted_page = soup(urljoin("/", link["href"]))
    assert sorted_page.select_one("th[aria-sort]")["aria-sort"] == "ascending"
    again = sorted_page.find("a", string=re.compile("Probability")) or sorted_page.select_one("th[aria-sort] a")
    assert "order=desc" in again["href"]


@pytest.mark.parametrize(
    "words",
    ["{ra:.9f} {dec:+.9f}", "{ra:.9f}, {dec:.9f}", "{hms}", "{colons}", "SDSS J{packed}"],
)
def test_search_by_position(soup, sample_archive, star, words):
    place = SkyCoord(star["ra"] * u.deg, star["dec"] * u.deg)
    text = words.format(
        **star,
        hms=place.to_string("hmsdms", precision=5),
        colons=place.to_string("hmsdms", sep=":", precision=5),
        packed="".join(place.to_string("hmsdms", sep="", precision=3, pad=True, alwayssign=True).split()).lstrip("+"),
    )
    found = table_of(soup("/", position=text, radius="2.5", unit="arcmin"))
    ours = sample_archive.cone_search(*(np.array([value]) for value in (star["ra"], star["dec"], 150.0)))
    assert [row["psid"] for row in found] == ours["psid"].astype(str).tolist()
    separations = [float(row["Separation"]) for row in found]
    np.testing.assert_allclose(separations, ours["distance"], atol=0.05)
    assert len(found) > 5


@pytest.mark.parametrize("name", ["psid", "oid", "lsst_oid", "name"])
def test_search_by_identifier(soup, star, name):
    (row,) = table_of(soup("/", id=star[name]))
    assert row["psid"] == star["psid"]
    assert row["oid"] == star["oid"]
    nothing = soup("/", id="0" + star[name])  # exact, as text
    assert "Nothing was found" in nothing.select_one("[role=status]").get_text()
    assert nothing.select_one("table.results") is None


def test_search_by_class(soup, sample_archive):
    for choice, low in (("ztf/lc_classifier/RRL", 0.5), ("lsst/stamp_classifier_rubin_beta/VS", 0.0)):
        survey, classifier, name = choice.split("/")
        prefix = "" if survey == "ztf" else "lsst_"
        column = f"{prefix}oid"
        theirs = sample_archive.query(
            f"SELECT DISTINCT oid::VARCHAR AS oid FROM {prefix}probabilities WHERE classifier_name = ? "
            "AND class_name = ? AND ranking = 1 AND probability >= ?",
            [classifier, name, low],
        )["oid"]
        found = every_row(soup, f"/?class={choice}&probability={low}")
        label = {"oid": "oid", "lsst_oid": "LSST oid"}[column]
        assert sorted(row[label] for row in found) == sorted(theirs.tolist())
        assert {row["Class"] for row in found} == {name}
        assert all(float(row["Probability"]) >= low for row in found)
    options = [option["value"] for option in soup("/").select("select[name=class] option")]
    assert "ztf/lc_classifier/CV/Nova" in options


def test_conditions_go_together(soup, star):
    page = soup("/", position=f"{star['ra']} {star['dec']}", radius=20, unit="arcmin", id=star["oid"])
    assert [row["psid"] for row in table_of(page)] == [star["psid"]]
    assert page.select_one("#position")["value"] == f"{star['ra']} {star['dec']}"
    assert page.select_one("select[name=unit] option[selected]").get_text() == "arcmin"


@pytest.mark.parametrize(
    ("field", "query"),
    [
        ("position", {"position": "M31"}),
        ("position", {"position": "10 91"}),
        ("position", {"position": "1" * 300}),
        ("radius", {"position": "0 0", "radius": "-1"}),
        ("radius", {"position": "0 0", "radius": "nan"}),
        ("radius", {"position": "0 0", "radius": "0"}),
        ("radius", {"position": "0 0", "radius": "181", "unit": "deg"}),
        ("unit", {"position": "0 0", "unit": "parsec"}),
        ("id", {"id": "x" * 201}),
        ("class", {"class": "ztf/lc_classifier/<b>"}),
        ("probability", {"class": "ztf/lc_classifier/RRL", "probability": "2"}),
        ("probability", {"probability": "0.5"}),
        ("sort", {"sort": "psid; DROP TABLE sources"}),
        ("sort", {"sort": "separation"}),
        ("order", {"order": "up"}),
        ("page", {"page": "0"}),
        ("page", {"page": "١"}),
        ("page", {"page": "1e3"}),
    ],
)
def test_bad_input_names_its_field(get, field, query):
    reply = get("/", **query)
    page = BeautifulSoup(reply.text, "html.parser")
    assert reply.status_code == 400
    assert [item.strong.get_text() for item in page.select(".problems li")] == [field]
    assert page.select_one("table.results") is None
    marked = page.select("[aria-invalid]")
    assert [control["name"] for control in marked] == ([] if field in ("sort", "order", "page") else [field])
    for control in marked:
        assert page.find(id=control["aria-describedby"]).get_text()


TEXT = st.text(max_size=40) | st.from_regex(r"[-+0-9:. hmsdJ]{1,30}", fullmatch=True)


@settings(max_examples=30)
@given(position=TEXT, radius=TEXT, identifier=TEXT, page=TEXT | st.integers().map(str))
@example(position="00:00:60 +00:00:00", radius="10", identifier="", page="1")
@example(position="J996060+999999", radius="1e400", identifier="\0", page="999999999")
def test_any_text_gives_an_answer(get, position, radius, identifier, page):
    for query in ({"position": position, "radius": radius}, {"id": identifier, "page": page}):
        reply = get("/", **query)
        assert reply.status_code in (200, 400)
        assert reply.headers["content-security-policy"] == POLICY


# --- sky plot -------------------------------------------------------------------------------------------------------


def points_of(page):
    """psid -> pixel, of the points that lead to an object."""
    found = {}
    for link in page.select(".sky a"):
        circle = link.find("circle")
        found[link["href"].rpartition("/")[2]] = float(circle["cx"]), float(circle["cy"])
    return found


def test_the_plot_has_east_left_and_north_up(soup, sample_archive):
    sources, points = sample_archive.sources(), points_of(soup("/"))
    x, y = np.array([points[psid] for psid in sources["psid"]]).T
    assert np.corrcoef(x, sources["ra"])[0, 1] == pytest.approx(-1, abs=1e-6)
    assert np.corrcoef(y, sources["dec"])[0, 1] == pytest.approx(-1, abs=1e-6)  # pixels count downwards


def test_the_circle_of_the_search(soup, star):
    page = soup("/", position=f"{star['ra']} {star['dec']}", radius=3, unit="arcmin")
    circle = page.select_one("circle.cone")
    x, y, r = (float(circle[name]) for name in ("cx", "cy", "r"))
    labels = [text.get_text() for text in page.select(".sky .axis text")]
    assert "Offset to the east [arcmin]" in labels
    for row in table_of(page):
        px, py = points_of(page)[row["psid"]]
        assert np.hypot(px - x, py - y) / r * 180 == pytest.approx(float(row["Separation"]), abs=0.05)
        east = (float(row["RA"]) - star["ra"]) * np.cos(np.radians(star["dec"])) * 60
        assert (x - px) / r * 3 == pytest.approx(east, abs=0.01)


def test_a_field_across_the_meridian_and_one_of_many(tmp_path):
    """Neighbours on both sides of right ascension 0 stay neighbours; thousands are drawn as a density."""
    rng = np.random.default_rng(1)
    table = Table({"time": Time(np.full(900, 58300.0), format="mjd", scale="utc")})
    table["name"], table["band"] = [f"n{i}" for i in range(900)], "g"
    table["ra"], table["dec"] = rng.uniform(-0.2, 0.2, 900) % 360, rng.uniform(-0.2, 0.2, 900)
    table["mag"], table["mag_err"] = 15.0, 0.1
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_table(table)
        with serve(archive) as server:
            page = BeautifulSoup(requests.get(server.url, timeout=30).text, "html.parser")
            few = requests.get(server.url, params={"position": "0 0", "radius": 5, "unit": "arcmin"}, timeout=30).text
    cells = page.select('.sky [class^="density"]')
    assert 100 < len(cells) <= 40 * 34
    assert len(points_of(page)) == 50  # of the page of the table
    labels = [text.get_text() for text in page.select(".sky .axis text")]
    assert {"0.0", "359.8"} <= set(labels)
    assert "Right ascension (ICRS) [deg]" in labels
    assert len(points_of(BeautifulSoup(few, "html.parser"))) > 20


# --- object ---------------------------------------------------------------------------------------------------------


def facts_of(page):
    return {one.dt.get_text(): one.dd.get_text(strip=True) for one in page.select("dl.facts > div")}


def test_an_object_by_each_of_its_names(soup, star):
    pages = {name: soup(f"/object/{star[name]}") for name in ("psid", "oid", "lsst_oid")}
    for name, page in pages.items():
        assert page.h1.get_text() == star[name]
        facts = facts_of(page)
        assert [facts[label] for label in ("psid", "oid", "LSST oid")] == [star[k] for k in ("psid", "oid", "lsst_oid")]
        shown = SkyCoord(facts["RA, Dec (ICRS)"], unit=(u.hourangle, u.deg))
        assert shown.separation(SkyCoord(star["ra"] * u.deg, star["dec"] * u.deg)) < 0.02 * u.arcsec
        links = {link.get_text(): link for link in page.select(".elsewhere a")}
        assert links.keys() == {"SIMBAD", "Aladin", "ALeRCE Explorer"}
        assert all(link["rel"] == ["noopener", "noreferrer"] for link in links.values())


def test_classifications_and_features_are_those_of_the_service(soup, sample_server, star):
    page = soup(f"/object/{star['oid']}")
    client = AlerceClass(url=sample_server)
    for survey, oid in (("ztf", star["oid"]), ("lsst", star["lsst_oid"])):
        theirs = client.query_probabilities(oid, survey=survey)
        shown = set()
        for table in page.select("table.classes"):
            if table.parent.summary.get_text().split(": ")[1].startswith(survey.upper()):
                version = table.caption.get_text()
                for row in rows_of(table):
                    rank, _, chance = (cell.get_text() for cell in row.select("td"))
                    shown.add((version, row.th.get_text(), int(rank), float(chance)))
                    width = float(row.select("rect")[1]["width"])
                    assert width == pytest.approx(100 * float(chance), abs=0.01)
        assert shown == {
            (
                f"{row['classifier']}, version {row['classifier_version']}",
                row["class_name"],
                row["ranking"],
                round(row["probability"], 4),
            )
            for row in theirs
        }
    theirs = client.query_features(star["oid"], version="all")
    cells = [row for table in page.select(".features table") for row in rows_of(table)]
    assert len(cells) == len(theirs)
    latest = client.query_features(star["oid"])["version"][0]
    assert page.select_one("#features ~ details summary").get_text().startswith(f"Version {latest}:")


def test_stamps_are_pictures(get, soup, star):
    page = soup(f"/object/{star['psid']}")
    images = page.select(".stamps img")
    assert len(images) >= 6
    for image in images:
        reply = get(image["src"])
        assert (reply.status_code, reply.headers["content-type"]) == (200, "image/png")
        assert re.fullmatch(r"(Science|Template|Difference) image of the .* detection \d+", image["alt"])


def test_the_brightest_detection_is_that_of_the_star_not_of_its_change(soup, sample_archive):
    rows = sample_archive.query(
        "SELECT oid, arg_min(a.candid, magpsf_corr)::VARCHAR AS star, arg_min(a.candid, magpsf)::VARCHAR AS change "
        "FROM alerts a JOIN detections d USING (oid, candid) GROUP BY oid HAVING star != change ORDER BY oid"
    )
    assert len(rows["oid"]) > 0
    for oid, candid in zip(rows["oid"][:3], rows["star"][:3], strict=True):
        shown = [image["alt"] for image in soup(f"/object/{oid}").select(".stamps img")]
        assert f"brightest detection {candid}" in " ".join(shown)


def test_raw_answers_are_those_of_the_endpoints(get, soup, sample_server, star):
    page = soup(f"/object/{star['psid']}")
    rows = [row for row in page.select("#raw ~ .scroll tbody tr")]
    assert len(rows) == 15
    for row in rows:
        reply = get(row.a["href"])
        assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
        request = row.select("td")[2].get_text()
        if request.startswith("POST "):
            path, body = row.a.get_text(), request.removeprefix("POST ")
            theirs = requests.post(sample_server + path, data=body, auth=LOGIN, timeout=30)
            assert theirs.content == reply.content


@pytest.fixture
def zvar(sample_server, monkeypatch):
    monkeypatch.setenv("ZVAR_USERNAME", LOGIN[0])
    monkeypatch.setenv("ZVAR_PASSWORD", LOGIN[1])
    return ZvarClass(url=sample_server)


def test_cross_matches_are_those_of_the_class(soup, zvar, star):
    tables = {
        table.caption.get_text(): table for table in soup(f"/object/{star['psid']}").select("#matches ~ .scroll table")
    }
    titles = {"gaia": "Gaia", "ps1": "Pan-STARRS1", "2mass": "2MASS", "allwise": "AllWISE"}
    for name, title in titles.items():
        theirs = zvar.query_crossmatch(star["psid"], name, radius=3 * u.arcsec, closest=False)
        heads = [cell.get_text() for cell in tables[title].select("thead th")]
        for row, cells in zip(theirs, rows_of(tables[title]), strict=True):
            shown = dict(zip(heads, (cell.get_text() for cell in cells.select("td")), strict=True))
            assert shown["source_id"] == row["source_id"]
            assert float(shown["ra [deg]"]) == pytest.approx(row["ra"], abs=1e-8)
    gaia = {cell.get_text() for cell in tables["Gaia"].select("thead th")}
    assert {"phot_g_mean_mag [mag]", "parallax [mas]", "pmra [mas yr⁻¹]"} <= gaia
    assert "GAIA/DR2" in tables  # of the cone of catsHTM


def read_back(content, form):
    if form == "csv":
        return Table.read(io.BytesIO(content), format="ascii.csv", converters={"*id": str, "candid": str})
    return Table.read(io.BytesIO(content), format={"ecsv": "ascii.ecsv", "vot": "votable"}[form])


@pytest.mark.parametrize("form", ["ecsv", "vot", "csv"])
@pytest.mark.parametrize("name", ["psid", "oid", "lsst_oid"])
def test_downloads_are_what_the_classes_give(get, sample_server, zvar, star, name, form):
    identifier = star[name]
    reply = get(f"/object/{identifier}/lightcurve.{form}")
    assert reply.headers["content-disposition"] == f"attachment; filename*=UTF-8''{identifier}.{form}"
    found = read_back(reply.content, form)
    if name == "psid":
        theirs = zvar.get_lightcurves(identifier, bands=None)[0]
    elif name == "oid":
        theirs = AlerceClass(url=sample_server).get_lightcurve(identifier, include_upper_limits=True)
    else:
        theirs = AlerceClass(url=sample_server).get_lightcurve(identifier, survey="lsst")
    assert len(found) == len(theirs) > 20
    assert set(map(str, found[name.removeprefix("lsst_")])) == {identifier}
    time = found[f"time_mjd_{theirs['time'].scale}" if form == "csv" else "time"]
    np.testing.assert_allclose(getattr(time, "mjd", time), theirs["time"].mjd, rtol=0, atol=1e-9)
    for column in theirs.colnames[1:]:
        ours, mine = found[column], theirs[column]
        missing = np.asarray(getattr(mine, "mask", np.zeros(len(mine), bool)))
        assert np.array_equal(np.ma.getmaskarray(ours) | (form == "vot") & missing, missing), column
        if mine.dtype.kind in "fiu":
            np.testing.assert_array_equal(
                np.asarray(ours, mine.dtype)[~missing], np.asarray(getattr(mine, "unmasked", mine))[~missing]
            )
        else:
            assert np.asarray(ours)[~missing].astype(str).tolist() == np.asarray(mine)[~missing].astype(str).tolist()
        if form == "ecsv" or (form == "vot" and not column.startswith("flux")):  # VOUnit has no word for DN
            assert (ours.unit or None) == (getattr(mine, "unit", None) or None)


def test_what_cannot_be_downloaded(get, sample_archive):
    sources = sample_archive.sources()
    star_of_zvar = sources[np.ma.getmaskarray(sources["oid"])][0]["psid"]
    for path in ("nobody", "nobody/lightcurve.csv", f"{star_of_zvar}/lightcurve.exe", f"{star_of_zvar}/x.json", ""):
        reply = get(f"/object/{path}")
        assert (reply.status_code, reply.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert reply.headers["content-security-policy"] == POLICY
    assert get(f"/object/{star_of_zvar}/x/y").status_code == 404


def unpacked(packed):
    return np.frombuffer(base64.b64decode(packed["data"]), "<" + packed["dtype"]).astype(float)


def test_the_explorer_gets_all_light_curves_and_periods(get, zvar, star, soup):
    payload = get(f"/object/{star['psid']}/explorer.json").json()
    assert [one["id"] for one in payload["objects"]] == [star["psid"], star["oid"], star["lsst_oid"]]
    theirs = zvar.get_lightcurves(star["psid"], bands=None)[0]
    good = ~np.asarray(theirs["mag"].mask)
    ours = payload["objects"][0]
    np.testing.assert_array_equal(unpacked(ours["columns"]["mag"]["value"]), theirs["mag"].unmasked[good].value)
    shown = [
        row.select("td")[5].get_text()
        for row in rows_of(soup(f"/object/{star['psid']}").select_one("#periods ~ .scroll table"))
    ]
    assert ours["periods"][0]["origin"] == "ZVAR"
    assert ours["periods"][0]["value"] == pytest.approx(float(shown[0]), rel=1e-8)
    assert ours["periodogram"] is None


def test_periods_are_searched_on_request(get, star, monkeypatch):
    """Once for each light curve; and while a search runs, everything else is answered."""
    from alerce_zvar.server.pages import explorer

    began, go_on, searches, search = threading.Event(), threading.Event(), [], explorer.find_period

    def waiting(light_curve, **options):
        searches.append(light_curve.meta["id"])
        began.set()
        assert go_on.wait(60)
        return search(light_curve, method="lombscargle", minimum_period=0.1 * u.day, **options)

    monkeypatch.setattr(explorer, "find_period", waiting)
    path, answers = f"/object/{star['oid']}/periods.json", []
    thread = threading.Thread(target=lambda: answers.append(get(path, curve="lsst_oid")))
    thread.start()
    try:
        assert began.wait(60)
        assert get("/").status_code == 200
        assert get(f"/object/{star['oid']}/explorer.json").status_code == 200
        assert not answers
    finally:
        go_on.set()
        thread.join()
    found = answers[0].json()
    assert found["periods"][0]["origin"] == "find_period"
    assert 100 < len(unpacked(found["periodogram"]["frequency"])) <= 3000
    assert get(path, curve="lsst_oid").content == answers[0].content
    assert searches == [star["lsst_oid"]]
    assert get(path, curve="nothing").status_code == 404
    assert get(path).json() == {"detail": "There is no such light curve."}


def test_a_light_curve_too_short_for_a_search(tmp_path):
    table = star_table()[:4]
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_table(table)
        with serve(archive) as server:
            psid = archive.sources()["psid"][0]
            reply = requests.get(f"{server.url}/object/{psid}/periods.json?curve=psid", timeout=30)
            page = requests.get(f"{server.url}/object/{psid}", timeout=30).text
    assert reply.status_code == 422
    assert reply.json()["detail"].startswith("No period can be searched for: ")
    for words in (
        "no images of its detections",
        "no features",
        "not classified",
        "no period",
        "does not hold this catalogue",
    ):
        assert words in page


def test_no_link_leads_to_a_light_curve_that_no_service_answers(tmp_path):
    table = star_table()[:20]
    table["mag"] = np.nan  # only upper limits: ALeRCE knows an object from its first detection on
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        archive.import_table(table)
        with serve(archive) as server:
            page = requests.get(f"{server.url}/object/{archive.sources()['psid'][0]}", timeout=30).text
            links = re.findall(r'href="([^"]*lightcurve[^"]*)"', page)
            assert [requests.get(server.url + link, timeout=30).status_code for link in links] == [200] * 3
    assert re.findall(r'data-curve="(\w+)"', page) == ["psid"]


def test_the_way_through_the_results(soup, star):
    search = f"/?position={star['ra']}+{star['dec']}&radius=1.2&unit=arcmin&sort=ra"
    page = soup(search)
    psids = [row["psid"] for row in table_of(page)]
    link, seen = page.select_one("td.id a")["href"], []
    while link:
        page = soup(link)
        seen.append(page.h1.get_text())
        ways = {a.get_text(): a["href"] for a in page.select("nav.route a")}
        link = ways.get("Next")
    assert seen == psids
    assert len(seen) > 2
    assert ways["Previous"].startswith(f"/object/{seen[-2]}?")
    assert [row["psid"] for row in table_of(soup(ways["Results"]))] == psids
    for wrong in ("row=٣&page=x", "row=0", "row=9999"):
        assert soup(f"/object/{seen[0]}?{wrong}").select("nav.route") == []


def test_two_sources_at_one_place_lead_to_each_other(tmp_path):
    near, apart = star_table()[:20], star_table()[:20]
    near["dec"] += 1.2 / 3600
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        near["name"] = "second"
        archive.import_table(apart)
        archive.import_table(near, radius=0.1 * u.arcsec)
        first, second = archive.sources()
        with serve(archive) as server:
            for one, other in ((first, second), (second, first)):
                page = BeautifulSoup(requests.get(f"{server.url}/object/{one['psid']}", timeout=30).text, "html.parser")
                line = next(text for text in page.select("p") if text.get_text().startswith("At the same place"))
                assert line.a["href"] == f"/object/{other['oid']}"
                assert "(1.20 arcsec)" in line.get_text()


# --- safety ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Address of a server of stars with hostile names."""
    with build_hostile(tmp_path_factory.mktemp("hostile") / "sky.duckdb") as archive, serve(archive) as server:
        yield server.url


def seen(text):
    """A text with what cannot be seen marked."""
    return re.sub("[\x1b\u202e]", "\ufffd", text)


def test_hostile_names_are_text(hostile):
    url, identifier = hostile, HOSTILE_OID
    page = BeautifulSoup(requests.get(url, timeout=30).text, "html.parser")
    rows = table_of(page)
    assert {row["Name"] for row in rows} == {seen(name) for name in HOSTILE}
    assert page.select("script, img, td b") == []
    row = next(row for row in rows if row["Name"] == HOSTILE[0])
    link = page.find("a", string=row["oid"])["href"]
    path = requests.get(url, params={"id": identifier}, timeout=30)
    assert row["oid"] == seen(identifier)
    assert "<strong>1</strong> object," in path.text
    one = requests.get(urljoin(url, link), timeout=30)
    assert one.status_code == 200
    page = BeautifulSoup(one.text, "html.parser")
    assert page.h1.get_text() == seen(identifier)
    assert all(
        script.get("src", "").startswith("/static/") and not script.get_text() for script in page.select("script")
    )
    assert page.select("main img, main b, [onerror], [style]") == []
    for link in page.select("ul.downloads a"):
        found = requests.get(urljoin(url, link["href"]), timeout=30)
        assert found.status_code == 200
        assert "\n" not in found.headers["content-disposition"]
        assert "<b>" not in found.headers["content-disposition"]
    payload = requests.get(
        urljoin(url, page.select_one("#explorer")["data-address"] + "/explorer.json"), timeout=30
    ).json()
    assert identifier in [one["id"] for one in payload["objects"]]


def test_no_control_character_reaches_a_page(hostile):
    for path in ("/", "/?id=%1b[31m&position=%1b]0;x%07"):
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202e]", requests.get(hostile + path, timeout=30).text)


@pytest.mark.parametrize(
    "path", ["/", "/?page=x", "/object/nobody", "/object/{psid}", "/object/{psid}/explorer.json", "/docs"]
)
def test_every_page_is_sent_with_its_policy(get, star, path):
    reply = get(path.format(**star))
    assert reply.headers["content-security-policy"] == POLICY
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    page = BeautifulSoup(reply.text, "html.parser")
    assert page.select("[style], style, [onclick], [onload], script:not([src]), iframe, base") == []
    loaded = [tag.get("src") or tag.get("href") for tag in page.select("script, link, img, use, image")]
    assert all(address.startswith(("/", "data:,")) for address in loaded)
    assert get(path.format(**star)).request.method == "GET"


def test_static_files(get, soup, star):
    page = soup(f"/object/{star['psid']}")
    addresses = [tag["src"] for tag in page.select("script")] + [
        tag["href"] for tag in page.select("link[rel=stylesheet]")
    ]
    kinds = {"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
    assert len(addresses) > 6
    for address in addresses:
        reply = get(address)
        assert reply.headers["content-type"] == kinds[urlsplit(address).path.rpartition(".")[2]]
        assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert reply.headers["x-content-type-options"] == "nosniff"
    plain = get("/static/page.css")
    assert plain.headers["cache-control"] == "no-cache"
    assert requests.get(plain.url, headers={"If-None-Match": plain.headers["etag"]}, timeout=30).status_code == 304


@pytest.mark.parametrize(
    "name",
    ["nothing.css", "../assets.py", "%2e%2e/assets.py", "..%2fassets.py", "%2fetc%2fpasswd", "", "page.css%00.js"],
)
def test_no_other_file_is_served(sample_server, name):
    prepared = requests.Request("GET", sample_server).prepare()
    prepared.url = f"{sample_server}/static/{name}"
    with requests.Session() as session:
        assert session.send(prepared, timeout=30).status_code == 404


@pytest.mark.parametrize("login", [None, ("alice", "wrong"), ("nobody", "wonderland")])
def test_pages_ask_for_the_login(sample_server, star, login):
    paths = ["/", f"/?id={star['psid']}", "/?page=x", "/object/nobody"]
    files = ("lightcurve.csv", "explorer.json", "periods.json?curve=psid", "photometry.json")
    paths += [f"/object/{star['psid']}", *(f"/object/{star['psid']}/{name}" for name in files)]
    for path in paths:
        reply = requests.get(sample_server + path, auth=login, timeout=30)
        assert reply.status_code == 401
        assert reply.headers["www-authenticate"].startswith("Basic ")
        assert reply.headers["content-security-policy"] == POLICY
        assert star["oid"] not in reply.text
        assert not re.search("wonderland|wrong", reply.text)
    assert requests.get(sample_server + "/docs", timeout=30).status_code == 200
    assert requests.get(sample_server + "/static/page.css", timeout=30).status_code == 200


def test_without_users_nobody_is_asked(stars_url):
    assert requests.get(stars_url, timeout=30).status_code == 200


def test_a_page_is_only_read(sample_server):
    assert requests.head(sample_server, auth=LOGIN, timeout=30).status_code == 200
    assert requests.post(sample_server, auth=LOGIN, timeout=30).status_code == 405


@pytest.mark.parametrize("path", ["/", "/?position=0+0&radius=x", "/object/{psid}", "/object/nobody", "/docs"])
def test_pages_can_be_read_by_everybody(get, star, path):
    """Language, title, headings in order, labels, captions, a way past the navigation."""
    page = BeautifulSoup(get(path.format(**star)).text, "html.parser")
    assert page.html["lang"] == "en"
    assert page.title.get_text().strip()
    levels = [int(tag.name[1]) for tag in page.find_all(re.compile("^h[1-6]$"))]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    identifiers = [tag["id"] for tag in page.select("[id]")]
    assert len(set(identifiers)) == len(identifiers)
    assert page.select_one("body > a")["href"] == "#content"
    for control in page.select("input, select"):
        assert page.select_one(f"label[for={control.get('id', 'none')}]") or control.get("aria-label")
    for table in page.select("table"):
        assert table.caption or table.find_parent(attrs={"aria-label": True})
        assert all(cell.get("scope") for cell in table.select("th"))
    for image in page.select("img"):
        assert image["alt"]
    for reference in page.select("[aria-describedby], [aria-labelledby]"):
        for name in (reference.get("aria-describedby") or reference["aria-labelledby"]).split():
            assert name in identifiers
