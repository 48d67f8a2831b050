"""The official client, alerce 2.3.1, unmodified, in its own process, against the local server: all that it can do.

How it is pointed there stands in reference/alerce.md 11.3, what it cannot do itself in 11.5.
"""

import importlib.resources
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from alerce_zvar import AlerceClass
from alerce_zvar.sample.stars import COUNTS

pytest.importorskip("alerce")
pytest.importorskip("fastapi")

FORMATS = ("pandas", "votable", "json", "csv")
ZTF = (
    "query_object", "query_lightcurve", "query_detections", "query_non_detections", "query_forced_photometry",
    "query_magstats", "query_probabilities", "query_features",
)  # fmt: skip
LSST = (
    "query_object", "query_detections", "query_non_detections", "query_forced_photometry", "query_lightcurve",
    "query_probabilities",
)  # fmt: skip
NOT_OF_LSST = ("query_magstats", "query_features", "query_feature", "query_classifiers", "query_classes")
CLASSIFIER = ("lc_classifier", "hierarchical_random_forest_1.0.0")
BETA = ("LC_classifier_ATAT_forced_phot(beta)", "beta")
# What 2.3.1 cannot do whatever a server sends (reference/alerce.md 11.5): call -> its error, and where it happens.
OWN_DEFECTS = {
    "ztf/query_object/votable": ("TypeError", "to_votable"),  # scalars to a Table
    "lsst/query_object/votable": ("TypeError", "to_votable"),
    "ztf/query_lightcurve/votable": ("ValueError", "to_votable"),  # lists of different lengths
    "lsst/query_lightcurve/votable": ("ValueError", "to_votable"),
    "ztf/query_forced_photometry/csv": ("TypeError", "query_forced_photometry"),  # a str asked for a column
    "classifier of probabilities": ("TypeError", "outcome"),  # which the method of both surveys does not take
    "stamps/unknown candid": ("BadGzipFile", "get_stamps"),  # the status is never looked at
    "redshift/null": ("TypeError", "catshtm_redshift"),  # float(None)
}
# Errors of the client's own, for what the server rightly refuses.
REFUSED = {
    "unknown/ztf": ("ObjectNotFoundError", 404),
    "unknown/ztf/detections": ("ObjectNotFoundError", 404),
    "unknown/lsst/probabilities": ("ObjectNotFoundError", 404),
    "unknown/lsst": ("APIError", 500),
    "bad order": ("ParseError", 400),
    "bad format": ("FormatValidationError", 500),
}


class World:
    """The server, and objects on it."""

    def __init__(self, url):
        self.url = url
        alerce = AlerceClass(url=url)
        best = {"classifier": "stamp_classifier", "ranking": 1, "row_limit": -1}
        self.oid = str(alerce.query_objects(class_name="VS", order_by="ndet", order_mode="DESC", **best)["oid"][0])
        self.place = self.get(f"/ztf/v1/objects/{self.oid}")
        detections = self.get(f"/ztf/v1/objects/{self.oid}/detections")
        self.first_stamp = min(int(row["candid"]) for row in detections if row["has_stamp"])
        self.lsst_oid = self.get("/lsst/object_api/list_objects?survey=lsst&order_by=n_det")["items"][0]["oid"]
        rows = self.get(f"/lsst/lightcurve_api/detections?survey_id=lsst&oid={self.lsst_oid}")
        self.measurement = min((row["mjd"], row["measurement_id"]) for row in rows if row["has_stamp"])[1]
        supernovae = alerce.query_objects(class_name="SN", **best)
        self.hosts = [(float(row["ra"]), float(row["dec"])) for row in supernovae]

    def get(self, path):
        """Body of a plain request."""
        reply = requests.get(self.url + path, timeout=30)
        reply.raise_for_status()
        return reply.json()


@pytest.fixture(scope="module")
def world(sample_server):
    return World(sample_server)


def config(url):
    """The packaged configuration with every service put onto one address."""
    text = importlib.resources.files("alerce").joinpath("default_config.json").read_text(encoding="utf-8")
    for theirs, ours in (
        ("https://api-lsst.alerce.online", f"{url}/lsst"),
        ("https://avro.alerce.online", f"{url}/avro"),
        ("https://api.alerce.online", url),
    ):
        assert theirs in text
        text = text.replace(theirs, ours)
    assert "online" not in text
    return text


def call(key, method, **arguments):
    return {"key": key, "method": method, "arguments": arguments}


def in_formats(key, method, **arguments):
    return [call(f"{key}/{method}/{form}", method, format=form, **arguments) for form in FORMATS]


def ztf_calls(world):
    here = {"oid": world.oid, "survey": "ztf"}
    filters = {"classifier": "stamp_classifier", "class_name": "VS", "order_by": "ndet", "page_size": 7}
    yield from in_formats("ztf", "query_objects", survey="ztf", **filters)
    for method in ZTF:
        yield from in_formats("ztf", method, **here)
    yield from in_formats("ztf", "query_feature", name="Multiband_period", **here)
    yield from in_formats("ztf", "query_classifiers", survey="ztf")
    names = {"classifier_name": CLASSIFIER[0], "classifier_version": CLASSIFIER[1]}
    yield from in_formats("ztf", "query_classes", survey="ztf", **names)
    beta = {"classifier_name": BETA[0], "classifier_version": BETA[1]}
    yield call("parentheses", "query_classes", survey="ztf", **beta)
    yield call("cone", "query_objects", survey="ztf", ra=world.place["meanra"], dec=world.place["meandec"], radius=3)
    yield call("ranges", "query_objects", survey="ztf", format="json", ndet=[100, 500], firstmjd=[58000, 59000.5])
    yield call("counted", "query_objects", survey="ztf", format="json", ndet=1, count=True, page=2, page_size=20)
    yield call("list", "query_objects", survey="ztf", format="json", oid=[world.oid, "ZTF00aaaaaaa"])
    yield call("sorted", "query_objects", survey="ztf", index="oid", sort="ndet", page_size=50)
    yield call("default survey", "query_object", oid=world.oid)
    yield call("classifier of probabilities", "query_probabilities", classifier="lc_classifier", **here)


def lsst_calls(world):
    here = {"oid": world.lsst_oid, "survey": "lsst"}
    yield from in_formats("lsst", "query_objects", survey="lsst", class_name="VS", page_size=5, n_det=[10, 500])
    for method in LSST:
        yield from in_formats("lsst", method, **here)
    yield from (call(f"lsst/{name}", name, survey="lsst", **needed(name, world.lsst_oid)) for name in NOT_OF_LSST)


def needed(name, oid):
    """Arguments without which a method cannot be called."""
    words = {"query_classifiers": {}, "query_classes": {"classifier_name": "x", "classifier_version": "y"}}
    return words.get(name, {"oid": oid} | ({"name": "x"} if name == "query_feature" else {}))


def stamp_calls(world):
    ztf, lsst = {"oid": world.oid, "survey": "ztf"}, {"oid": world.lsst_oid, "survey": "lsst"}
    for form in ("HDUList", "numpy"):
        yield call(f"stamps/ztf/{form}", "get_stamps", format=form, **ztf)
    yield call("stamps/ztf/candid", "get_stamps", candid=world.first_stamp, **ztf)
    yield call("stamps/unknown candid", "get_stamps", candid=1, **ztf)
    yield call("stamps/lsst", "get_stamps", **lsst)
    yield call("stamps/lsst/all", "get_stamps", measurement_id=world.measurement, include_variance_and_psf=True, **lsst)
    yield call("avro", "get_avro", oid=world.oid, candid=world.first_stamp)
    yield call("avro/first", "get_avro", oid=world.oid)
    yield call("avro/lsst", "get_avro", use_multisurvey_api=True, **lsst)
    for survey, arguments in (("ztf", ztf), ("lsst", lsst)):
        yield call(f"plot/{survey}/script", "plot_stamps", **arguments)
        yield call(f"plot/{survey}", "plot_stamps", **arguments) | {"notebook": True}


def catalog_calls(world):
    star = {"ra": world.place["meanra"], "dec": world.place["meandec"], "radius": 5}
    for form in FORMATS:
        for method in ("catshtm_conesearch", "catshtm_crossmatch"):
            yield call(f"{method}/all/{form}", method, format=form, **star)
            yield call(f"{method}/one/{form}", method, format=form, catalog_name="GAIA/DR2", **star)
    empty = {"ra": 200.0, "dec": -45.0, "radius": 5}
    for method in ("catshtm_conesearch", "catshtm_crossmatch"):
        yield call(f"{method}/empty", method, catalog_name="GAIA/DR2", format="votable", **empty)
        yield call(f"{method}/all/empty", method, format="votable", **empty)
    for number, (ra, dec) in enumerate(world.hosts):
        yield call(f"redshift/{number}", "catshtm_redshift", ra=ra, dec=dec, radius=10)
    yield call("redshift/none", "catshtm_redshift", **empty)
    yield call("translator", "catshtm_catalog_translator", catalog="GAIA/DR2")


def refused_calls(world):
    yield call("unknown/ztf", "query_object", oid="ZTF00aaaaaaa", survey="ztf")
    yield call("unknown/ztf/detections", "query_detections", oid="ZTF00aaaaaaa", survey="ztf")
    yield call("unknown/ztf/forced", "query_forced_photometry", oid="ZTF00aaaaaaa", survey="ztf")
    yield call("unknown/lsst", "query_object", oid=1, survey="lsst")
    yield call("unknown/lsst/probabilities", "query_probabilities", oid=1, survey="lsst")
    yield call("bad order", "query_objects", survey="ztf", order_by="ndethist")
    yield call("bad format", "query_detections", oid=world.oid, survey="ztf", format="xml")


def all_calls(world):
    for part in (ztf_calls, lsst_calls, stamp_calls, catalog_calls, refused_calls):
        yield from part(world)
    yield call("configuration", "load_config_from_object", object={})


@pytest.fixture(scope="module")
def answers(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("client")
    given = {"constructor": {"CATSHTM_API_URL": f"{world.url}/catshtm"}, "calls": list(all_calls(world))}
    folder.joinpath("calls.json").write_text(json.dumps(given), encoding="utf-8")
    folder.joinpath("config.json").write_text(config(world.url), encoding="utf-8")
    environment = os.environ | {"ALERCE_CONFIG_PATH": str(folder / "config.json"), "IPYTHONDIR": str(folder)}
    script = Path(__file__).with_name("official_script.py")
    command = [sys.executable, str(script), str(folder / "calls.json"), str(folder / "answers.json")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "answers.json").read_text(encoding="utf-8"))


def test_every_public_method_is_called(world):
    from alerce.core import Alerce

    methods = {name for name, _ in inspect.getmembers(Alerce, inspect.isfunction) if not name.startswith("_")}
    assert {given["method"] for given in all_calls(world)} == methods


def test_only_the_clients_own_defects_fail(answers):
    failed = {key for key, answer in answers.items() if "error" in answer}
    without_service = {f"lsst/{name}" for name in NOT_OF_LSST}
    null = {key for key in failed if key.startswith("redshift/")}
    assert len(null) == 1  # of one host the redshift is null
    assert failed - null == set(OWN_DEFECTS) - {"redshift/null"} | set(REFUSED) | without_service


@pytest.mark.parametrize("key", sorted(OWN_DEFECTS))
def test_each_defect_is_where_it_is_known_to_be(answers, key):
    error, function = OWN_DEFECTS[key]
    if key == "redshift/null":
        (key,) = [name for name in answers if name.startswith("redshift/") and "error" in answers[name]]
    assert answers[key]["error"] == error
    packages = [parts[0] for parts, _ in answers[key]["frames"]]
    assert not {"requests", "urllib3"} & set(packages)  # the answer had been read
    ours = [name for parts, name in answers[key]["frames"] if parts[0] == "alerce"] or ["outcome"]
    assert ours[-1] == function


@pytest.mark.parametrize("key", sorted(REFUSED))
def test_refusals_become_the_clients_own_errors(answers, key):
    assert (answers[key]["error"], answers[key]["code"]) == REFUSED[key]
    assert answers[key]["module"] == "alerce.exceptions"


@pytest.mark.parametrize("name", NOT_OF_LSST)
def test_what_the_client_does_not_offer_of_lsst(answers, name):
    assert answers[f"lsst/{name}"]["error"] == "NotImplementedError"


TYPES = {"pandas": ("DataFrame",), "votable": ("Table",), "json": ("list", "dict"), "csv": ("str",)}
EVERYTHING = [
    f"{survey}/{method}/{form}"
    for survey, methods in (
        ("ztf", (*ZTF, "query_objects", "query_feature", "query_classifiers", "query_classes")),
        ("lsst", (*LSST, "query_objects")),
    )
    for method in methods
    for form in FORMATS
]


@pytest.mark.parametrize("key", [key for key in EVERYTHING if key not in OWN_DEFECTS])
def test_every_query_in_every_format(answers, key):
    answer = answers[key]
    assert "error" not in answer, answer
    survey, method, form = key.split("/")
    assert answer["type"] in TYPES[form]
    rows = answers[f"{survey}/{method}/json"]["answer"]
    rows = rows["items"] if survey == "ztf" and method == "query_objects" else rows
    if method == "query_lightcurve" or key == "ztf/query_objects/csv":
        return  # the former is a dict of lists, the latter that of the page
    count = len(rows) if isinstance(rows, list) else 1
    assert count > 0 or (survey, method) == ("lsst", "query_non_detections")
    if form in ("pandas", "votable"):
        assert answer["rows"] == count
        columns = set().union(*(rows if isinstance(rows, list) else [rows]))
        extra = {"extra_fields", "aid", "sid"} if method == "query_forced_photometry" else set()
        assert set(answer["columns"]) - extra <= columns
        assert (set(answer["columns"]) >= columns) or extra
    if form == "csv" and method != "query_forced_photometry":
        assert answer["answer"].count("\n") == count + 1


PATHS = {
    "ztf/query_object": "/ztf/v1/objects/{oid}",
    "ztf/query_detections": "/ztf/v1/objects/{oid}/detections",
    "ztf/query_non_detections": "/ztf/v1/objects/{oid}/non_detections",
    "ztf/query_lightcurve": "/ztf/v1/objects/{oid}/lightcurve",
    "ztf/query_magstats": "/ztf/v1/objects/{oid}/magstats",
    "ztf/query_probabilities": "/ztf/v1/objects/{oid}/probabilities",
    "ztf/query_features": "/ztf/v1/objects/{oid}/features",
    "ztf/query_feature": "/ztf/v1/objects/{oid}/features/Multiband_period",
    "ztf/query_classifiers": "/ztf/v1/classifiers/",
    "ztf/query_classes": f"/ztf/v1/classifiers/{CLASSIFIER[0]}/{CLASSIFIER[1]}/classes",
    "lsst/query_object": "/lsst/object_api/object?survey_id=lsst&oid={lsst_oid}",
    "lsst/query_probabilities": "/lsst/probability_api/probability?oid={lsst_oid}",
    "lsst/query_non_detections": "/lsst/lightcurve_api/non_detections?survey_id=lsst&oid={lsst_oid}",
}


@pytest.mark.parametrize("key", PATHS)
def test_json_is_the_body_that_the_server_sent(answers, world, key):
    assert answers[f"{key}/json"]["answer"] == world.get(PATHS[key].format_map(vars(world)))


def test_ztf_forced_photometry_has_its_extra_fields_as_columns(answers, world):
    body = world.get(f"/v2/lightcurve/forced-photometry/{world.oid}")
    assert len(body) > 100
    wanted = [
        {k: v for k, v in row.items() if k not in ("extra_fields", "aid", "sid")} | row["extra_fields"] for row in body
    ]
    assert answers["ztf/query_forced_photometry/json"]["answer"] == wanted
    frame = answers["ztf/query_forced_photometry/pandas"]
    assert (frame["rows"], len(frame["columns"])) == (len(body), 44)
    assert "extra_fields" in answers["ztf/query_forced_photometry/votable"]["columns"]
    assert answers["unknown/ztf/forced"]["answer"] == []


@pytest.mark.parametrize("part", ["detections", "forced_photometry"])
def test_lsst_rows_have_names_of_bands(answers, world, part):
    path = {"detections": "detections", "forced_photometry": "forced-photometry"}[part]
    body = world.get(f"/lsst/lightcurve_api/{path}?survey_id=lsst&oid={world.lsst_oid}")
    for row in body:
        row["band_name"] = row.pop("band_map")[str(row["band"])]
    assert answers[f"lsst/query_{part}/json"]["answer"] == body
    assert answers["lsst/query_lightcurve/json"]["answer"][part] == body
    assert {row["band_name"] for row in body} <= set("ugrizy")
    assert all(isinstance(row["measurement_id"], int) and row["measurement_id"] > 2**53 for row in body)


def test_lists_of_objects(answers, world):
    page = answers["ztf/query_objects/json"]["answer"]
    assert len(page["items"]) == 7
    assert (page["total"], page["has_next"], page["page"]) == (None, False, None)
    counts = [item["ndet"] for item in page["items"]]
    assert counts == sorted(counts)
    assert {item["class"] for item in page["items"]} == {"VS"}
    assert answers["ztf/query_objects/csv"]["answer"].startswith("total,page,next,has_next,prev,has_prev,items")
    assert (answers["cone"]["type"], answers["cone"]["rows"]) == ("DataFrame", 1)
    assert world.oid in answers["cone"]["text"]
    assert all(
        100 <= item["ndet"] <= 500 and item["firstmjd"] <= 59000.5 for item in answers["ranges"]["answer"]["items"]
    )
    counted = answers["counted"]["answer"]
    assert (counted["total"], counted["has_next"], counted["next"], counted["prev"]) == (
        300 - COUNTS["constant"],
        True,
        3,
        1,
    )
    assert [item["oid"] for item in answers["list"]["answer"]["items"]] == [world.oid]
    assert answers["sorted"]["rows"] == 50
    assert answers["sorted"]["columns"][0] != "oid"
    assert answers["default survey"]["answer"]["oid"] == world.oid
    listed = answers["lsst/query_objects/json"]["answer"]
    assert 0 < len(listed) <= 5
    assert {item["class_name"] for item in listed} == {"VS"}
    assert all(item["n_det"] >= 10 for item in listed)


def test_a_classifier_with_parentheses(answers):
    names = [item["name"] for item in answers["parentheses"]["answer"]]
    assert len(names) == 22
    assert names[0] == "SNIa"


# stamps


def test_stamps_of_ztf(answers):
    images = answers["stamps/ztf/HDUList"]["images"]
    assert [name for name, *_ in images] == ["science", "template", "difference"]
    assert all(shape[1:3] == [63, 63] for shape in images)
    assert answers["stamps/ztf/HDUList"]["type"] == "HDUList"
    assert answers["stamps/ztf/candid"] == answers["stamps/ztf/HDUList"]
    assert answers["stamps/ztf/numpy"]["type"] == "list"
    assert [row[1:] for row in answers["stamps/ztf/numpy"]["images"]] == [row[1:] for row in images]
    science, template, difference = (row[-1] for row in images)
    assert difference != 0
    assert science != template


def test_stamps_of_lsst(answers):
    names = ["cutoutScience", "cutoutTemplate", "cutoutDifference"]
    parts = answers["stamps/lsst"]["parts"]
    assert list(parts) == names
    assert all(part["images"][0][1:3] == [75, 75] for part in parts.values())
    whole = answers["stamps/lsst/all"]["parts"]
    assert all([image[1] for image in whole[name]["images"]] == [75, 75, 41] for name in names)
    assert [whole[name]["images"][0] for name in names] == [parts[name]["images"][0] for name in names]


def test_alert_packets(answers, world):
    packet = answers["avro"]
    assert packet["type"] == "bytes"
    assert packet["start"].startswith("Obj\x01")
    assert packet["size"] > 10_000
    assert answers["avro/first"] == packet
    # The client asks for a route that no server has (reference/alerce.md 1.1), and takes the refusal for a packet.
    assert answers["avro/lsst"]["type"] == "bytes"
    assert answers["avro/lsst"]["start"].startswith('{"detail"')


def test_plots(answers, world):
    assert (
        answers["plot/ztf/script"]["type"] == answers["plot/lsst/script"]["type"] == "NoneType"
    )  # it wants a notebook
    (html,) = answers["plot/ztf"]["html"]
    pictures = re.findall(r'src="([^"]+)"', html)
    assert len(pictures) == 3
    for address in pictures:
        assert address.startswith(f"{world.url}/avro/get_stamp?")
        reply = requests.get(address, timeout=30)
        assert reply.headers["content-type"] == "image/png"
        assert reply.content.startswith(b"\x89PNG")
    (figure,) = answers["plot/lsst"]["figures"]
    assert len(figure) == 3
    assert all(shape[:2] == figure[0][:2] and shape[0] >= 41 for shape in figure)


# catsHTM


@pytest.mark.parametrize("form", FORMATS)
def test_catalogues(answers, form):
    one = answers[f"catshtm_conesearch/one/{form}"]
    assert one["type"] == ("Series" if form == "pandas" else "Table")  # a Series where there is one row
    assert {"RA", "Dec", "Plx", "Mag_G", "cat_name"} <= set(one["columns"])
    everything = answers[f"catshtm_conesearch/all/{form}"]["parts"]
    assert "GAIA/DR2" in everything
    nearest = answers[f"catshtm_crossmatch/one/{form}"]
    assert nearest["rows"] == 1
    assert "distance" in nearest["columns"]
    assert "GAIA/DR2" in answers[f"catshtm_crossmatch/all/{form}"]["parts"]
    if form != "pandas":
        assert one["units"]["Plx"] == "mas"
        assert nearest["units"]["distance"] == "arcsec"


def test_catalogues_without_a_source(answers):
    assert answers["catshtm_conesearch/empty"]["type"] == "NoneType"
    assert answers["catshtm_conesearch/all/empty"]["answer"] == {}
    assert answers["catshtm_crossmatch/empty"]["columns"] == ["cat_name"]
    assert answers["catshtm_crossmatch/all/empty"]["answer"] == {}
    assert answers["redshift/none"]["answer"] is None
    assert answers["translator"]["answer"] == "GAIADR2"


def test_redshifts(answers, world):
    found = [answers[f"redshift/{number}"] for number in range(len(world.hosts))]
    values = [answer["answer"] for answer in found if "error" not in answer]
    assert len(values) == len(found) - 1 == 3
    assert all(0.01 < value < 0.3 for value in values)


# older releases


DOUBLE_SLASHES = (
    "/ztf/v1//objects?page_size=3&order_by=oid",
    "/ztf/v1//objects/{oid}",
    "/ztf/v1//objects/{oid}/detections",
    "/ztf/v1//objects/{oid}/non_detections",
    "/ztf/v1//objects/{oid}/lightcurve",
    "/ztf/v1//objects/{oid}/magstats",
    "/ztf/v1//objects/{oid}/probabilities",
    "/ztf/v1//objects/{oid}/features",
    "/ztf/v1//objects/{oid}/features/Multiband_period",
    "/ztf/v1//classifiers",
    f"/ztf/v1//classifiers/{CLASSIFIER[0]}/{CLASSIFIER[1]}/classes",
)


@pytest.mark.parametrize("path", DOUBLE_SLASHES)
def test_paths_of_older_releases(world, path):
    """Up to 2.3.0 an address that ends in a slash met routes that begin with one."""
    path = path.format_map(vars(world))
    with requests.Session() as session:
        reply = session.get(world.url + path, timeout=30)
    assert reply.status_code == 200
    assert {step.status_code for step in reply.history} == {308}
    assert "//" not in reply.url.partition("://")[2]
    assert reply.url.partition("?")[2] == path.partition("?")[2]
    assert reply.json() == world.get(path.replace("//", "/"))
    assert reply.json()
