"""ZVAR in full: what each cell of the service's notebook does, done with our names; the notebook's faults, done right.

On the sample sky, whose stars are known, and against every value that the notebook prints (reference/zvar.md 7, 9).
"""

import json
import pickle

import matplotlib.pyplot as plt
import numpy as np
import pytest
import requests
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Column, Table
from fault_server import FaultServer, json_reply

from alerce_zvar import LightCurves, Zvar, conf, fold, plot_folded
from alerce_zvar.errors import (
    InvalidQueryError,
    LoginError,
    NoResultsWarning,
    PartialResultWarning,
    ServiceError,
)
from alerce_zvar.sample.stars import CENTRE, draw_stars
from alerce_zvar.zvar import schema
from alerce_zvar.zvar.gaia import absolute_magnitude, add_colour_magnitude, is_giant

LOGIN = ("alice", "wonderland")
STAR = "145120008365555264"  # of the notebook
GAIA_ID = "2873447302730839936"
OTHER = 126541217361397171  # above 2^53, and no multiple of what a float would make of it
EVERYTHING = 10 * u.arcmin
FIELDS_OF_A_ROW = ["time", "mag", "magerr", "limmag", "flux", "fluxerr", "snr", "band", "field", "ccd", "quad"]


@pytest.fixture(scope="module")
def notebook(real_data):
    return json.loads((real_data / "recorded" / "zvar" / "zvar_api_examples.json").read_text())


@pytest.fixture
def login(monkeypatch):
    monkeypatch.setenv("ZVAR_USERNAME", LOGIN[0])
    monkeypatch.setenv("ZVAR_PASSWORD", LOGIN[1])


@pytest.fixture
def zvar(sample_server, login):
    return Zvar(url=sample_server)


@pytest.fixture(scope="module")
def sources(sample_server):
    """All sources of the sample sky."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZVAR_USERNAME", LOGIN[0])
        patch.setenv("ZVAR_PASSWORD", LOGIN[1])
        return Zvar(url=sample_server).query_region(CENTRE, radius=EVERYTHING)


@pytest.fixture(scope="module")
def stars(sources):
    """The truth, in the order of the sources."""
    drawn = draw_stars(np.random.default_rng(0))
    places = SkyCoord([star.ra for star in drawn], [star.dec for star in drawn], unit="deg")
    index, distance, _ = SkyCoord(sources["ra"], sources["dec"]).match_to_catalog_sky(places)
    assert distance.max() < 0.2 * u.arcsec
    return [drawn[i] for i in index]


@pytest.fixture(scope="module")
def post(sample_server):
    with requests.Session() as session:
        yield lambda path, body: session.post(f"{sample_server}/zvar/api{path}", json=body, auth=LOGIN, timeout=30)


def plain(column):
    """Numbers of a column, NaN where masked."""
    values = getattr(column, "value", column)
    return np.where(np.asarray(getattr(column, "mask", False)), np.nan, np.asarray(getattr(values, "unmasked", values)))


def of_kind(sources, stars, *kinds):
    """Ids of the sources that are of some kinds."""
    return [str(psid) for psid, star in zip(sources["psid"], stars, strict=True) if star.kind in kinds]


def asked(server, number=-1):
    """Body of a request that a server got."""
    return json.loads(server.requests[number].partition("\r\n\r\n")[2])


def answering(*contents):
    return FaultServer(*map(json_reply, contents))


# --- the notebook's cells -------------------------------------------------------------------------------------------


def test_cells_3_to_5_credentials(sample_server, monkeypatch):
    zvar = Zvar(url=sample_server)
    assert not zvar.authenticated()
    with pytest.raises(LoginError, match="401"):
        zvar.list_fields()
    monkeypatch.setenv("ZVAR_USERNAME", LOGIN[0])
    monkeypatch.setenv("ZVAR_PASSWORD", LOGIN[1])
    assert zvar.authenticated()
    assert len(zvar.list_fields()) == 2


def test_cells_6_and_7_a_client_at_any_address(sample_server, login):
    for url in (sample_server, f"{sample_server}/zvar/api", f"{sample_server}/"):
        assert len(Zvar(url=url).list_fields()) == 2


def test_cell_8_logs_and_fields(zvar, sources, notebook):
    logs, fields = zvar.query_processing_logs(), zvar.list_fields()
    assert logs.colnames == ["field", "ccd", "quad", "band"]
    files = {tuple(row[name] for name in logs.colnames) for row in sources.lightcurves}
    assert {tuple(row) for row in logs} == files
    assert list(fields["field"]) == sorted({field for field, *_ in files})
    assert sum(fields["n_logs"]) == len(logs)
    assert not len(logs.failures)
    counts = notebook["counts"]
    theirs = [{"field": 199 + i % counts["fields"], "status": "done"} for i in range(counts["processing_logs"])]
    with answering(theirs) as server:
        logs, fields = Zvar(url=server.url).query_processing_logs(), Zvar(url=server.url).list_fields()
    assert (len(logs), len(fields)) == (46929, 371)
    assert logs["ccd"].mask.all()
    assert logs.meta["unknown_columns"] == ["status"]
    assert fields["n_logs"].sum() == 46929


def prepared(data, min_snr, min_points):
    """The notebook's own preparation of the rows of one object (its cell 9), for comparison."""
    data = [row for row in data if row["mag"] is not None]
    data = [row for row in data if row["snr"] and row["snr"] >= min_snr]
    bands = np.array([row["band"] for row in data])
    enough = [band for band in np.unique(bands) if np.sum(bands == band) >= min_points]
    data = [row for row in data if row["band"] in enough]
    return [np.array([row[key] for row in data]) for key in ("time", "mag", "magerr", "band")]


@pytest.mark.parametrize(("min_snr", "min_points"), [(3, 50), (1, 200), (30, 350)])
def test_cell_9_preparation(zvar, sources, stars, post, min_snr, min_points):
    ids = [*of_kind(sources, stars, "EW")[:3], *of_kind(sources, stars, "CV")[:2], str(sources["psid"][0])]
    raw = post("/photometry", {"psids": ids}).json()
    clean = zvar.get_lightcurves(ids).clean(min_snr=min_snr, min_points=min_points)
    assert clean.ids == ids
    lengths = []
    for psid, curve in zip(ids, clean, strict=True):
        time, mag, mag_err, band = prepared(raw[psid], min_snr, min_points)
        lengths.append(len(time))
        np.testing.assert_array_equal(curve["time"].jd, time)
        np.testing.assert_array_equal(curve["mag"].value, mag.astype(np.float32))
        np.testing.assert_array_equal(curve["mag_err"].value, mag_err.astype(np.float32))
        assert list(curve["band"]) == list(band)
    assert len(set(lengths)) > 1


CUTS = {
    "min_period": (5 * u.h).to(u.d),
    "max_period": 10 * u.h,
    "min_significance": 15,
    "min_exposures": 100,
    "min_amplitude": 0.35,
    "max_amplitude": 1.0 * u.mag,
    "objtype": 1,
}


def passing(sources):
    """Ids that pass `CUTS`, by the tables that came with them: any period, and any light curve."""
    p, c = sources.periods, sources.lightcurves
    good = (p["period"] >= 5 * u.h) & (p["period"] <= 10 * u.h) & (p["significance"].filled(0) >= 15)
    bright = (c["n_exposures"] >= 100) & (c["amplitude"].filled(0) >= 0.35) & (c["amplitude"].filled(9) <= 1.0)
    return set(p["psid"][good]) & set(c["psid"][bright])


def test_cell_10_cone_with_every_cut(zvar, sources):
    found = zvar.query_region(CENTRE, radius=EVERYTHING, **CUTS)
    assert set(found["psid"]) == passing(sources)
    assert 5 < len(found) < 40
    for name in CUTS:
        fewer = {key: value for key, value in CUTS.items() if key != name}
        assert set(zvar.query_region(CENTRE, radius=EVERYTHING, **fewer)["psid"]) >= set(found["psid"])


def test_cell_10_cuts_include_their_limits(zvar, sources):
    period, curve = sources.periods[0], sources.lightcurves[0]
    days, amplitude = period["period"] * u.d, float(curve["amplitude"]) * u.mag
    cuts = {"min_period": days, "max_period": days, "min_significance": period["significance"]}
    of_curve = {"min_amplitude": amplitude, "max_amplitude": amplitude, "min_exposures": curve["n_exposures"]}
    assert period["psid"] in zvar.query_region(CENTRE, radius=EVERYTHING, **cuts)["psid"]
    assert curve["psid"] in zvar.query_region(CENTRE, radius=EVERYTHING, **of_curve)["psid"]
    for name in ("ra", "dec"):
        np.testing.assert_array_equal(sources[name], np.float32(sources[name]))


def test_cell_10_sources_come_whole(zvar, sources):
    """Periods and light curves that do not pass come along: the cuts mean any, not all."""
    found = zvar.query_region(CENTRE, radius=EVERYTHING, **CUTS)
    for table in ("periods", "lightcurves"):
        ours, every = getattr(found, table), getattr(sources, table)
        np.testing.assert_array_equal(ours, every[np.isin(every["psid"], found["psid"])])
    assert (found.periods["period"] > 10 * u.h).any()
    assert (found.periods["significance"] < 15).any()


def test_cell_10a_printed_objects(notebook):
    theirs = [notebook[f"object_{psid}"] for psid in ("145130008248670307", STAR)]
    with answering({"0": theirs}) as server:
        found = Zvar(url=server.url).query_region(
            SkyCoord(0.8365280032157898, 30.937196731567383, unit="deg"), radius=1 * u.arcmin
        )
    assert asked(server) == {
        "positions": [{"name": "0", "ra": 0.8365280032157898, "dec": 30.937196731567383}],
        "radius": 60.0,
    }
    assert list(found["psid"]) == ["145130008248670307", STAR]
    assert list(found["ra"]) == [0.8248550295829773, 0.8365280032157898]
    assert list(found["objtype"]) == [6, 1]
    assert found["ra"].unit == u.deg
    for table, key in ((found.lightcurves, "matchfiles"), (found.periods, "periods")):
        rows = [(one["psid"], row) for one in theirs for row in one[key]]
        assert list(table["psid"]) == [psid for psid, _ in rows]
        for column in getattr(schema, table.meta["table"].upper()).columns:
            expected = np.array([row[column.wire] for _, row in rows], dtype=table[column.name].dtype)
            np.testing.assert_array_equal(np.asarray(table[column.name]), expected)
    assert found.periods["period"].unit == u.d
    assert found.lightcurves["amplitude"].unit == u.mag


def test_cell_11_plain_cone(zvar, sources, stars, notebook):
    assert len(sources) == len(set(sources["psid"])) == len(stars) == 300
    assert len(zvar.query_region(CENTRE, radius=4 * u.arcmin)) == np.sum(
        SkyCoord(sources["ra"], sources["dec"]).separation(CENTRE) < 4 * u.arcmin
    )
    count = notebook["counts"]["cone_10arcmin_at_0.8365280_30.9371967"]
    theirs = [{"psid": str(OTHER + i), "ra": 0.8, "dec": 30.9, "objtype": 1} for i in range(count)]
    with answering({"0": theirs}) as server:
        assert len(Zvar(url=server.url).query_region(CENTRE, radius=EVERYTHING)) == 2017


def test_cell_12_named_positions(zvar, sources):
    places = SkyCoord(sources["ra"][[7, 3, 7]], sources["dec"][[7, 3, 7]])
    names = ["mycoolobject", "other", "mycoolobject"]
    found = zvar.query_region(places, radius=1 * u.arcsec, names=names)
    assert found.colnames[:3] == ["input_index", "name", "psid"]
    assert list(found["name"]) == names
    assert list(found["psid"]) == list(sources["psid"][[7, 3, 7]])
    assert len(set(found.lightcurves["psid"])) == 2
    alone = zvar.query_region(places[0], radius="1 arcsec", names="mycoolobject")
    assert list(alone["name"]) == ["mycoolobject"]
    with pytest.warns(NoResultsWarning):
        assert zvar.query_region(CENTRE, radius=1e-5 * u.arcsec, names=["nobody"]).colnames[1] == "name"
    with pytest.raises(ValueError, match="one for each of the 3 positions; 2 were given"):
        zvar.query_region(places, radius=1 * u.arcsec, names=["a", "b"])


def test_cell_12_a_radius_for_each_position(zvar, sources):
    place = SkyCoord([sources["ra"][0]] * 2, [sources["dec"][0]] * 2, unit="deg")
    found = zvar.query_region(place, radius=[1 * u.arcsec, "4 arcmin"])
    counts = np.bincount(found["input_index"])
    assert counts[0] == 1
    assert counts[1] > 40
    sent = zvar.query_region(place, radius=[1, 240] * u.arcsec, get_query_payload=True)
    assert [position["radius"] for position in sent["positions"]] == [1.0, 240.0]
    assert "radius" not in sent
    with pytest.raises(ValueError, match="at most 600"):
        zvar.query_region(place, radius=[1, 601] * u.arcsec)
    with pytest.raises(ValueError, match="one for each of the 2 positions; 3 were given"):
        zvar.query_region(place, radius=[1, 2, 3] * u.arcsec)


def test_cell_13_objects_by_id(zvar, sources):
    with answering([{"psid": str(OTHER), "ra": 121.7, "dec": 15.4, "objtype": 1}]) as server:
        found = Zvar(url=server.url).query_objects(OTHER)
    assert asked(server) == {"psids": [str(OTHER)]}
    assert list(found["psid"]) == ["126541217361397171"]
    wanted = sources["psid"][[5, 2, 9]]
    assert list(zvar.query_objects(wanted)["psid"]) == list(wanted)
    one = zvar.query_object(wanted[0])
    assert list(one["psid"]) == [wanted[0]]
    assert set(one.lightcurves["psid"]) == set(one.periods["psid"]) == {wanted[0]}


def test_cell_14_light_curves(zvar, sources, notebook):
    ids = list(sources["psid"][:4])
    curves = zvar.get_lightcurves(set(map(int, ids)), bands=["g", "r"])
    assert sorted(curves.ids) == sorted(ids)
    files = sources.lightcurves
    for psid in ids:
        of_star = files[(files["psid"] == psid) & np.isin(files["band"], ["g", "r"])]
        assert len(curves[psid]) == of_star["n_exposures"].sum()
    first = notebook[f"photometry_mag_{STAR}_first"]
    theirs = [first | {"time": first["time"] + i} for i in range(notebook[f"photometry_n_rows_{STAR}"])]
    with answering({STAR: theirs}) as server:
        curve = Zvar(url=server.url).get_lightcurves(int(STAR))[STAR]
    assert asked(server) == {"psids": [STAR], "bands": ["g", "r"], "format": "mag"}
    assert len(curve) == 1126
    assert curve["time"][0].jd == 2458263.981924
    for name, value in (("mag", 17.41657), ("mag_err", 0.036399588), ("flux", 345.24374), ("flux_err", 95.39911)):
        assert curve[name][0].value == np.float32(value)
    assert curve["snr_total"][0] == np.float32(29.828255)
    assert curve["limiting_mag"].mask.all()
    assert [curve[name][0] for name in ("band", "field", "ccd", "quad")] == ["g", 648, 2, 2]
    assert len(curve.meta["time_assumption"]) > 50


def test_cell_15_what_an_object_holds(sources, notebook):
    assert set(sources.colnames) == {"input_index", "psid", "ra", "dec", "objtype"}
    theirs = notebook[f"object_{STAR}"]
    for table, key in ((sources.lightcurves, "matchfiles"), (sources.periods, "periods")):
        columns = getattr(schema, table.meta["table"].upper()).columns
        assert {column.wire for column in columns} == set(theirs[key][0])
        assert table.colnames == ["psid", *(column.name for column in columns)]
        assert set(table["psid"]) <= set(sources["psid"])
    per_file = Table(sources.periods, copy=True).group_by(["psid", "field", "ccd", "quad", "band"])
    assert {tuple(sorted(group["n_bins"])) for group in per_file.groups} == {schema.N_BINS}


def best_period(sources, psid):
    own = sources.periods[sources.periods["psid"] == psid]
    return own["period"].quantity[np.argmax(own["significance"])]


@pytest.fixture
def binary(sources, stars):
    """The binary whose period is found most significantly."""
    ids = of_kind(sources, stars, "EW")
    rows = sources.periods[np.isin(sources.periods["psid"], ids)]
    return str(rows["psid"][np.argmax(rows["significance"])])


@pytest.mark.parametrize("factor", [1, 3, 2, 1 / 2, 1 / 3])
def test_cell_16_folding_on_multiples_of_a_period(zvar, sources, binary, factor):
    """The plot's numbers: all its buttons. Phase as the notebook's, from an epoch that is said."""
    curve = zvar.get_lightcurves(binary).clean(min_snr=3, min_points=50)[0]
    period = best_period(sources, binary) * factor
    folded = fold(curve, period, epoch_time=curve["time"].min())
    theirs = (curve["time"].jd - curve["time"].jd.min()) / period.to_value(u.d) % 1.0
    apart = np.abs(folded["phase"].value - theirs)
    assert np.max(np.minimum(apart, 1 - apart)) < 1e-5
    twice = fold(curve, period, epoch_time=curve["time"].min(), cycles=2)
    assert len(twice) == 2 * len(curve)
    binned = fold(curve, period, epoch_time=curve["time"].min(), bins=20)
    assert set(np.round(binned["phase"].value * 40) % 2) == {1}, "centres of bins, not their left edges"
    assert np.all(binned["mag_err"] > 0)
    assert binned["n"].sum() == len(curve)


def test_cells_16_and_17_folded_plots(zvar, sources, stars):
    """A figure for each star that has enough points; the others are passed over, not printed about."""
    ids = [*of_kind(sources, stars, "RRab")[:2], of_kind(sources, stars, "SN")[0]]
    curves = zvar.get_lightcurves(ids).clean(min_snr=1, min_points=50)
    drawn = []
    for psid, curve in zip(ids, curves, strict=True):
        if len(curve) >= 200:
            axes = plot_folded(curve, best_period(sources, psid), bins=50, cycles=2)
            drawn.append(psid)
            assert axes.yaxis_inverted()
            assert axes.get_xlim()[1] >= 2
            assert len(axes.containers) >= 2, "error bars of two bands"
            plt.close(axes.figure)
    assert drawn == ids[:2]


def test_cells_18_and_19_a_plot_from_nothing_but_an_id(zvar, binary):
    source = zvar.query_object(int(binary))
    curve = zvar.get_lightcurves(source["psid"]).clean(min_snr=1, min_points=100)[0]
    for period in (best_period(source, binary), 0.3 * u.d):  # a period of one's own is as good
        axes = plot_folded(curve, period)
        assert binary in axes.get_title()
        plt.close(axes.figure)


def test_cell_20_printed_gaia_match(notebook):
    theirs = notebook[f"xmatch_gaia_{STAR}"]
    with answering({STAR: theirs}) as server:
        found = Zvar(url=server.url).query_crossmatch(STAR, "gaia", radius=3 * u.arcsec, closest=False)
    assert asked(server) == {"psids": [STAR], "catalog": "gaia", "radius": 3.0, "closest": False}
    assert len(found) == 1
    assert found.colnames[:3] == ["input_index", "psid", "source_id"]
    assert (found["psid"][0], found["source_id"][0]) == (STAR, GAIA_ID)
    for column in schema.CATALOGS["gaia"].columns[1:]:
        assert found[column.name][0] == theirs[0][column.wire]
    assert found["pm"][0] == pytest.approx(np.hypot(found["pmra"][0], found["pmdec"][0]))
    units = {name: str(found[name].unit) for name in ("ra", "phot_g_mean_mag", "parallax", "pmra_error")}
    assert units == {"ra": "deg", "phot_g_mean_mag": "mag", "parallax": "mas", "pmra_error": "mas / yr"}
    assert "unknown_columns" not in found.meta


DEPTHS = {"gaia": 250, "ps1": 290, "galex": 50, "2mass": 80, "allwise": 100}  # fewest stars of 300 that each sees


@pytest.mark.parametrize("catalog", DEPTHS)
def test_cell_20_every_catalogue(zvar, sources, catalog):
    found = zvar.query_crossmatch(sources["psid"], catalog, radius=2 * u.arcsec)
    assert DEPTHS[catalog] <= len(found) < 300
    assert sorted([*found["input_index"], *found.failures["input_index"]]) == list(range(300))
    assert list(found["psid"]) == list(sources["psid"][found["input_index"]])
    assert set(found.failures["reason"]) == {f"no source of {catalog} within 2 arcsec"}
    there = SkyCoord(found["ra"].filled(np.nan), found["dec"].filled(np.nan), unit="deg")
    here = SkyCoord(sources["ra"], sources["dec"])[found["input_index"]]
    assert there.separation(here).arcsec.max() < 2.1
    assert found.colnames[2:] == list(schema.CATALOGS[catalog].names)
    assert all(column.unit is not None for name, column in found.columns.items() if column.dtype.kind == "f")
    assert len(set(found["source_id"])) == len(found)


def test_cell_21_bright_stars_by_parallax(zvar, sources, stars):
    """Significant periods, Gaia, absolute magnitudes, light curves; what is bright pulsates, or is a red giant."""
    cuts = {"min_period": 5 * u.min, "max_period": 10 * u.d, "min_significance": 40, "objtype": 1}
    significant = zvar.query_region(CENTRE, radius=EVERYTHING, **cuts)
    assert 15 < len(significant) < 60
    gaia = zvar.query_crossmatch(significant["psid"], "gaia", radius=5 * u.arcsec)
    gaia = add_colour_magnitude(gaia, min_parallax_snr=3)
    assert 5 < np.sum(~gaia["absolute_magnitude"].mask) < len(gaia)
    kinds = {str(psid): star.kind for psid, star in zip(sources["psid"], stars, strict=True)}
    bright = gaia[(gaia["absolute_magnitude"] < 3.0).filled(False)]
    assert {kinds[psid] for psid in bright["psid"]} <= {"DSCT", "RRab", "RRc", "EB"}
    assert len(bright) >= 3
    giants = gaia[is_giant(gaia)]
    assert [kinds[psid] for psid in giants["psid"]] == ["EB"] * 3
    assert set(giants["bp_rp"] > 1.0) == set(giants["absolute_magnitude"] < 3.0) == {True}
    known = gaia[~gaia["absolute_magnitude"].mask]
    theirs = known["phot_g_mean_mag"] + 5 * np.log10(known["parallax"] / 1000)  # the notebook's, without the 5
    wrongly = known[theirs < 3.0]
    assert {kinds[psid] for psid in wrongly["psid"]} >= {"EW", "EA"}, "that takes dwarfs for giants"
    assert zvar.get_lightcurves(bright["psid"]).ids == list(bright["psid"])


def test_cell_22_printed_sources_of_a_gaia_source(notebook):
    (row,), source = notebook[f"xmatch_gaia_{STAR}"], notebook[f"object_{STAR}"]
    for key in ("xmatches", "xmatch"):
        with answering({GAIA_ID: row | {key: [source]}}) as server:
            found = Zvar(url=server.url).query_external([GAIA_ID], "gaia", radius=5 * u.arcsec, closest=False)
        assert asked(server) == {"ids": [GAIA_ID], "catalog": "gaia", "radius": 5.0, "closest": False}
        assert found.colnames == ["input_index", "source_id", "separation", "psid", "ra", "dec", "objtype"]
        assert (found["source_id"][0], found["psid"][0]) == (GAIA_ID, STAR)
        assert (found["ra"][0], found["dec"][0]) == (0.8365280032157898, 30.937196731567383)
        assert found["separation"][0] == pytest.approx(0.00655, abs=1e-4)
        assert found["separation"].unit == u.arcsec
        assert len(found.lightcurves) == 2
        assert list(found.periods["period"]) == [0.2726629621689033]
        assert found.external["parallax"][0] == 0.7995832359862339
        assert found.external["parallax"].unit == u.mas


@pytest.mark.parametrize("catalog", DEPTHS)
def test_cell_22_there_and_back(zvar, sources, catalog):
    """From ZVAR to a catalogue and back, in every catalogue; ids are numbers in some, names in others."""
    found = zvar.query_crossmatch(sources["psid"][:40], catalog, radius=2 * u.arcsec)
    back = zvar.query_external(found["source_id"], catalog, radius=2 * u.arcsec)
    assert list(back["source_id"]) == list(found["source_id"])
    assert list(back["psid"]) == list(found["psid"])
    assert back["separation"].max() < 2.1
    assert list(back.external["source_id"]) == list(found["source_id"])
    files = sources.lightcurves
    np.testing.assert_array_equal(
        np.sort(back.lightcurves["idx"].filled(-1)),
        np.sort(files[np.isin(files["psid"], found["psid"])]["idx"].filled(-1)),
    )


def test_cell_23_frames(zvar, sources, notebook):
    ids = list(sources["psid"][:2])
    curves = zvar.get_lightcurves(ids)
    frame = curves.to_pandas()
    assert list(frame["psid"].unique()) == ids
    assert len(frame) == len(curves.data)
    seen = frame.dropna(subset=["mag"])
    assert len(seen) == np.sum(~curves.data["mag"].mask)
    records = seen.to_dict(orient="records")
    assert [record["psid"] for record in records[:1]] == ids[:1]
    assert len(curves[0].colnames) == len(FIELDS_OF_A_ROW) == len(notebook[f"photometry_mag_{STAR}_first"])
    back = LightCurves(curves.data, curves.offsets, curves.ids)
    assert back.ids == ids


def test_cell_23_printed_rows(notebook):
    """What the data frame shows of five rows, to the digits shown; its times are too coarse to use."""
    rows = notebook["photometry_mag_rows_rounded"]
    file = {"limmag": None, "field": 648, "ccd": 2, "quad": 2}
    theirs = [row | file | {"time": float(row["time"]) + i} for i, row in enumerate(rows)]
    with answering({STAR: theirs}) as server:
        curve = Zvar(url=server.url).get_lightcurves(STAR)[0]
    for row, ours in zip(rows, curve, strict=True):
        assert ours["mag"].value == np.float32(row["mag"])
        assert ours["snr_total"] == np.float32(row["snr"])
    # Total flux less difference flux is the same reference flux in all rows of a band.
    reference = np.asarray(curve["snr_total"]) * curve["flux_err"].value - curve["flux"].value
    g = np.asarray(curve["band"]) == "g"
    np.testing.assert_allclose(reference[g], 2500.345, atol=0.01)
    np.testing.assert_allclose(reference[~g], 5490.3495, atol=0.01)


def test_cell_24_fluxes(zvar, sources, notebook):
    first = notebook[f"photometry_flux_{STAR}_first"]
    with answering({STAR: [first]}) as server:
        curve = Zvar(url=server.url).get_lightcurves([int(STAR)], format="flux")[STAR]
    assert asked(server)["format"] == "flux"
    assert curve["flux"][0].value == np.float32(345.24374)
    assert curve["snr_diff"][0] == np.float32(3.618941)
    assert (curve["magzp"][0].value, curve["mag_ref"][0].value) == (26.052000762939453, -8.494999885559082)
    assert curve["flux"].unit == u.DN
    assert len(curve.colnames) == len(first) == 10
    psid = str(sources["psid"][0])
    in_mag, in_flux = (zvar.get_lightcurves(psid, format=format)[0] for format in ("mag", "flux"))
    np.testing.assert_array_equal(in_mag["time"].jd, in_flux["time"].jd)
    np.testing.assert_array_equal(in_mag["flux"].filled(0), in_flux["flux"].filled(0))
    assert "snr_diff" not in in_mag.colnames
    assert "snr_total" not in in_flux.colnames


# --- the notebook's faults (reference/zvar.md 7), done right ----------------------------------------------------------


def test_fault_1_no_password_in_reach(sample_server, zvar, sources):
    """Logins come from the environment, the keyring or a prompt, never as arguments, and show themselves nowhere."""
    with pytest.raises(TypeError):
        Zvar(url=sample_server, username="alice", password="wonderland")
    told = [repr(zvar), str(vars(zvar)), repr(pickle.loads(pickle.dumps(zvar))), str(sources.meta)]
    assert not any("wonderland" in text for text in told)


def test_fault_2_two_clients_two_logins(monkeypatch):
    """Each instance has its own login and address; every method sends its own."""
    import getpass

    headers = []
    with answering([]) as one, answering([]) as two:
        clients = [Zvar(url=one.url), Zvar(url=two.url)]
        for client, (name, word) in zip(clients, [("alice", "wonderland"), ("carol", "tea")], strict=True):
            monkeypatch.setattr(getpass, "getpass", lambda prompt, word=word: word)
            client.login(username=name)
        for client in clients:
            client.list_catalogs()
            with pytest.warns(NoResultsWarning):
                client.query_processing_logs()
            with pytest.warns(NoResultsWarning):
                client.query_objects(STAR)
        for server in (one, two):
            headers.append(
                {line for text in server.requests for line in text.split("\r\n") if line.startswith("Authorization")}
            )
            assert len(server.requests) == 3
    assert [len(lines) for lines in headers] == [1, 1]
    assert headers[0] != headers[1]


def source_row(psid):
    return {"psid": psid, "ra": 1.0, "dec": 1.0, "objtype": 1}


def refusing(server, word):
    """Answer requests that hold a word by an error, and others by sources and rows of all that they ask for."""

    def respond(request, connection):
        if word in request:
            connection.sendall(json_reply({"detail": "database down"}, 400))
            return
        body = json.loads(request.partition("\r\n\r\n")[2])
        row = {"time": 2458263.9, "mag": 17.0, "magerr": 0.1, "limmag": None, "snr": 10.0}
        row |= {"band": "g", "field": 1, "ccd": 1, "quad": 1}
        if "/photometry" in request:
            connection.sendall(json_reply({psid: [row] for psid in body["psids"]}))
        elif "/xmatch" in request:
            connection.sendall(json_reply({psid: [{"id": psid + "0", "ra": 1.0}] for psid in body["psids"]}))
        else:
            connection.sendall(json_reply([source_row(psid) for psid in body["psids"]]))

    server.respond = respond
    return server


@pytest.mark.parametrize(
    "ask",
    [
        lambda zvar, ids: list(zvar.query_objects(ids)["psid"]),
        lambda zvar, ids: zvar.get_lightcurves(ids).ids,
        lambda zvar, ids: list(zvar.query_crossmatch(ids, "gaia", radius="1 arcsec")["psid"]),
    ],
)
def test_fault_3_a_failed_part_loses_no_other(ask, monkeypatch):
    monkeypatch.setattr(schema, "MAX_IDS", 2)
    ids = [str(OTHER + i) for i in range(6)]
    with FaultServer(b"") as server, conf.set_temp("photometry_batch", 2):
        zvar = Zvar(url=refusing(server, ids[2]).url)
        with pytest.warns(PartialResultWarning, match="2 of 6 inputs have no answer.*database down"):
            assert ask(zvar, ids) == [*ids[:2], *ids[4:]]
        with pytest.raises(InvalidQueryError, match="database down") as caught:
            ask(zvar, ids[2:4])
    assert caught.value.status == 400
    assert caught.value.url.startswith(server.url)


def test_fault_4_deadlines_connections_and_a_name(zvar, sources):
    """Every request has a deadline and says who asks; one connection serves many."""
    with FaultServer(lambda connection: connection.recv(1)) as server, pytest.raises(ServiceError, match=r"0\.3 s"):
        Zvar(url=server.url).query_objects(STAR, timeout=0.3)
    assert "User-Agent: alerce_zvar/" in server.requests[0]
    with FaultServer(b"") as server:
        server.keep_alive = True
        server.respond = lambda request, connection: connection.sendall(
            json_reply([source_row(STAR)]).replace(b"Connection: close", b"Connection: keep-alive")
        )
        client = Zvar(url=server.url)
        for _ in range(5):
            client.query_objects(STAR)
    assert len(server.requests) == 5
    assert server.connections == 1


def test_fault_5_a_position_that_the_service_leaves_out(sources):
    with answering({}) as server, pytest.warns(NoResultsWarning, match="left it out"):
        found = Zvar(url=server.url).query_region(CENTRE, radius="1 arcmin", names="target")
    assert len(found) == 0
    assert list(found.failures["input"]) == ["target"]
    assert found.colnames == ["input_index", "name", "psid", "ra", "dec", "objtype"]


def test_fault_6_names_hide_nothing_and_cones_are_checked(zvar, sources):
    places = SkyCoord(sources["ra"][:2], sources["dec"][:2])
    found = zvar.query_region(places, radius=1 * u.arcsec, names=["same", "same"])
    assert list(found["psid"]) == list(sources["psid"][:2])
    sent = Zvar(url="http://127.0.0.1:9").query_region(places, radius=1 * u.arcsec, get_query_payload=True)
    assert [position["name"] for position in sent["positions"]] == ["0", "1"]
    nowhere = Zvar(url="http://127.0.0.1:9")
    with pytest.raises(ValueError, match="radius must be at most 600"):
        nowhere.query_region(places, radius=600.1 * u.arcsec)
    with pytest.raises(ValueError, match="min_significance needs a cut on the period"):
        nowhere.query_region(places, radius=1 * u.arcsec, min_significance=15)


def test_fault_7_order_types_and_batches(zvar, sources, monkeypatch):
    ids = list(sources["psid"][[9, 1, 5, 1]])
    for given_ids in (ids, np.array(ids), np.array(ids, dtype=np.int64), Column(ids), map(int, ids)):
        assert zvar.get_lightcurves(given_ids).ids == ids
    assert zvar.get_lightcurves(np.int64(ids[0])).ids == ids[:1]
    with pytest.raises(TypeError, match="ids must be an id"):
        zvar.get_lightcurves([float(ids[0])])
    monkeypatch.setattr(schema, "MAX_PHOTOMETRY_IDS", 3)
    sent = zvar.get_lightcurves(sources["psid"][:8], get_query_payload=True)
    assert [len(payload["psids"]) for payload in sent] == [3, 3, 2]
    assert [payload["bands"] for payload in sent] == [["g", "r"]] * 3


def test_fault_8_one_id_is_one_id_however_it_is_written(zvar, sources):
    psid = str(sources["psid"][4])
    found = zvar.query_objects([psid, int(psid), np.int64(psid), f"0{psid}", psid.encode()])
    assert list(found["input_index"]) == [0, 1, 2, 3, 4]
    assert set(found["psid"]) == {psid}
    assert len(set(found.periods["n_bins"])) == 3
    assert len(found.periods) == len(zvar.query_object(np.uint64(psid)).periods)
    assert zvar.query_objects([psid, int(psid)], get_query_payload=True) == {"psids": [psid]}


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda z: z.query_crossmatch(STAR, "sdss", radius="1 arcsec"), ValueError, "gaia, ps1, galex, 2mass, allwise"),
        (lambda z: z.query_crossmatch(STAR, "gaia", radius=3), u.UnitsError, "radius must be an angle"),
        (lambda z: z.query_crossmatch(STAR, "gaia", radius=3 * u.mag), u.UnitsError, "radius"),
        (lambda z: z.query_crossmatch(STAR, "gaia", radius=1 * u.deg), ValueError, "at most 600"),
        (lambda z: z.query_crossmatch([], "gaia", radius="1 arcsec"), ValueError, "at least one id"),
        (lambda z: z.query_crossmatch("J0003", "gaia", radius="1 arcsec"), ValueError, "ids must be an id of digits"),
        (lambda z: z.query_crossmatch(STAR, "gaia", radius="1 arcsec", closest=1), TypeError, "True or False"),
        (lambda z: z.query_external(GAIA_ID, "sdss", radius="1 arcsec"), ValueError, "catalog must be one of"),
        (lambda z: z.query_external(2.9e18, "gaia", radius="1 arcsec"), TypeError, "ids must be an id"),
        (lambda z: z.query_external("", "gaia", radius="1 arcsec"), TypeError, "ids must be an id"),
        (lambda z: z.query_object([]), ValueError, "at least one id"),
        (lambda z: z.query_object("../objects"), ValueError, "id must be an id of digits"),
        (lambda z: z.get_lightcurves(STAR, midpoint=15), u.UnitsError, "midpoint must be"),
        (lambda z: z.get_lightcurves(STAR, midpoint=1 * u.m), u.UnitsError, "midpoint must be"),
        (lambda z: z.get_lightcurves(STAR, midpoint=-30 * u.s), ValueError, "one length"),
        (lambda z: z.get_lightcurves(STAR, midpoint=[30, 30] * u.s), ValueError, "one length"),
    ],
)
def test_fault_9_wrong_arguments_are_refused_before_any_request(call, error, words):
    with pytest.raises(error, match=words):
        call(Zvar(url="http://127.0.0.1:9"))


def test_fault_10_cuts_on_fluxes_and_what_they_keep(zvar, sources, stars):
    ids = [*of_kind(sources, stars, "CV"), *of_kind(sources, stars, "EW")[:3]]
    curves = zvar.get_lightcurves(ids, format="flux")
    clean = curves.clean(min_snr=3, min_points=50)
    assert {"field", "ccd", "quad", "magzp", "mag_ref"} <= set(clean.data.colnames)
    assert 0 < len(clean.data) < len(curves.data)
    assert np.all(clean.data["flux"] / clean.data["flux_err"] >= 3)
    in_mag = zvar.get_lightcurves(ids)
    few = in_mag.clean(min_snr=3, min_points=300)
    for curve in few:
        bands, counts = np.unique(np.asarray(curve["band"]), return_counts=True)
        assert all(counts >= 300), (bands, counts)
    limits = in_mag.clean(keep_upper_limits=True)
    masked = np.asarray(limits.data["mag"].mask)
    assert masked.sum() == np.sum(~in_mag.data["limiting_mag"].mask) > 0
    assert np.all(plain(limits.data["limiting_mag"])[masked] > 17)
    assert len(limits.data) - masked.sum() == len(in_mag.clean().data)


def test_fault_10_a_signal_to_noise_of_zero_is_a_number():
    row = {"time": 2458263.9, "flux": 0.0, "fluxerr": 5.0, "snr": 0.0, "band": "g", "field": 1, "ccd": 1, "quad": 1}
    with answering({STAR: [row | {"magzp": 26.0, "mag_ref": -8.5}]}) as server:
        curves = Zvar(url=server.url).get_lightcurves(STAR, format="flux")
    assert len(curves.clean(min_snr=0)[0]) == 1
    assert len(curves.clean(min_snr=1)[0]) == 0


def test_fault_11_bins_once_and_twice_with_errors_and_a_fixed_epoch(zvar, sources, binary):
    curve = zvar.get_lightcurves(binary).clean()[0]
    period = best_period(sources, binary)
    once, twice = (fold(curve, period, bins=25, cycles=cycles) for cycles in (1, 2))
    assert len(twice) == 2 * len(once)
    assert np.all(once["mag_err"] > 0)
    cut = curve[50:]  # without the first night's points
    np.testing.assert_array_equal(fold(cut, period)["phase"], fold(curve, period)["phase"][50:])


def test_fault_12_an_object_with_or_without_photometry_is_left_as_it_is(notebook):
    one = {key: value for key, value in notebook[f"object_{STAR}"].items() if not key.startswith("_")}
    row = notebook[f"photometry_mag_{STAR}_first"]
    with answering(one, one | {"photometry": [row]}, one | {"photometry": None}) as server:
        zvar = Zvar(url=server.url)
        found = [zvar.query_object(STAR) for _ in range(3)]
    assert all(f"GET /zvar/api/object/{STAR} " in request for request in server.requests)
    for table in found:
        assert list(table["psid"]) == [STAR]
        assert "unknown_columns" not in table.meta
        assert len(table.lightcurves) == 2


def test_fault_13_the_five_of_absolute_magnitudes():
    assert absolute_magnitude([4.83], [100.0])[0] == pytest.approx(4.83), "at 10 pc"
    assert absolute_magnitude(0.03 * u.mag, 130.23 * u.mas) == pytest.approx(0.604, abs=1e-3), "Vega"
    theirs = 16.708706 + 5 * np.log10(0.7995832359862339 / 1000)
    assert absolute_magnitude([16.708706], [0.7995832359862339])[0] == pytest.approx(theirs + 5)


def test_fault_14_what_is_asked_is_what_is_said(zvar, sources):
    """A radius in any unit; and periods in the order of files and bins, which is not that of their significance."""
    for radius in (2 * u.arcmin, "2 arcmin", 120 * u.arcsec, (1 / 30) * u.deg):
        assert zvar.query_region(CENTRE, radius=radius, get_query_payload=True)["radius"] == pytest.approx(120.0)
    periods = sources.periods
    order = np.lexsort([periods[name] for name in ("n_bins", "band", "quad", "ccd", "field")])
    for psid in sources["psid"][:20]:
        own = order[np.asarray(periods["psid"][order] == psid)]
        assert np.all(np.diff(own) > 0)
        assert best_period(sources, psid) == periods["period"].quantity[own][np.argmax(periods["significance"][own])]
    assert not np.all(np.diff(periods["significance"]) < 0)


def test_the_best_period_is_the_first_of_the_most_significant(notebook):
    one = notebook[f"object_{STAR}"]
    significances = {0.1: None, 0.2: 5.0, 0.3: 5.0, 0.4: 4.0}
    own = [one["periods"][0] | {"period": days, "significance": value} for days, value in significances.items()]
    lost = [one["periods"][0] | {"period": 0.5, "significance": None}]
    with answering([one | {"periods": own}, one | {"psid": "2", "periods": lost}, source_row("3")]) as server:
        found = Zvar(url=server.url).query_objects([STAR, "2", "3"])
    assert list(found.best_periods()["period"]) == [0.2, 0.5]
