"""The command line: exit codes, what goes to stdout and what to stderr."""

import getpass
import json
import os
import subprocess
import sys
import time
import urllib.request

import pytest
from astropy import units as u

from alerce_zvar import __main__ as cli
from alerce_zvar.archive import Archive
from alerce_zvar.server import Users

STAR = """oid,expid,hjd,mjd,mag,magerr,catflags,filtercode,ra,dec,chi,sharp,filefracday,field,ccdid,qid,limitmag,magzp,\
magzprms,clrcoeff,clrcounc,exptime,airmass,programid
648102200006121,{expid},{jd},{mjd},16.59,0.0145,0,zg,0.8365,30.9372,0.8,0.002,20180408147037,648,2,2,20.6,26.3,0.019,\
0.087,6e-06,30.0,1.2,1
"""


@pytest.fixture
def star(tmp_path):
    path = tmp_path / "star.csv"
    path.write_text(STAR.format(expid=46214704, jd=2458216.6446212410, mjd=58216.1470486), encoding="ascii")
    return path


@pytest.fixture
def sky(tmp_path, star, capsys):
    path = tmp_path / "sky.duckdb"
    assert cli.main(["archive", "import-irsa", str(path), str(star)]) == cli.OK
    capsys.readouterr()
    return path


def test_import_makes_the_archive_and_adds_nothing_twice(tmp_path, star, capsys):
    path = tmp_path / "sky.duckdb"
    assert cli.main(["archive", "import-irsa", str(path), str(star)]) == 0
    first = capsys.readouterr()
    assert "1 sources, 1 light curves, 1 epochs added" in first.out
    assert "star.csv" in first.err
    assert cli.main(["archive", "import-irsa", str(path), str(star)]) == 0
    assert "0 epochs added; 1 already known" in capsys.readouterr().out


def test_import_with_a_broken_file_is_partial(tmp_path, star, capsys):
    broken = tmp_path / "broken.csv"
    broken.write_text("not,a,light,curve\n1,2,3,4\n", encoding="ascii")
    path = tmp_path / "sky.duckdb"
    assert cli.main(["archive", "import-irsa", str(path), str(star), str(broken)]) == 3
    out = capsys.readouterr().out
    assert "failed:" in out
    assert "broken.csv" in out
    with Archive.open(path, read_only=True) as archive:
        assert archive.summary()["epochs"] == 1


@pytest.mark.parametrize("source", ["irsa", "alerce", "alerts"])
def test_import_of_nothing_makes_no_archive(tmp_path, capsys, source):
    path = tmp_path / "sky.duckdb"
    assert cli.main(["archive", f"import-{source}", str(path), str(tmp_path / "nosuch")]) == 1
    assert "nosuch" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_import_of_answers(tmp_path, capsys):
    answers = {"oid": "ZTF17aabopdz", "features": [{"name": "a", "value": 0.5, "fid": 1, "version": "1"}]}
    good, bad, path = (tmp_path / name for name in ("good.json", "bad.json", "sky.duckdb"))
    good.write_text(json.dumps(answers), encoding="utf-8")
    assert cli.main(["archive", "import-alerce", str(path), str(good)]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("1 files read: 1 answers, 1 of them new; 1 rows stored")
    assert "good.json" in told.err
    bad.write_text("{}", encoding="utf-8")
    assert cli.main(["archive", "import-alerce", str(path), str(good), str(bad)]) == 3
    out = capsys.readouterr().out
    assert out.startswith("2 files read: 1 answers, 0 of them new")
    assert "bad.json: it holds no answer" in out
    with Archive.open(path, read_only=True) as archive:
        assert archive.summary()["features"] == 1


def test_import_of_alerts(tmp_path, capsys, real_data):
    path, folder = tmp_path / "sky.duckdb", real_data / "alerts"
    assert cli.main(["archive", "import-alerts", str(path), str(folder)]) == 0
    assert "23 files read: 23 alerts" in capsys.readouterr().out
    broken = tmp_path / "broken.avro"
    broken.write_bytes(b"Obj")
    assert cli.main(["archive", "import-alerts", str(path), str(folder), str(broken)]) == 3
    out = capsys.readouterr().out
    assert "24 files read: 0 alerts, 0 sources added; 23 already known." in out
    assert "broken.avro" in out


def test_info_counts(sky, capsys):
    assert cli.main(["archive", "info", str(sky)]) == 0
    rows = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert rows["sources"] == rows["lightcurves"] == rows["epochs"] == "1"
    assert rows["periods"] == "0"


def test_errors_are_one_line_without_traceback(tmp_path, capsys):
    assert cli.main(["archive", "info", str(tmp_path / "missing.duckdb")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("alerce-zvar: error: ")
    assert captured.err.count("\n") == 1
    with pytest.raises(Exception, match=r"missing\.duckdb"):
        cli.main(["--debug", "archive", "info", str(tmp_path / "missing.duckdb")])


@pytest.mark.parametrize("error", [u.UnitsError, TypeError, OSError])
def test_what_a_user_can_cause_is_one_line(error, monkeypatch, capsys):
    def broken(options):
        raise error("two\nlines")

    monkeypatch.setattr(cli, "_info", broken)
    assert cli.main(["archive", "info", "sky.duckdb"]) == 1
    assert capsys.readouterr().err == "alerce-zvar: error: two lines\n"


def test_defects_are_not_hidden(monkeypatch):
    def broken(options):
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "_info", broken)
    with pytest.raises(ZeroDivisionError):
        cli.main(["archive", "info", "sky.duckdb"])


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is always full")
@pytest.mark.parametrize("words", [["archive", "info", "SKY"], ["--version"]])
def test_a_full_disk_is_one_line(words, sky):
    command = [sys.executable, "-m", "alerce_zvar", *(str(sky) if word == "SKY" else word for word in words)]
    with open("/dev/full", "wb") as full:
        answer = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert answer.returncode == 1
    assert answer.stderr == "alerce-zvar: error: [Errno 28] No space left on device\n"


def test_interruption(monkeypatch, capsys):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_info", interrupted)
    assert cli.main(["archive", "info", "sky.duckdb"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["archive"],
        ["serve"],
        ["nonsense"],
        ["demo", "--seed", "x"],
        ["demo", "--seed=-1"],
        ["serve", "sky.duckdb", "--port", "65536"],
        ["serve", "sky.duckdb", "--port=-1"],
        ["serve", "sky.duckdb", "--port", "http"],
    ],
)
def test_wrong_usage(words, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(words)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_server_user_prints_an_entry_that_works(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("getpass.getpass", lambda prompt: "wonderland")
    assert cli.main(["server-user", "alice"]) == 0
    out = capsys.readouterr().out
    assert list(json.loads(out)) == ["alice"]
    assert "wonderland" not in out
    file = tmp_path / "users.json"
    file.write_text(out, encoding="utf-8")
    assert Users(file).check("Basic YWxpY2U6d29uZGVybGFuZA==") == "alice"


@pytest.mark.parametrize(("name", "answers"), [("a:b", []), ("alice", [""]), ("alice", ["wonderland", "wonderlamd"])])
def test_server_user_refuses(monkeypatch, capsys, name, answers):
    given = iter(answers)
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(given))
    assert cli.main(["server-user", name]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "wonderla" not in captured.err


@pytest.mark.parametrize("error", [EOFError(), getpass.GetPassWarning("cannot control echo")])
def test_server_user_without_a_terminal_is_one_line(error, monkeypatch, capsys):
    def ask(prompt):
        raise error

    monkeypatch.setattr("getpass.getpass", ask)
    assert cli.main(["server-user", "alice"]) == 1
    assert capsys.readouterr().err == ("alerce-zvar: error: no password was given; it is asked for at a terminal\n")


def test_server_user_shows_nothing_without_a_terminal():
    answer = run("server-user", "alice", stdin=subprocess.DEVNULL, start_new_session=True)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.startswith("alerce-zvar: error: ")
    assert answer.stderr.count("\n") == 1


def run(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "alerce_zvar", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


def test_help_is_fast_and_lists_the_commands():
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        answer = run("--help")
        best = min(best, time.perf_counter() - start)
    assert answer.returncode == 0
    assert all(word in answer.stdout for word in ("demo", "serve", "server-user", "archive"))
    assert best < 0.5


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom alerce_zvar.__main__ import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([n for n in ('numpy', 'astropy', 'duckdb', 'matplotlib', 'fastapi') if n in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.splitlines()[-1] == "[]"


def test_version():
    from importlib.metadata import version

    answer = run("--version")
    assert answer.returncode == 0
    assert answer.stdout.strip() == f"alerce-zvar {version('alerce_zvar')}"


@pytest.mark.skipif(os.name != "posix", reason="pipes break otherwise on Windows")
@pytest.mark.parametrize("words", [["--version"], ["--help"], ["archive", "info", "SKY"]])
def test_an_output_that_nobody_reads_is_no_error(words, sky):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "alerce_zvar", *(str(sky) if word == "SKY" else word for word in words)]
    try:
        answer = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=120, check=False)
    finally:
        os.close(writer)
    assert answer.stderr == b""
    assert answer.returncode in (cli.OK, cli.BROKEN_PIPE)  # argparse ignores what it cannot write


def test_help_keeps_acronyms(capsys):
    for words, shown in ((["serve"], "over HTTP"), (["archive", "import-irsa"], "as IRSA serves them")):
        with pytest.raises(SystemExit):
            cli.main([*words, "--help"])
        assert shown in " ".join(capsys.readouterr().out.split())


def test_serve_prints_its_address_and_answers(sky):
    command = [sys.executable, "-m", "alerce_zvar", "serve", str(sky), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            with urllib.request.urlopen(f"{url}/openapi.json", timeout=30) as answer:
                assert "/ztf/v1/objects/" in json.load(answer)["paths"]
        finally:
            process.terminate()
            process.communicate(timeout=30)


def test_serve_refuses_a_missing_archive(tmp_path):
    answer = run("serve", str(tmp_path / "missing.duckdb"), "--port", "0")
    assert answer.returncode == 1
    assert "missing.duckdb" in answer.stderr
    assert "Traceback" not in answer.stderr
