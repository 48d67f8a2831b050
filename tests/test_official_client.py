"""The official client, alerce 2.3.1, unmodified, in its own process, against the local server.

How it is pointed there stands in reference/alerce.md 11.3, what it cannot do itself in 11.5.
"""

import json
import os
import subprocess
import sys

import pytest
from astropy.coordinates import SkyCoord

from alerce_zvar.archive import Archive
from alerce_zvar.server import serve

pytest.importorskip("alerce")
pytest.importorskip("fastapi")

FORMATS = ("pandas", "votable", "json", "csv")
QUERIES = ("query_objects", "query_object", "query_detections", "query_non_detections", "query_lightcurve")
# What 2.3.1 cannot do whatever the server sends: scalars, or lists of two lengths, to a Table.
OWN_DEFECTS = {("query_object", "votable"): "TypeError", ("query_lightcurve", "votable"): "ValueError"}

SCRIPT = """
import json, sys, warnings
warnings.simplefilter("ignore")
from alerce.core import Alerce
from alerce.exceptions import ObjectNotFoundError, ParseError

oid, formats, queries = json.loads(sys.argv[1])
client = Alerce()
found = {}

def describe(answer):
    form = type(answer).__module__.partition(".")[0] + "." + type(answer).__name__
    if form == "pandas.DataFrame":
        return {"type": form, "rows": len(answer), "columns": list(answer.columns), "text": answer.to_json()}
    if form.startswith("astropy"):
        return {"type": form, "rows": len(answer), "columns": answer.colnames, "text": str(answer)}
    return {"type": form, "rows": len(answer), "answer": answer}

for query in queries:
    for format in formats:
        what = {"oid": oid, "survey": "ztf", "format": format}
        try:
            found[f"{query}/{format}"] = describe(getattr(client, query)(**what))
        except Exception as exc:
            frames = []
            trace = exc.__traceback__
            while trace:
                frames.append(trace.tb_frame.f_code.co_filename)
                trace = trace.tb_next
            found[f"{query}/{format}"] = {"error": type(exc).__name__, "frames": frames}
for name, error, call in (
    ("unknown", ObjectNotFoundError, lambda: client.query_object("ZZ", survey="ztf")),
    ("bad", ParseError, lambda: client.query_objects(survey="ztf", order_by="nonsense")),
):
    try:
        call()
    except error as exc:
        found[name] = type(exc).__name__
found["sorted"] = client.query_objects(
    survey="ztf", format="json", ndet=[1, 10**6], order_by="ndet", order_mode="DESC", count=True, page_size=2)
ra, dec = found["query_object/json"]["answer"]["meanra"], found["query_object/json"]["answer"]["meandec"]
found["cone"] = client.query_objects(survey="ztf", format="json", ra=ra, dec=dec, radius=3)
found["magstats"] = client.query_magstats(oid, survey="ztf")
found["forced"] = client.query_forced_photometry(oid, survey="ztf")
found["probabilities"] = client.query_probabilities(oid, survey="ztf")
found["features"] = client.query_features(oid, survey="ztf")
print(json.dumps(found))
"""


def client_config(url):
    """The packaged configuration with the ZTF services put onto one address."""
    import importlib.resources

    config = json.loads(importlib.resources.files("alerce").joinpath("default_config.json").read_text())
    text = json.dumps(config["ztf"]).replace("https://api.alerce.online", url)
    return json.dumps(config | {"ztf": json.loads(text)})


@pytest.fixture(scope="module")
def archive(real_data, tmp_path_factory):
    with Archive.create(tmp_path_factory.mktemp("official") / "sky.duckdb") as archive:
        archive.import_irsa(sorted((real_data / "ztf_vsx" / "lightcurves").glob("minkovskiy2*.csv.gz")))
        yield archive


@pytest.fixture(scope="module")
def star(archive):
    """Oid of the star minkovskiy24."""
    place = SkyCoord(archive.sources()["ra"], archive.sources()["dec"])
    counts = archive.query("SELECT oid, ndet FROM objects ORDER BY ndet DESC")
    assert len(place) == len(counts["oid"]) == 2
    return counts["oid"][0]


@pytest.fixture(scope="module")
def answers(archive, star, tmp_path_factory):
    folder = tmp_path_factory.mktemp("client")
    script = folder / "script.py"
    script.write_text(SCRIPT)
    with serve(archive) as server:
        config = folder / "config.json"
        config.write_text(client_config(server.url))
        assert server.url in config.read_text()
        environment = os.environ | {"ALERCE_CONFIG_PATH": str(config)}
        command = [sys.executable, str(script), json.dumps([star, FORMATS, QUERIES])]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("query", QUERIES)
def test_every_query_in_every_format(answers, star, archive, query, form):
    answer = answers[f"{query}/{form}"]
    if (query, form) in OWN_DEFECTS:
        assert answer["error"] == OWN_DEFECTS[query, form]
        assert any("alerce" in frame and "utils" in frame for frame in answer["frames"]), (
            "it fails while converting, with the body read"
        )
        return
    assert "error" not in answer, answer
    expected = {
        "pandas": ("pandas.DataFrame", "pandas.Series"),
        "votable": ("astropy.Table",),
        "csv": ("builtins.str",),
    }
    assert answer["type"] in expected.get(form, ("builtins.list", "builtins.dict"))
    if query == "query_detections":
        count = archive.query("SELECT count(*) AS n FROM detections WHERE oid = ?", [star])["n"][0]
        assert form == "csv" or answer["rows"] == count
        assert form != "csv" or answer["answer"].count("\n") == count + 1


def test_json_answers_are_exact(answers, star, archive):
    candid = archive.query("SELECT candid::VARCHAR AS c FROM detections WHERE oid = ? ORDER BY mjd, candid", [star])[
        "c"
    ]
    assert [row["candid"] for row in answers["query_detections/json"]["answer"]] == list(candid)
    assert [row["candid"] for row in answers["query_lightcurve/json"]["answer"]["detections"]] == list(candid)
    assert answers["query_object/json"]["answer"]["oid"] == star
    assert answers["query_objects/json"]["answer"]["items"][0]["oid"] == star
    assert answers["query_non_detections/json"]["answer"] == []


def test_other_calls(answers, star):
    assert [item["oid"] for item in answers["cone"]["items"]] == [star]
    assert answers["sorted"]["total"] == 2
    assert answers["sorted"]["items"][0]["oid"] == star
    assert {row["fid"] for row in answers["magstats"]} == {1, 2}
    assert (answers["forced"], answers["probabilities"], answers["features"]) == ([], [], [])


def test_errors_are_the_clients_own(answers):
    assert answers["unknown"] == "ObjectNotFoundError"
    assert answers["bad"] == "ParseError"
