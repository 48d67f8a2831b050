"""Answers recorded from ALeRCE: imported, and served back as they were."""

import json
import math
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from alerce_zvar import Alerce
from alerce_zvar.archive import AlerceReport, Archive
from alerce_zvar.server import serve

pytest.importorskip("fastapi")

OID, YOUNG, OLD_FORM = "ZTF17aabopdz", "ZTF23abcegjv", "ZTF20aaelulu"
# Recorded lists without an address -> where they come from.
LISTS = {
    "ZTF18abrrpoh_object.json": "/ztf/v1/objects/ZTF18abrrpoh/probabilities",
    "ZTF24aaiyjau_object.json": "/ztf/v1/objects/ZTF24aaiyjau/probabilities",
    "ZTF17aaaaabs_object.json": "/ztf/v1/objects/ZTF17aaaaabs/probabilities",
    "170028510777180307_object.json": "/lsst/probability_api/probability?survey_id=lsst&oid=170028510777180307",
}
ANSWERS = (
    "v2_lightcurve_ZTF17aabopdz.json",
    "ztf_v1_classifiers.json",
    "ztf_v1_objects_oid_ranking1_p1_ps20.json",
    "ztf_v1_objects_oid_ranking1_p1_ps200.json",
    "ztf_v1_object_ZTF17aabopdz.json",
    "ztf_v1_features_ZTF17aabopdz.json",
    "ztf_v1_lightcurve_ZTF17aabopdz.json",
    "ztf_v1_probabilities_ZTF17aabopdz.json",
    "lsst_classifiers.json",
    "lsst_list_objects_empty.json",
)


DETECTION = {
    "candid": "1", "mjd": 58000.0, "fid": 1, "isdiffpos": 1, "ra": 1.0, "dec": 2.0, "pid": 1, "has_stamp": True,
    "corrected": True, "dubious": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(real_data):
    return real_data / "recorded" / "alerce"


@pytest.fixture(scope="module")
def recorded(folder):
    return lambda name: json.loads((folder / name).read_text())


@pytest.fixture(scope="module")
def urls(recorded):
    """File -> path and query that gave it, on the local server."""
    found = {}
    for entry in recorded("INDEX.json"):
        parts = urlsplit(entry["url"])
        prefix = "/lsst" if parts.netloc.startswith("api-lsst") else ""
        found[entry["file"]] = f"{prefix}{parts.path}?{parts.query}"
    return found


@pytest.fixture(scope="module")
def imported(folder, tmp_path_factory):
    """Archive of all recorded answers, and the report of their import."""
    with Archive.create(tmp_path_factory.mktemp("recorded") / "sky.duckdb") as archive:
        yield archive, archive.import_alerce(folder)


@pytest.fixture(scope="module")
def server(imported):
    with serve(imported[0]) as server:
        yield server


@pytest.fixture(scope="module")
def get(server):
    with requests.Session() as session:
        yield lambda path, **params: session.get(server.url + path, params=params, timeout=30)


@pytest.fixture
def archive(tmp_path):
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        yield archive


def same(ours, theirs):
    """Equal key by key and type by type; a bare NaN is like another, and unlike null."""
    if isinstance(theirs, dict):
        return isinstance(ours, dict) and ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in theirs)
    if isinstance(theirs, list):
        return isinstance(ours, list) and len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(theirs, float) and math.isnan(theirs):
        return isinstance(ours, float) and math.isnan(ours)
    return type(ours) is type(theirs) and ours == theirs


def early(body):
    """First rows of the lists of a light curve."""
    return {name: [row for row in rows if row["mjd"] < 58350] for name, rows in body.items()}


def answer(archive, path):
    """JSON that a server of the archive gives."""
    with serve(archive) as server:
        reply = requests.get(server.url + path, timeout=30)
    assert reply.status_code == 200, reply.text
    return reply.json()


def contents(archive):
    """All rows of all tables, in an order of their own."""
    tables = [name for name in archive.summary() if name != "lsst_stamps"]
    return {
        name: archive.query(f"SELECT md5(string_agg(t::VARCHAR, ';' ORDER BY t::VARCHAR)) AS h FROM {name} t")["h"][0]
        for name in tables
    }


# --- must show: every recorded body comes back -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ANSWERS)
def test_recorded_answers_come_back(get, recorded, urls, name):
    reply = get(urls[name])
    assert reply.status_code == 200
    assert same(reply.json(), recorded(name))


@pytest.mark.parametrize("name", LISTS)
def test_recorded_lists_come_back(get, recorded, name):
    """One of them is empty, and no error."""
    assert same(get(LISTS[name]).json(), recorded(name)["probabilities"])


def test_recorded_light_curves_come_back(get, recorded):
    theirs = recorded(f"{YOUNG}_lc.json")
    assert (len(theirs["detections"]), len(theirs["non_detections"])) == (25, 21)
    assert same(get(f"/ztf/v1/objects/{YOUNG}/lightcurve").json(), theirs)
    older = recorded(f"v2_{OLD_FORM}.json")  # without tid, and some whole numbers without a point
    ours = get(f"/ztf/v1/objects/{OLD_FORM}/lightcurve").json()
    for part in ("detections", "non_detections"):
        assert [{k: v for k, v in row.items() if k != "tid"} for row in ours[part]] == older[part]
        assert {row["tid"] for row in ours[part]} == {None}
    assert get(f"/ztf/v1/objects/{OLD_FORM}/features").json() == older["features"]


def test_bare_nan_and_null_stay_apart(get, recorded, urls):
    name = "ztf_v1_features_ZTF17aabopdz.json"
    reply, theirs = get(urls[name]), recorded(name)
    assert reply.text.count("NaN") == 110
    assert len(theirs) == 3444
    for rows in (reply.json(), theirs):
        assert sum(row["value"] is None for row in rows) == 870
        assert sum(row["value"] is not None and math.isnan(row["value"]) for row in rows) == 110
    assert [(row["name"], row["fid"], row["version"]) for row in reply.json()] == [
        (row["name"], row["fid"], row["version"]) for row in theirs
    ]


def test_parts_of_the_light_curve(get, recorded):
    whole = recorded("v2_lightcurve_ZTF17aabopdz.json")
    assert {name: len(rows) for name, rows in whole.items()} == {
        "detections": 1999, "non_detections": 2917, "forced_photometry": 510,
    }  # fmt: skip
    for path, part in (
        ("detections", "detections"),
        ("non_detections", "non_detections"),
        ("forced-photometry", "forced_photometry"),
    ):
        for survey in ({"survey_id": "ztf"}, {"survey_id": "all"}, {}):
            assert same(get(f"/v2/lightcurve/{path}/{OID}", **survey).json(), whole[part])
    older = recorded("ztf_v1_lightcurve_ZTF17aabopdz.json")
    for part in ("detections", "non_detections"):
        ragged = [{key: value for key, value in row.items() if value is not None} for row in older[part]]
        assert same(get(f"/ztf/v1/objects/{OID}/{part}").json(), ragged)


def test_numbers_are_those_that_were_recorded(get):
    body = get(f"/ztf/v1/objects/{OID}/lightcurve").text
    assert '"candid":"508443856115010005"' in body
    assert '"magpsf_corr":17.634726,' in body
    assert '"parent_candid":529430206115010015' in body
    assert '"ndethist":"2619"' in get(f"/ztf/v1/objects/{OID}").text
    forced = get(f"/v2/lightcurve/forced-photometry/{OID}").text
    assert '"clrcoeff":0.07938829809427261' in forced  # single precision widened to double
    assert '"drbversion":"d6_m7"' in get(f"/v2/lightcurve/detections/{OID}").text
    assert "drbversion" not in body


def test_the_report(imported, folder):
    report = imported[1]
    assert isinstance(report, AlerceReport)
    assert (report.files, len(report.failures), report.sources_added, report.unknown_keys) == (20, 0, 3, ())
    assert [str(name).rpartition("/")[2] for name in report.skipped["file"]] == [
        "ztf_dr_v1_light_curve.json",
        "ztf_v1_classifiers_308.html",
        "ztf_v1_objects_308.html",
        "catshtm_crossmatch_all.json",
    ]
    assert "status 308" in str(report)
    assert imported[0].summary()["features"] == 3444 + 178


def test_our_client_reads_what_was_recorded(server):
    alerce = type(Alerce)(url=server.url)
    found = alerce.query_object(OID)
    assert (found["oid"][0], found["ndethist"][0]) == (OID, 2619)
    detections = alerce.query_detections(OID)
    assert len(detections) == 1999
    assert detections["parent_candid"][0] == "529430206115010015"


# --- what an import does to an archive -------------------------------------------------------------------------------


def test_a_second_import_changes_nothing(imported, folder):
    (archive, first), told = imported, []
    before, names = contents(archive), list(archive.sources()["psid"])
    again = archive.import_alerce(str(folder), progress=lambda done, total, what: told.append((done, total)))
    assert (told[0], told[-1]) == ((0, 20), (20, 20))
    assert (again.files, again.answers, again.changed, again.rows, again.sources_added) == (
        20, first.answers, 0, 0, 0,
    )  # fmt: skip
    assert contents(archive) == before
    assert list(archive.sources()["psid"]) == names


def test_the_order_of_imports_does_not_matter(archive, recorded):
    """The two forms of a light curve have different columns; each keeps what the other lacks."""
    bodies = [
        {"oid": OID, "lightcurve": early(recorded(name))}
        for name in ("v2_lightcurve_ZTF17aabopdz.json", "ztf_v1_lightcurve_ZTF17aabopdz.json")
    ]
    assert {name: len(rows) for name, rows in bodies[1]["lightcurve"].items()} == {
        "detections": 131, "non_detections": 161,
    }  # fmt: skip
    for body in (*bodies, bodies[0]):
        archive.import_alerce(body)
    with serve(archive) as server:
        newer = requests.get(f"{server.url}/v2/lightcurve/lightcurve/{OID}", timeout=30).json()
        older = requests.get(f"{server.url}/ztf/v1/objects/{OID}/lightcurve", timeout=30).json()
    assert same(newer, bodies[0]["lightcurve"])
    assert same(older, bodies[1]["lightcurve"])


def test_the_last_answer_of_an_import_counts(archive):
    """Also where one of another form stands between: what that lacks is kept, and what it has is replaced."""
    older, newer = DETECTION | {"magpsf": 1.0}, DETECTION | {"magpsf": 2.0}
    extra = {"extra_fields": {"drbversion": "d6"}, "mag": 9.0} | {k: v for k, v in DETECTION.items() if k != "magpsf"}
    archive.import_alerce([{"oid": OID, "detections": [row]} for row in (older, extra, newer)])
    found = archive.query("SELECT magpsf, drbversion FROM detections")
    assert [values.tolist() for values in found.values()] == [[2.0], ["d6"]]


def test_what_is_made_of_a_light_curve_does_not_depend_on_its_order(archive, recorded):
    """Sums of the same numbers would else differ in their last digits, and an import from its repetition."""
    rows, shuffle = recorded(f"{YOUNG}_lc.json")["detections"], np.random.default_rng(1).permutation
    orders = [[rows[place] for place in shuffle(len(rows))] for _ in range(60)]
    archive.import_alerce([{"oid": f"ZTF23{n:07d}", "detections": order} for n, order in enumerate(orders)])
    found = archive.query("SELECT DISTINCT meanra, meandec, sigmara, sigmadec FROM objects")
    assert {name: len(values) for name, values in found.items()} == dict.fromkeys(found, 1)


_NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_VALUES = st.none() | st.floats()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """Archive whose content does not matter, and the address of its server."""
    with Archive.create(tmp_path_factory.mktemp("scratch") / "sky.duckdb") as archive, serve(archive) as server:
        yield archive, server.url


@settings(max_examples=30)
@given(rows=st.lists(st.tuples(_NAMES, _VALUES, st.sampled_from([0, 1, 2, 12]), _NAMES), max_size=8))
def test_any_features_come_back(scratch, rows):
    body = [dict(zip(("name", "value", "fid", "version"), row, strict=True)) for row in rows]
    assert not len(scratch[0].import_alerce({"oid": OID, "features": body}).failures)
    assert same(requests.get(f"{scratch[1]}/ztf/v1/objects/{OID}/features", timeout=30).json(), body)


def test_a_newer_answer_replaces_an_older_one(archive, recorded):
    features = recorded("ztf_v1_features_ZTF17aabopdz.json")
    archive.import_alerce([{"oid": OID, "features": features}, {"oid": YOUNG, "features": features[:5]}])
    newer = [*features[10:20], {"name": "W1-W2", "value": math.nan, "fid": 0, "version": "9"}]
    report = archive.import_alerce({"oid": OID, "features": newer, "probabilities": []})
    assert (report.files, report.answers, report.changed, report.rows) == (1, 2, 2, 11)
    assert same(answer(archive, f"/ztf/v1/objects/{OID}/features"), newer)
    assert same(answer(archive, f"/ztf/v1/objects/{YOUNG}/features"), features[:5])
    assert answer(archive, f"/ztf/v1/objects/{OID}/probabilities") == []


def test_objects_are_found_by_place(get, imported, recorded):
    one = recorded("ztf_v1_object_ZTF17aabopdz.json")
    where = {"ra": one["meanra"], "dec": one["meandec"]}
    for radius in (0.001, 30):
        assert [row["oid"] for row in get("/ztf/v1/objects/", radius=radius, **where).json()["items"]] == [OID]
    assert get("/ztf/v1/objects/", ra=one["meanra"], dec=one["meandec"] + 0.01).json()["items"] == []
    sources = imported[0].sources()
    row = sources[sources["oid"] == OID][0]
    assert (row["ra"], row["dec"]) == (one["meanra"], one["meandec"])
    found = imported[0].cone_search(np.array([row["ra"]]), np.array([row["dec"]]), np.array([1.0]))
    assert [str(psid) for psid in found["psid"]] == [row["psid"]]


def test_a_light_curve_makes_its_object(get, recorded):
    rows = recorded(f"{YOUNG}_lc.json")["detections"]
    made = get(f"/ztf/v1/objects/{YOUNG}").json()
    assert (made["ndet"], made["firstmjd"], made["lastmjd"]) == (25, rows[0]["mjd"], rows[-1]["mjd"])
    assert made["meanra"] == pytest.approx(np.mean([row["ra"] for row in rows]), abs=1e-12)
    assert made["sigmadec"] == pytest.approx(np.std([row["dec"] for row in rows], ddof=1))
    assert (made["corrected"], made["ndethist"], made["stellar"]) == (False, None, None)


def test_positions_across_ra_zero(archive, recorded):
    rows = [
        row | {"ra": ra}
        for row, ra in zip(recorded(f"{YOUNG}_lc.json")["detections"], (359.99995, 0.00005, 0.0), strict=False)
    ]
    archive.import_alerce({"oid": YOUNG, "detections": rows})
    ra = answer(archive, f"/ztf/v1/objects/{YOUNG}")["meanra"]
    assert min(ra, 360 - ra) < 1e-9
    assert 0 <= ra < 360


def test_known_lists_of_an_unknown_object(get):
    """Only its classifications were recorded: they are served, and nothing is said of the rest."""
    for path, status in (("", 404), ("/probabilities", 200), ("/detections", 404), ("/features", 404)):
        assert get(f"/ztf/v1/objects/ZTF18abrrpoh{path}").status_code == status
    assert get("/ztf/v1/objects/", oid="ZTF18abrrpoh").json()["items"] == []


def test_magstats(archive, recorded):
    one = {
        "fid": 1, "stellar": True, "corrected": True, "ndet": 3, "ndubious": 0, "magmean": 17.5, "magmedian": 17.4,
        "magmax": 18.0, "magmin": 17.0, "magsigma": None, "maglast": 17.1, "magfirst": 17.2, "firstmjd": 58000.5,
        "lastmjd": 58001.5, "step_id_corr": "corr_bulk_0.0.1",
    }  # fmt: skip
    rows = [one | {"fid": 2}, one]
    archive.import_alerce({"oid": YOUNG, **recorded(f"{YOUNG}_lc.json")})
    made = answer(archive, f"/ztf/v1/objects/{YOUNG}/magstats")
    assert [row["fid"] for row in made] == [1, 2]
    archive.import_alerce({"oid": YOUNG, "magstats": rows})
    assert same(answer(archive, f"/ztf/v1/objects/{YOUNG}/magstats"), rows)


def test_light_curves_are_served_in_the_order_of_time(archive):
    """And those of one time by their candid, as numbers; but forced photometry as it came."""
    rows = [DETECTION | {"candid": candid, "mjd": mjd} for candid, mjd in (("10", 2.0), ("9", 2.0), ("11", 1.0))]
    forced = [row | {"candid": f"{OID}{row['candid']}"} for row in rows]
    archive.import_alerce({"oid": OID, "detections": rows, "forced_photometry": forced})
    assert [row["candid"] for row in answer(archive, f"/ztf/v1/objects/{OID}/detections")] == ["11", "9", "10"]
    found = answer(archive, f"/v2/lightcurve/forced-photometry/{OID}")
    assert [row["candid"] for row in found] == [f"{OID}10", f"{OID}9", f"{OID}11"]


def test_what_atlas_observed_is_only_in_the_newer_service(archive):
    rows = [DETECTION | {"tid": "ztf"}, DETECTION | {"tid": "atlas", "candid": "2"}]
    rows = [row | {"mag": 17.0, "extra_fields": {"drbversion": "d6"}} for row in rows]
    archive.import_alerce({"oid": OID, "detections": rows})
    assert [row["candid"] for row in answer(archive, f"/ztf/v1/objects/{OID}/detections")] == ["1"]
    assert [row["candid"] for row in answer(archive, f"/v2/lightcurve/detections/{OID}")] == ["1", "2"]
    assert [row["candid"] for row in answer(archive, f"/v2/lightcurve/detections/{OID}?survey_id=atlas")] == ["2"]


# --- beside light curves of other origin -----------------------------------------------------------------------------


def photometry(ra, dec, count=30, first=58300.0):
    table = Table({"time": Time(first + np.arange(count) * 1.1, format="mjd", scale="utc")})
    table["band"] = np.where(np.arange(count) % 2, "r", "g")
    table["mag"], table["mag_err"] = 17 + np.sin(np.arange(count)), 0.02
    return table, SkyCoord(ra, dec, unit="deg")


@pytest.fixture(scope="module")
def place(recorded):
    one = recorded("ztf_v1_object_ZTF17aabopdz.json")
    return one["meanra"], one["meandec"] + 0.5 / 3600


def test_own_photometry_leaves_what_was_recorded(archive, recorded, place):
    body, one = early(recorded("v2_lightcurve_ZTF17aabopdz.json")), recorded("ztf_v1_object_ZTF17aabopdz.json")
    archive.import_alerce({"oid": OID, "object": one, "lightcurve": body})
    table, where = photometry(*place)
    report = archive.import_table(table, coordinates=where)
    assert (report.sources_added, report.epochs_added) == (0, 30)
    assert list(archive.sources()["oid"]) == [OID]
    assert same(answer(archive, f"/v2/lightcurve/lightcurve/{OID}"), body)
    assert same(answer(archive, f"/ztf/v1/objects/{OID}"), one)


def test_a_recorded_object_takes_the_place_of_a_made_one(archive, recorded, place):
    table, where = photometry(*place)
    archive.import_table(table, coordinates=where)
    old = archive.sources()["oid"][0]
    archive.add_features(Table({"oid": [old], "name": ["x"], "value": [1.5], "band": ["none"], "version": ["1"]}))
    body, one = early(recorded("ztf_v1_lightcurve_ZTF17aabopdz.json")), recorded("ztf_v1_object_ZTF17aabopdz.json")
    report = archive.import_alerce([{"oid": OID, "object": one}])
    assert report.sources_added == 0
    assert list(archive.sources()["oid"]) == [OID]
    assert archive.sources()["dec"][0] == pytest.approx(place[1], abs=1e-9)  # its light curves were measured there
    with serve(archive) as server:
        assert requests.get(f"{server.url}/ztf/v1/objects/{old}", timeout=30).status_code == 404
        rows = requests.get(f"{server.url}/ztf/v1/objects/{OID}/detections", timeout=30).json()
        features = requests.get(f"{server.url}/ztf/v1/objects/{OID}/features", timeout=30).json()
    assert [row["mjd"] for row in rows] == pytest.approx(table["time"].mjd)  # none were recorded: what was made here
    assert [row["value"] for row in features] == [1.5]
    archive.import_alerce({"oid": OID, "lightcurve": body})
    assert same(answer(archive, f"/ztf/v1/objects/{OID}/lightcurve"), body)
    archive.import_table(photometry(*place, first=58500.0)[0], coordinates=where)
    assert same(answer(archive, f"/ztf/v1/objects/{OID}/lightcurve"), body)
    assert same(answer(archive, f"/ztf/v1/objects/{OID}"), one)
    assert answer(archive, f"/ztf/v1/objects/{OID}/features")[0]["name"] == "x"


def test_names_made_here_are_no_recorded_ones(archive, tmp_path, place):
    """Of an object with recorded features only nobody knows the place; it must not get other light curves."""
    table, where = photometry(*place)
    with Archive.create(tmp_path / "other.duckdb") as other:
        other.import_table(table, coordinates=where)
        name = other.sources()["oid"][0]
    archive.import_alerce({"oid": name, "features": []})
    archive.import_table(table, coordinates=where)
    assert archive.sources()["oid"][0] != name


def test_two_objects_at_one_place(archive, recorded):
    one = recorded("ztf_v1_object_ZTF17aabopdz.json")
    others = [one | {"oid": f"ZTF18aaaaaa{letter}"} for letter in "abc"]
    assert archive.import_alerce([{"object": row} for row in [one, *others]]).sources_added == 4
    sources = archive.sources()
    assert set(sources["oid"]) == {OID, *(row["oid"] for row in others)}
    assert len(set(sources["psid"])) == 4
    found = answer(archive, f"/ztf/v1/objects/?ra={one['meanra']}&dec={one['meandec']}&radius=1")
    assert len(found["items"]) == 4


def test_an_object_does_not_take_the_place_of_another(archive, recorded, real_data):
    """Which has only a list that was recorded, or only an alert."""
    one = recorded("ztf_v1_object_ZTF17aabopdz.json")
    assert archive.import_alerce({"object": one, "features": [], "oid": OID}).sources_added == 1
    assert archive.import_alerce({"object": one | {"oid": YOUNG}}).sources_added == 1
    archive.import_alerts(real_data / "alerts" / "1105522281015015000.avro")
    alert = {row["oid"]: row for row in archive.sources()}[OLD_FORM]
    there = {"meanra": alert["ra"].item(), "meandec": alert["dec"].item()}
    assert archive.import_alerce({"object": one | there | {"oid": "ZTF18aaaaaaa"}}).sources_added == 1
    assert set(archive.sources()["oid"]) == {OID, YOUNG, OLD_FORM, "ZTF18aaaaaaa"}
    assert set(archive.query("SELECT oid FROM objects")["oid"]) == {OID, YOUNG, OLD_FORM, "ZTF18aaaaaaa"}


def test_the_nearest_of_two_objects_takes_the_source(archive, recorded, place):
    table, where = photometry(*place)
    archive.import_table(table, coordinates=where)
    psid, one = archive.sources()["psid"][0], recorded("ztf_v1_object_ZTF17aabopdz.json")
    dec = {OID: place[1] + 0.4 / 3600, YOUNG: place[1] - 0.2 / 3600}
    report = archive.import_alerce([{"object": one | {"oid": oid, "meandec": dec[oid]}} for oid in dec])
    assert report.sources_added == 1
    assert {row["oid"]: row["psid"] == psid for row in archive.sources()} == {OID: False, YOUNG: True}


def test_a_source_moves_with_its_object(archive, recorded):
    one = recorded("ztf_v1_object_ZTF17aabopdz.json")
    archive.import_alerce({"object": one})
    psid = archive.sources()["psid"][0]
    archive.import_alerce({"object": one | {"meanra": 10.0, "meandec": -5.0}})
    row = archive.sources()[0]
    assert (row["psid"], row["ra"], row["dec"]) == (psid, 10.0, -5.0)
    found = archive.cone_search(np.array([10.0]), np.array([-5.0]), np.array([1.0]))
    assert [str(one) for one in found["psid"]] == [psid]


def test_reach(archive, recorded, place):
    table, where = photometry(*place)
    archive.import_table(table, coordinates=where)
    one = recorded("ztf_v1_object_ZTF17aabopdz.json")
    assert archive.import_alerce({"object": one}, radius=0.1 * u.arcsec).sources_added == 1
    assert len(archive.sources()) == 2
    with pytest.raises(ValueError, match=r"^radius: "):
        archive.import_alerce({"object": one}, radius=100 * u.arcsec)


# --- LSST ------------------------------------------------------------------------------------------------------------

LSST_OID = 170028510777180307
LSST_OBJECT = {
    "oid": LSST_OID, "tid": 1, "sid": 1, "meanra": 150.1, "meandec": 2.2, "sigmara": None, "sigmadec": 1e-5,
    "firstmjd": 61000.25, "lastmjd": 61010.25, "deltamjd": 10.0, "n_det": 2, "n_forced": 12, "n_non_det": 0,
}  # fmt: skip
BAND_MAP = {"6": "u", "1": "g", "2": "r", "3": "i", "4": "z", "5": "y"}


def forced_rows(count, oid=LSST_OID):
    return [
        {
            "band": 1 + n % 6, "mjd": 61010.0 - n, "survey_id": "lsst", "oid": oid, "ra": 150.1, "dec": 2.2,
            "measurement_id": LSST_OID + 100 + n, "visit": 2026010100000 + n, "detector": n, "psfFlux": -1.5 * n,
            "psfFluxErr": 10.25, "scienceFlux": 0.0, "scienceFluxErr": 0.0, "band_map": BAND_MAP,
        }
        for n in range(count)
    ]  # fmt: skip


def test_lsst_answers_come_back(archive, recorded):
    dates = {"created_date": "2026-01-01T00:00:00", "updated_date": "2026-01-02T00:00:00"}
    rows, probabilities = forced_rows(12), recorded(f"{LSST_OID}_object.json")["probabilities"]
    two = [row for oid in (LSST_OID, LSST_OID + 1) for row in forced_rows(12, oid)]
    archive.import_alerce(
        {"oid": LSST_OID, "object": LSST_OBJECT | dates, "forced_photometry": rows, "probabilities": probabilities}
    )
    archive.import_alerce({"survey": "lsst", "object": LSST_OBJECT | dates | {"oid": LSST_OID + 1}})
    archive.import_alerce({"oid": f"{LSST_OID},{LSST_OID + 1}", "survey": "lsst", "forced_photometry": two})
    with serve(archive) as server:

        def ask(path, *oids):
            params = {"survey_id": "lsst", "oid": oids}
            return requests.get(f"{server.url}/lsst/{path}", params=params, timeout=30).json()

        assert same(ask("object_api/object", LSST_OID), LSST_OBJECT | dates)
        assert same(ask("lightcurve_api/forced-photometry", LSST_OID, LSST_OID + 1), two)
        assert same(ask("lightcurve_api/forced-photometry", LSST_OID), rows[:10])
        assert same(ask("probability_api/probability", LSST_OID), probabilities)


def test_a_cut_answer_removes_nothing(archive):
    """Ten rows of one object may be all that the service gave of more."""
    archive.import_alerce({"oid": LSST_OID, "object": LSST_OBJECT, "forced_photometry": forced_rows(12)})
    assert archive.import_alerce({"oid": LSST_OID, "forced_photometry": forced_rows(10)}).changed == 0
    assert archive.summary()["lsst_forced_photometry"] == 12
    archive.import_alerce({"oid": LSST_OID, "forced_photometry": forced_rows(9)})
    assert archive.summary()["lsst_forced_photometry"] == 9


def test_a_page_of_lsst_objects(archive, recorded):
    classified = {
        "stellar": True, "class_name": "SN", "classifier_name": "stamp_classifier_rubin_beta",
        "classifier_version": "2.0.1", "probability": 0.92296386, "ranking": 1,
    }  # fmt: skip
    page = recorded("lsst_list_objects_empty.json") | {"total": 1, "info_message": None}
    page["items"] = [LSST_OBJECT | classified]
    report = archive.import_alerce({"survey": "lsst", "objects": page})
    assert (report.answers, report.unknown_keys) == (2, ())
    path = "/lsst/object_api/list_objects?survey=lsst"
    assert same(answer(archive, path), page)
    assert same(answer(archive, f"{path}&ra=150.1&dec=2.2&radius=1"), page)
    whole = recorded(f"{LSST_OID}_object.json")["probabilities"]
    archive.import_alerce({"oid": LSST_OID, "probabilities": whole})
    assert archive.import_alerce({"survey": "lsst", "objects": page}).changed == 0
    assert same(answer(archive, f"/lsst/probability_api/probability?oid={LSST_OID}"), whole)
    assert same(answer(archive, path), page)
    sources = archive.sources()
    assert (list(sources["lsst_oid"]), list(sources["oid"].mask)) == ([str(LSST_OID)], [True])


def test_an_lsst_object_stands_at_the_source_there(archive):
    table, where = photometry(150.1, 2.2 + 0.5 / 3600)
    archive.import_table(table, coordinates=where)
    assert archive.import_alerce({"oid": LSST_OID, "object": LSST_OBJECT}).sources_added == 0
    row = archive.sources()[0]
    assert (row["lsst_oid"], row["oid"][:3]) == (str(LSST_OID), "ZTF")
    archive.import_alerce({"object": LSST_OBJECT | {"meanra": 150.2}, "oid": LSST_OID})
    assert archive.sources()["ra"][0] == row["ra"]  # it is not there for this object alone
    assert archive.import_alerce({"object": LSST_OBJECT | {"oid": 2 * 10**17}, "survey": "lsst"}).sources_added == 1
