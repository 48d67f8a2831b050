"""From real files to real periods: import IRSA's answers, serve them, and go the whole way with public names only."""

import contextlib
import csv
import gzip
import io

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

from alerce_zvar import Alerce, Zvar, find_period, fold
from alerce_zvar import __main__ as cli
from alerce_zvar.server import serve

SETS = {"ztf_vsx": ("ra_deg", "dec_deg", "file_prefix"), "ztf_wd": ("ra", "dec", "source_id")}
FACTORS = {"P": 1.0, "P/2": 2.0, "2P": 0.5}
BAD_EPOCH = 32768


def import_irsa(archive, folder):
    """What the command says on the standard output."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
        assert cli.main(["archive", "import-irsa", str(archive), str(folder)]) == 0
    return out.getvalue()


@pytest.fixture(scope="module")
def reports(real_data, tmp_path_factory):
    archive = tmp_path_factory.mktemp("real") / "sky.duckdb"
    told = {"archive": archive}
    for turn in ("first", "second"):
        told[turn] = [import_irsa(archive, real_data / name / "lightcurves") for name in SETS]
    return told


@pytest.fixture(scope="module")
def server(reports):
    with serve(reports["archive"]) as running:
        yield running


def stars(real_data):
    """(set, file prefix, position, period or None) of every star of both lists."""
    for name, (ra, dec, prefix) in SETS.items():
        for row in Table.read(real_data / name / "truth.csv"):
            period = None if np.ma.is_masked(row["period_d"]) else float(row["period_d"])
            yield name, str(row[prefix]), SkyCoord(row[ra] * u.deg, row[dec] * u.deg), period


def valid_rows(real_data, name, prefix):
    """Rows of the star's files that are not flagged bad, as the CSV has them."""
    rows = []
    for path in sorted((real_data / name / "lightcurves").glob(f"{prefix}*.csv.gz")):
        if path.name.removesuffix(".csv.gz") == prefix or path.name.startswith(f"{prefix}-z"):
            with gzip.open(path, "rt") as file:
                rows += [row for row in csv.DictReader(file) if not int(row["catflags"]) & BAD_EPOCH]
    return rows


def test_importing_twice_adds_nothing(reports):
    assert reports["first"] == [
        "103 files read: 24 sources, 103 light curves, 31877 epochs added; 0 already known, 3223 flagged bad.\n",
        "20 files read: 19 sources, 74 light curves, 35106 epochs added; 0 already known, 0 flagged bad.\n",
    ]
    assert reports["second"] == [
        "103 files read: 0 sources, 0 light curves, 0 epochs added; 35100 already known, 0 flagged bad.\n",
        "20 files read: 0 sources, 0 light curves, 0 epochs added; 35106 already known, 0 flagged bad.\n",
    ]


def test_every_star_is_found_with_every_valid_epoch(server, real_data):
    zvar, checked = Zvar(url=server.url), 0
    for name, prefix, position, _ in stars(real_data):
        rows = valid_rows(real_data, name, prefix)
        if not rows:
            continue  # IRSA's header-only answer: a star that ZTF has not seen
        found = zvar.query_region(position, radius=3 * u.arcsec)
        assert len(found) == 1, prefix
        curve = zvar.get_lightcurves(found["psid"], bands=("g", "r", "i"))[0]
        assert len(curve) == len(rows) == found.lightcurves["n_exposures"].sum()
        for code in "gri":
            band = curve["band"] == code
            expected = sorted(np.float32(row["mag"]) for row in rows if row["filtercode"] == f"z{code}")
            assert np.sort(np.float32(curve["mag"].unmasked.value[band])).tolist() == expected
            errors = sorted(np.float32(row["magerr"]) for row in rows if row["filtercode"] == f"z{code}")
            np.testing.assert_allclose(np.sort(curve["mag_err"].unmasked.value[band]), errors, rtol=2e-7)
        checked += 1
    assert checked == 43


def test_published_periods_come_back(server, real_data):
    """Single-harmonic Lomb-Scargle, one set of options for all; the table is printed with pytest -s."""
    zvar, recovered = Zvar(url=server.url), {"ztf_vsx": 0, "ztf_wd": 0}
    print(f"\n{'star':<20} {'published [d]':>14} {'found [d]':>12} {'error [d]':>10}  is")
    for name, prefix, position, period in stars(real_data):
        if period is None:
            continue
        psid = zvar.query_region(position, radius=3 * u.arcsec)["psid"]
        curve = zvar.get_lightcurves(psid).clean()[0]
        result = find_period(curve, method="lombscargle", minimum_period=0.05 * u.day, maximum_period=60 * u.day)
        baseline = np.ptp(curve["time"].jd)
        frequency = (1 / result.period).to_value(1 / u.day)
        verdict = [word for word, factor in FACTORS.items() if abs(frequency - factor / period) < 2 / baseline]
        recovered[name] += bool(verdict)
        found, error = result.period.to_value(u.day), result.period_err.to_value(u.day)
        print(f"{prefix:<20} {period:14.6f} {found:12.6f} {error:10.6f}  {verdict[0] if verdict else '-'}")
    print(f"recovered: {recovered}")
    assert recovered["ztf_wd"] == 2
    assert recovered["ztf_vsx"] >= 12


def test_the_fold_shows_the_eclipse(server):
    """Minkovskiy 24, period 1.364058 d (VSX): primary minimum over 2 mag deep, 15 % of the period wide."""
    position = SkyCoord(297.2068458 * u.deg, 14.40785 * u.deg)
    zvar = Zvar(url=server.url)
    curve = zvar.get_lightcurves(zvar.query_region(position, radius="3 arcsec")["psid"], bands="r").clean()[0]
    folded = fold(curve, 1.364058 * u.day, bins=40)
    depth = folded["mag"] - np.median(folded["mag"])
    assert depth.max() > 1 * u.mag
    assert 0.03 < np.mean(depth > 0.5 * depth.max()) < 0.15  # at half its depth it is narrower


def test_both_services_tell_of_the_same_star(server, real_data):
    zvar, alerce = Zvar(url=server.url), Alerce(url=server.url)
    for name, prefix, position, _ in list(stars(real_data))[:3]:
        objects = alerce.query_region(position, radius=3 * u.arcsec)
        assert len(objects) == 1
        ours = alerce.get_lightcurve(objects["oid"][0])
        theirs = zvar.get_lightcurves(zvar.query_region(position, radius="3 arcsec")["psid"], bands=["g", "r", "i"])[0]
        assert len(ours) == len(theirs) == len(valid_rows(real_data, name, prefix))
        assert np.float32(ours["mag"].value.sum()) == pytest.approx(theirs["mag"].value.sum(), rel=1e-6)
        apart = np.sort(theirs["time"].utc.mjd) - ours["time"].mjd
        assert np.max(np.abs(apart)) * 1440 < 8.4  # light takes up to 8.3 minutes to or from the barycentre
