"""The commands that ask the services: ids and positions in, tables out, exit codes; against the local server."""

import csv
import getpass
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table
from fault_server import FaultServer, json_reply

from alerce_zvar import AlerceClass, ZvarClass
from alerce_zvar import __main__ as cli
from alerce_zvar.cli import sky as sky_commands
from alerce_zvar.positions import parse_position
from alerce_zvar.wire.answer import AnswerTable

ROOT = Path(__file__).resolve().parents[1]
CENTRE = "0.8365 +30.94"
FORMATS = ("ecsv", "votable", "parquet", "fits", "csv", "json", "jsonl")


@pytest.fixture(autouse=True)
def at_home(monkeypatch, sample_server, tmp_path):
    monkeypatch.setenv("ALERCE_ZVAR_SERVER", sample_server)
    monkeypatch.setenv("ZVAR_USERNAME", "alice")
    monkeypatch.setenv("ZVAR_PASSWORD", "wonderland")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def give(monkeypatch):
    """Puts bytes or text where stdin is."""

    def put(content):
        body = content.encode() if isinstance(content, str) else content
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body)))

    return put


@pytest.fixture
def run(capsysbinary):
    """Exit code, stdout as bytes and stderr as text of a command line."""

    def call(*words):
        code = cli.main(list(words))
        out, err = capsysbinary.readouterr()
        return code, out, err.decode()

    return call


@pytest.fixture(scope="module")
def variables(sample_server):
    """Sources of ZVAR with a clear period."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZVAR_USERNAME", "alice")
        patch.setenv("ZVAR_PASSWORD", "wonderland")
        zvar = ZvarClass(url=sample_server)
        place = SkyCoord(0.8365 * u.deg, 30.94 * u.deg)
        found = zvar.query_region(place, radius=10 * u.arcmin, max_period=1 * u.d, min_significance=40)
        return found


@pytest.fixture(scope="module")
def oids(sample_server):
    found = AlerceClass(url=sample_server).query_objects(ndet=1, row_limit=-1)
    return list(dict.fromkeys(found["oid"].tolist()))


def lines(out):
    return [json.loads(line) for line in out.decode().splitlines()]


def read(path, form):
    """A file as its format is usually read."""
    if form == "votable":
        return AnswerTable.from_votable(path)
    if form == "fits":
        return AnswerTable.from_fits(path)
    if form in ("csv", "json", "jsonl"):
        text = path.read_text(encoding="utf-8")
        rows = {"csv": lambda: list(csv.DictReader(io.StringIO(text))), "json": lambda: json.loads(text)}
        rows = rows[form]() if form in rows else [json.loads(line) for line in text.splitlines()]
        return {name: [row[name] for row in rows] for name in rows[0]}
    return Table.read(path, format={"ecsv": "ascii.ecsv"}.get(form, form))


# ---------------------------------------------------------------------------------------------- what is written


@pytest.mark.parametrize("form", FORMATS)
def test_a_cone_in_every_format(form, run, tmp_path, variables):
    words = ("cone", CENTRE, "--radius", "10arcmin", "--service", "zvar", "--max-period", "1d")
    words += ("--min-significance", "40", "--format", form)
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    (tmp_path / "stdout").write_bytes(out)
    found = read(tmp_path / "stdout", form)
    assert list(found["psid"]) == list(variables["psid"])
    np.testing.assert_allclose(np.array(found["ra"], dtype=float), variables["ra"], rtol=1e-15)
    assert run(*words, "--output", "file", "--quiet") == (0, b"", "")
    assert list(read(tmp_path / "file", form)["psid"]) == list(variables["psid"])


def test_the_name_of_the_file_says_the_format(run, tmp_path):
    words = ("fields", "--output")
    for name, form in (("a.vot", "votable"), ("a.parquet", "parquet"), ("a.csv", "csv"), ("a.json", "json")):
        assert run(*words, name)[0] == 0
        assert list(map(int, read(tmp_path / name, form)["field"])) == [648, 1645]
    assert run(*words, "a.csv", "--format", "jsonl", "--overwrite")[0] == 0
    assert lines((tmp_path / "a.csv").read_bytes())[0]["field"] == 648


def test_a_file_is_kept_unless_told(run, tmp_path):
    (tmp_path / "there.ecsv").write_text("precious", encoding="ascii")
    code, _, err = run("fields", "-o", "there.ecsv")
    assert code == 1
    assert err == "alerce-zvar: error: there.ecsv exists; --overwrite replaces it\n"
    assert (tmp_path / "there.ecsv").read_text(encoding="ascii") == "precious"
    assert run("fields", "-o", "nowhere/x.ecsv")[0] == 1
    assert run("fields", "-o", "there.ecsv", "--overwrite")[0] == 0
    assert run("fields", "-o", "-", "--format", "csv")[1].startswith(b"field,n_logs\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there.ecsv"]


def test_no_binary_format_on_a_terminal(run, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    with pytest.raises(SystemExit) as caught:
        run("fields", "--format", "parquet")
    assert caught.value.code == 2


def objects_reply(values):
    """One object as the service answers."""
    from alerce_zvar.alerce import schema

    plain = {"str": "1", "id": "1", "int": 1, "float": 58000.5, "bool": True}
    row = {column.wire: plain[column.wire_dtype] for column in schema.OBJECTS.columns}
    return json_reply({"items": [row | values], "total": 1, "next": None, "has_next": False})


HOSTILE = "SN\x1b[31mred\x1b]0;title\x07\x9b2J\x7f"


@pytest.mark.parametrize("form", ["ecsv", "csv", "json", "jsonl", "votable"])
def test_no_control_character_of_a_service_reaches_stdout(form, run):
    with FaultServer(objects_reply({"oid": HOSTILE, "class": HOSTILE, "classifier": HOSTILE})) as server:
        code, out, err = run("objects", "--class-name", "SN", "--server", server.url, "--format", form)
    text = out.decode()
    assert code == 0, err
    assert "red" in text
    assert not [letter for letter in text + err if letter != "\n" and (ord(letter) < 32 or 127 <= ord(letter) < 160)]


def test_nor_do_they_reach_stderr(run):
    with FaultServer(json_reply({"message": HOSTILE}, 400)) as server:
        code, out, err = run("objects", HOSTILE, "--server", server.url)
    assert (code, out) == (1, b"")
    assert "red" in err
    assert "\x1b" not in err
    assert "\x9b" not in err


def test_a_file_keeps_texts_as_they_are(run, tmp_path):
    with FaultServer(objects_reply({"oid": "a\x7fb"})) as server:
        assert run("objects", "--class-name", "SN", "--server", server.url, "-o", "x.jsonl")[0] == 0
    assert lines((tmp_path / "x.jsonl").read_bytes())[0]["oid"] == "a\x7fb"


# ------------------------------------------------------------------------------------------------------ commands


def test_cone_of_alerce_with_filters(run, oids):
    words = ("cone", CENTRE, "--radius", "10arcmin", "--format", "jsonl")
    code, out, _ = run(*words, "--row-limit", "-1", "--one-row-per-object")
    assert code == 0
    assert sorted(row["oid"] for row in lines(out)) == sorted(oids)
    code, out, _ = run(*words, "--classifier", "lc_classifier", "--class-name", "RRL", "--one-row-per-object")
    assert {row["class_name"] for row in lines(out)} == {"RRL"}
    code, out, err = run(*words, "--row-limit", "3", "--order-by", "ndet", "--order-mode", "DESC")
    assert code == 0
    assert len(lines(out)) == 3
    assert err.startswith("alerce-zvar: warning: The answer was cut at 3 rows")
    assert run(*words, "--row-limit", "3", "--quiet")[2] == ""


@pytest.mark.parametrize("name", ["periods", "lightcurves"])
def test_tables_that_belong_to_sources(name, run, variables):
    code, out, _ = run("objects", *variables["psid"], "--service", "zvar", "--table", name, "--format", "jsonl")
    assert code == 0
    assert [row["psid"] for row in lines(out)] == list(getattr(variables, name)["psid"])


def test_objects_by_id_and_by_filter(run, oids):
    code, out, _ = run("objects", *oids[:3], "--one-row-per-object", "--format", "jsonl")
    assert [row["oid"] for row in lines(out)] == oids[:3]
    code, out, _ = run("objects", "--ndet", "1", "200", "--one-row-per-object", "--format", "jsonl")
    assert code == 0
    assert all(row["ndet"] <= 200 for row in lines(out))


def test_lightcurves_of_both_services(run, variables, oids):
    psid = variables["psid"][0]
    code, out, _ = run("lightcurve", psid, "--service", "zvar", "--min-snr", "5", "--bands", "r", "--format", "jsonl")
    rows = lines(out)
    assert code == 0
    assert {row["psid"] for row in rows} == {psid}
    assert {row["band"] for row in rows} == {"r"}
    assert min(row["snr_total"] for row in rows) >= 5
    code, out, _ = run("lightcurve", psid, "--service", "zvar", "--flux", "--format", "jsonl")
    assert "magzp" in lines(out)[0]
    code, out, _ = run("lightcurve", *oids[:2], "--barycentric", "--bands", "g", "--format", "jsonl")
    assert {row["oid"] for row in lines(out)} == set(oids[:2])
    assert {row["band"] for row in lines(out)} == {"g"}
    assert "time_mjd_tdb" in lines(out)[0]
    code, out, _ = run("lightcurve", *oids[:20], "--upper-limits", "--format", "jsonl")
    limits = [row["limiting_mag"] for row in lines(out) if row["mag"] is None]
    code, out, _ = run("lightcurve", *oids[:20], "--upper-limits", "--clean", "--format", "jsonl")
    assert [row["limiting_mag"] for row in lines(out) if row["mag"] is None] == limits
    assert all(limits)


def test_periods_are_found_and_drawn(run, variables, tmp_path):
    pytest.importorskip("matplotlib")
    psids = variables["psid"][:2].tolist()
    words = ("--service", "zvar", "--min-period", "0.05d", "--max-period", "1d", "--format", "jsonl", "--plot", "plots")
    code, out, err = run("periods", *psids, *words)
    assert code == 0
    rows = lines(out)
    assert [row["psid"] for row in rows] == psids
    best = dict(zip(variables.best_periods()["psid"], variables.best_periods()["period"], strict=True))
    ratios = [row["period"] / best[row["psid"]] for row in rows]
    assert all(min(abs(ratio / simple - 1) for simple in (0.5, 1, 2)) < 1e-3 for ratio in ratios)
    assert all(row["false_alarm_probability"] < 1e-6 and row["n_points"] > 100 for row in rows)
    assert "epoch_time_mjd_tdb" in rows[0]
    assert [(tmp_path / "plots" / f"{psid}.png").read_bytes()[:4] for psid in psids] == [b"\x89PNG"] * 2
    assert "[2/2] searched" in err


def test_a_light_curve_that_cannot_be_searched_is_a_failure(run, variables):
    psid = variables["psid"][0]
    code, out, err = run("periods", psid, "--service", "zvar", "--min-snr", "1000", "--format", "jsonl")
    assert (code, out) == (3, b"")
    assert f"no answer for {psid}: the light curve has" in err
    words = ("periods", "7", f"0{psid}", "--service", "zvar", "--min-snr", "1000", "--failures", "failures.ecsv")
    assert run(*words)[0] == 3
    assert list(Table.read("failures.ecsv")["input_index"]) == [0, 1]


def test_periods_on_two_processes_keep_what_was_found(run, variables):
    """Light curves of too few good points fail among others that are found: exit code 3, each in its place."""
    psids = variables["psid"][:6].tolist()
    few = "--bands", "r", "--min-snr", "75", "--max-period", "1d", "--min-period", "0.5d"
    words = ("--service", "zvar", *few, "--method", "lombscargle", "--format", "jsonl", "--failures", "failures.ecsv")
    code, out, err = run("periods", *psids, *words, "--workers", "2")
    found, failures = [row["psid"] for row in lines(out)], Table.read("failures.ecsv")
    assert 0 < len(found) < 6
    assert sorted([*found, *failures["input"]]) == sorted(psids)
    assert [psids[index] for index in failures["input_index"]] == list(failures["input"])
    assert set(failures["error"]) == {"ValueError"}
    assert code == 3
    assert f"{len(failures)} of 6 light curves could not be searched" in err
    assert "[6/6] searched" in err
    assert run("periods", *psids, *words, "--workers", "1", "--overwrite")[:2] == (3, out)


def test_xmatch_both_ways(run, variables):
    psids = variables["psid"][:4].tolist()
    words = ("--catalog", "gaia", "--radius", "2arcsec", "--format", "jsonl")
    code, out, _ = run("xmatch", *psids, *words)
    assert code == 0
    gaia = {row["psid"]: row["source_id"] for row in lines(out)}
    assert list(gaia) == psids
    code, out, _ = run("xmatch", *gaia.values(), *words, "--external")
    assert {row["psid"]: row["source_id"] for row in lines(out)} == gaia
    code, out, _ = run("xmatch", *psids, *words, "--colour-magnitude", "--min-parallax-snr", "0")
    assert all(row["absolute_magnitude"] is not None for row in lines(out))
    code, out, _ = run("xmatch", *psids, *words, "--min-bp-rp", "0.6", "--max-absolute-magnitude", "7")
    kept = lines(out)
    assert 0 < len(kept) < 4
    assert all(row["bp_rp"] > 0.6 and row["absolute_magnitude"] < 7 for row in kept)


def test_no_match_is_an_answer(run, variables):
    code, out, err = run("xmatch", variables["psid"][0], "--catalog", "gaia", "--radius", "0.0000001arcsec")
    assert code == 0
    assert Table.read(out.decode(), format="ascii.ecsv").colnames[:3] == ["input_index", "psid", "source_id"]
    assert err == "alerce-zvar: warning: No matches in gaia found\n"


def test_match(run, variables, oids):
    places = [f"{row['ra']} {row['dec']:+}" for row in variables[:3]]
    code, out, _ = run("match", *places, "180 -60", "--radius", "2arcsec", "--format", "jsonl")
    rows = lines(out)
    assert code == 0
    assert [row["psid"] for row in rows] == [*variables["psid"][:3], None]
    assert {row["oid"] for row in rows[:3]} <= set(oids)
    code, out, _ = run("match", *places, "--radius", "2arcsec", "--services", "alerce", "--format", "jsonl")
    assert [row["psid"] for row in lines(out)] == [None] * 3


def test_fields_and_logs(run):
    assert [row["n_logs"] for row in lines(run("fields", "--format", "jsonl")[1])] == [6, 4]
    assert len(lines(run("fields", "--logs", "--format", "jsonl")[1])) == 10


# -------------------------------------------------------------------------------------------------------- inputs


@pytest.mark.parametrize("form", FORMATS)
def test_ids_from_what_another_command_wrote(form, run, give, variables, tmp_path):
    words = ("objects", "--service", "zvar", *variables["psid"][:5])
    _, out, _ = run(*words, "--format", form)
    give(out)
    code, again, _ = run("objects", "--service", "zvar", "-", "--format", "jsonl")
    assert code == 0
    assert [row["psid"] for row in lines(again)] == list(variables["psid"][:5])
    (tmp_path / "given").write_bytes(out)
    places = run("cone", "--service", "zvar", "--from", "given", "--radius", "0.5arcsec", "--format", "jsonl")[1]
    assert [row["psid"] for row in lines(places)] == list(variables["psid"][:5])


@pytest.mark.parametrize(
    "text",
    [
        "{0}\n{1}\n\n# a comment\n{0}\n",
        "psid\n{0}\n{1}",
        "name,psid\nx,{0}\ny,{1}\n",
        '[{{"psid": {0}}}, {{"psid": "{1}"}}]',
        '{{"psid": {0}}}\n{{"psid": {1}}}\n',
        "\ufeffpsid,x\r\n{0},1\r\n{1},2\r\n",
    ],
)
def test_ids_from_text(text, run, give, variables):
    psids = variables["psid"][:2].tolist()
    give(text.format(*psids))
    code, out, _ = run("objects", "--service", "zvar", "-", "--format", "jsonl")
    assert code == 0
    assert [row["psid"] for row in lines(out)] == psids


def test_ids_of_another_column_and_from_everywhere(run, give, variables, tmp_path):
    psids = variables["psid"][:3].tolist()
    give(f"{psids[1]}\n")
    (tmp_path / "ids.csv").write_text(f"star,source\n1,{psids[2]}\n", encoding="ascii")
    words = ("objects", "--service", "zvar", psids[0], "-", "--from", "ids.csv")
    code, out, _ = run(*words, "--id-column", "source", "--format", "jsonl")
    assert [row["psid"] for row in lines(out)] == psids
    give(psids[1])
    code, _, err = run(*words)
    assert code == 1
    assert "ids.csv has no column 'psid'; it has star, source. --id-column names another" in err


def test_an_id_that_a_file_has_as_a_float_is_refused(run, give):
    give('[{"psid": 1.45120008365555264e17}]')
    code, _, err = run("objects", "--service", "zvar", "-")
    assert code == 1
    assert "id of digits" in err


@pytest.mark.parametrize(
    ("text", "ra", "dec"),
    [
        ("10.68 +41.27", 10.68, 41.27),
        ("10.68, -41.27", 10.68, -41.27),
        ("-10.5 0", 349.5, 0),
        ("00h42m44s +41d16m09s", 10.683333, 41.269167),
        ("00:42:44 +41:16:09", 10.683333, 41.269167),
        ("00 42 44 -41 16 09", 10.683333, -41.269167),
        ("10.68d 41.27d", 10.68, 41.27),
        ("SDSS J004244.00+411609.0", 10.683333, 41.269167),
    ],
)
def test_positions(text, ra, dec):
    found = parse_position(text)
    assert found.ra.deg == pytest.approx(ra, abs=1e-6)
    assert found.dec.deg == pytest.approx(dec, abs=1e-6)


@pytest.mark.parametrize("text", ["", "10", "10 91", "400 10", "nan 10", "M31", "1 2 3", "00h42m44s", "a b", "12:00 x"])
def test_what_is_no_position(text):
    with pytest.raises(ValueError, match="not a position"):
        parse_position(text)


@pytest.mark.parametrize(
    "text",
    [
        "0.8365 +30.94\n00h03m20.76s +30d56m24s\n",
        "ra,dec\n0.8365,30.94\n00:03:20.76,+30:56:24\n",
        "RA,Dec,name\n0.8365,30.94,a\n0.8365,30.94,b\n",
        '[{"ra": 0.8365, "dec": 30.94}, {"ra": "0.8365", "dec": "30.94"}]',
    ],
)
def test_positions_from_text(text, run, give):
    give(text)
    code, out, _ = run("match", "-", "--radius", "1arcmin", "--services", "zvar", "--format", "jsonl")
    rows = lines(out)
    assert code == 0
    assert [(round(row["ra"], 5), round(row["dec"], 5)) for row in rows] == [(0.8365, 30.94)] * 2
    assert rows[0]["psid"] == rows[1]["psid"] is not None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("0.8 30.9\nhere\n", "stdin, entry 2: not a position: 'here'"),
        ("ra,dec\n0.8,30.9\n,\n", "stdin, row 2: not a position: ' '"),
        ('[{"ra": 0.8, "dec": 95}]', "stdin, row 1: not a position: '0.8 95'"),
    ],
)
def test_a_wrong_position_among_many_is_pointed_at(text, place, run, give):
    give(text)
    code, out, err = run("cone", "-", "--radius", "5arcsec")
    assert (code, out) == (1, b"")
    assert err.startswith(f"alerce-zvar: error: {place}. Accepted are ")


def test_a_table_without_positions(run, give):
    give("a,b,ra\n1,2,3\n")
    code, _, err = run("cone", "-", "--radius", "1arcsec")
    assert code == 1
    assert "stdin must have columns ra and dec; it has a, b, ra" in err
    assert run("cone", "--from", "missing.ecsv", "--radius", "1arcsec")[0] == 1


# ---------------------------------------------------------------------------------------------- codes and words


def test_an_unknown_id_is_partial(run, variables, tmp_path):
    words = ("objects", "--service", "zvar", variables["psid"][0], "17", "--format", "jsonl")
    code, out, err = run(*words, "--failures", "failed.csv")
    assert code == 3
    assert len(lines(out)) == 1
    told = err.splitlines()
    assert told[0].startswith("alerce-zvar: warning: 1 of 2 inputs have no answer")
    assert told[1:] == ["alerce-zvar: no answer for 17: the service knows no such id"]
    failed = read(tmp_path / "failed.csv", "csv")
    assert (failed["input_index"], failed["input"]) == (["1"], ["17"])
    assert run(*words, "--quiet")[::2] == (3, "")


def test_many_failures_are_not_all_told(run):
    ids = [str(number) for number in range(1, 26)]
    code, out, err = run("objects", "--service", "zvar", *ids)
    assert code == 3
    assert len(Table.read(out.decode(), format="ascii.ecsv")) == 0
    assert err.count("no answer for") == 21
    assert "no answer for 5 more; --failures FILE lists them all" in err


def test_nothing_there_is_no_error(run):
    code, out, err = run("cone", "180 -60", "--radius", "1arcsec", "--format", "csv")
    assert code == 0
    assert out.decode().startswith("input_index,oid,ra,dec")
    assert err == "alerce-zvar: warning: No objects found\n"


def test_a_service_that_is_away(run):
    code, out, err = run("fields", "--server", "http://127.0.0.1:9", "--timeout", "1")
    assert (code, out) == (1, b"")
    assert err.startswith("alerce-zvar: error: ")
    assert err.count("\n") == 1


def test_a_password_is_asked_for_and_never_shown(run, monkeypatch):
    monkeypatch.delenv("ZVAR_PASSWORD")
    asked = []
    monkeypatch.setattr("getpass.getpass", lambda prompt="": asked.append(prompt) or "wonderland")
    code, out, err = run("fields", "--user", "alice")
    assert code == 0
    assert len(asked) == 1
    assert b"wonderland" not in out
    assert "wonderland" not in err


@pytest.mark.parametrize("error", [EOFError(), getpass.GetPassWarning("cannot control echo")])
def test_without_a_terminal_no_password_is_asked_for(error, run, monkeypatch):
    def ask(prompt=""):
        raise error

    monkeypatch.delenv("ZVAR_PASSWORD")
    monkeypatch.setattr("getpass.getpass", ask)
    code, out, err = run("fields", "--user", "alice")
    assert (code, out) == (1, b"")
    assert err.splitlines()[-1].startswith("alerce-zvar: error: No password was given.")


def test_an_echo_of_the_password_is_refused(sample_server):
    """In a process without a terminal, where Python would read stdin and show what is typed."""
    environment = {name: value for name, value in os.environ.items() if name != "ZVAR_PASSWORD"}
    answer = subprocess.run(
        [sys.executable, "-m", "alerce_zvar", "fields", "--user", "alice", "--server", sample_server],
        input=b"wonderland\n",
        capture_output=True,
        cwd=ROOT,
        env=environment,
        start_new_session=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (1, b"")
    assert answer.stderr.splitlines()[-1].startswith(b"alerce-zvar: error: No password was given.")


@pytest.mark.parametrize(
    "body", [b"\xff\xfe1\x004\x00", b"{broken", b"<xml>", b"# %ECSV 1.0\nno", b"SIMPLE  = x", b"PAR1", b"[1, 2]"]
)
def test_what_cannot_be_read_is_named(body, run, give, tmp_path):
    (tmp_path / "given.txt").write_bytes(body)
    for words in (["objects", "--service", "zvar"], ["cone", "--radius", "5arcsec"]):
        code, out, err = run(*words, "--from", "given.txt")
        assert (code, out) == (1, b"")
        assert err.startswith("alerce-zvar: error: given.txt cannot be read: ")
        assert err.count("\n") == 1
    give(body)
    assert run("objects", "-")[2].startswith("alerce-zvar: error: stdin cannot be read: ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["cone", CENTRE], "--radius"),
        (["cone", CENTRE, "--radius", "5"], "with a unit"),
        (["cone", CENTRE, "--radius=-5arcsec"], "one positive angle"),
        (["cone", "--radius", "5arcsec"], "no position"),
        (["cone", "0.8", "30.9", "--radius", "5arcsec"], "in quotes"),
        (["cone", CENTRE, "--radius", "5arcsec", "--min-period", "5min"], "--min-period goes with --service zvar only"),
        (["cone", CENTRE, "--radius", "5arcsec", "--objtype", "0"], "--objtype goes with --service zvar only"),
        (["cone", CENTRE, "--radius", "5arcsec", "--service", "zvar", "--ndet", "1", "2"], "--ndet goes with"),
        (["cone", CENTRE, "--radius", "5arcsec", "--service", "zvar", "--min-period", "5"], "a time with a unit"),
        (["cone", CENTRE, "--radius", "5arcsec", "--service", "zvar", "--min-significance", "5"], "needs --min-period"),
        (["cone", CENTRE, "--radius", "5arcsec", "--service", "sdss"], "invalid choice"),
        (["cone", CENTRE, "--radius", "5arcsec", "--format", "xls"], "invalid choice"),
        (["cone", CENTRE, "--radius", "5arcsec", "--timeout", "0"], "a positive number"),
        (["objects"], "no ids and no filter"),
        (["objects", "--service", "zvar"], "no ids"),
        (["lightcurve"], "no ids"),
        (["lightcurve", "1", "--bands", "g,q"], "u, g, r, i, z, y are accepted"),
        (["periods", "1", "--nterms", "11"], "from 1 to 10"),
        (["periods", "1", "--method", "guess"], "one of auto, lombscargle"),
        (["periods", "1", "--method", "bls", "--nterms", "3"], "no option 'nterms'"),
        (["periods", "1", "--min-period", "2d", "--max-period", "1d"], "must be below"),
        (["xmatch", "1", "--catalog", "ps1", "--radius", "1arcsec", "--min-bp-rp", "0"], "--min-bp-rp goes with"),
        (["xmatch", "1", "--catalog", "sdss", "--radius", "1arcsec"], "invalid choice"),
        (["match", CENTRE, "--radius", "1arcsec", "--services", "gaia"], "needs zvar"),
    ],
)
def test_wrong_usage(words, told, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    captured = capsys.readouterr()
    assert caught.value.code == 2
    assert captured.out == ""
    assert told in captured.err.replace("\n", " ")


def test_options_are_parameters_of_the_services():
    """Their names are written by hand, for a schema takes a second to load; here they are held against it."""
    from alerce_zvar.alerce import schema as alerce
    from alerce_zvar.zvar import schema as zvar

    def names(options):
        return {name.removeprefix("--").replace("-", "_") for name, _ in options}

    ours = {"survey", "row_limit", "one_row_per_object"}
    wire = {param.name for param in alerce.OBJECTS_PARAMS}
    assert names(sky_commands._FILTERS) - ours <= wire
    assert wire - names(sky_commands._FILTERS) == {"oid", "ra", "dec", "radius", "page", "page_size", "count"}
    assert names(sky_commands._CUTS) - {"table"} == {param.name for param in zvar.FILTERS}


def test_the_recipe_of_the_tutorial(run, tmp_path):
    """The lines of the page, one after the other, as a shell would run them."""
    page = Path(__file__).parent.parent.joinpath("docs", "tutorial", "giants.rst").read_text(encoding="utf-8")
    recipe = [shlex.split(line) for line in page.splitlines() if line.startswith("    alerce-zvar ")]
    steps = [words[1:] for words in recipe if "|" not in words]
    assert [words[0] for words in steps] == ["cone", "xmatch", "lightcurve", "periods", "match"]
    for words in steps:
        code, out, err = run(*words)
        assert (code, out) == (0, b""), err
    giants = Table.read("giants.ecsv")
    assert len(giants) == 3
    assert len(Table.read("variables.ecsv")) > 20
    assert giants["bp_rp"].min() > 1
    assert giants["absolute_magnitude"].max() < 3
    assert set(Table.read("light_curves.parquet")["psid"]) == set(giants["psid"])
    periods, known = Table.read("periods.ecsv"), Table.read("known.ecsv")
    assert list(periods["psid"]) == list(known["psid"]) == list(giants["psid"])
    assert sorted(path.stem for path in tmp_path.joinpath("folded").iterdir()) == sorted(giants["psid"])


def test_a_pipe_of_commands(variables):
    """As in a shell, with a reader that stops early."""
    environment = os.environ | {"PYTHONWARNINGS": "error"}
    command = [sys.executable, "-m", "alerce_zvar"]
    first = [*command, "cone", CENTRE, "--radius", "10arcmin", "--service", "zvar", "--max-period", "1d"]
    options = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "env": environment, "cwd": ROOT}
    with subprocess.Popen([*first, "--min-significance", "40"], **options) as writer:
        words = [*command, "lightcurve", "--service", "zvar", "-", "--format", "csv"]
        with subprocess.Popen(words, stdin=writer.stdout, **options) as reader:
            writer.stdout.close()
            header = reader.stdout.readline()
            reader.stdout.close()
            errors = [reader.stderr.read(), writer.stderr.read()]
    assert header.startswith(b"psid,time_mjd_tdb,band,mag")
    assert errors == [b"", b""]
    assert writer.returncode == 0
    assert reader.returncode in (cli.OK, cli.BROKEN_PIPE)
