"""Answers into tables: the recorded bodies of the real services, and whatever JSON hypothesis can think of."""

import contextlib
import json
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.io.votable import ucd
from astropy.table import Table
from astropy.time import Time
from fault_server import FaultServer, http, json_reply
from hypothesis import given, settings
from hypothesis import strategies as st

from alerce_zvar import Alerce, Zvar
from alerce_zvar.alerce import schema as alerce_schema
from alerce_zvar.errors import (
    CorruptValueWarning,
    InvalidQueryError,
    NoResultsWarning,
    PartialResultWarning,
    ReplyError,
)
from alerce_zvar.wire.decode import decode_table, empty_table, parse_json
from alerce_zvar.wire.spec import Column, TableSchema
from alerce_zvar.wire.transport import Reply
from alerce_zvar.zvar import schema as zvar_schema
from alerce_zvar.zvar.photometry import flux_to_mag, limiting_mag, mag_to_flux

ALL_TABLES = [*alerce_schema.TABLES, *zvar_schema.TABLES]
ALL_ENDPOINTS = [*alerce_schema.ENDPOINTS, *zvar_schema.ENDPOINTS]


@pytest.fixture(scope="module")
def recorded(real_data):
    def body(name):
        return (real_data / "recorded" / "alerce" / name).read_bytes()

    return body


@pytest.fixture(scope="module")
def notebook(real_data):
    return json.loads((real_data / "recorded" / "zvar" / "zvar_api_examples.json").read_text())


def content(body):
    return parse_json(Reply("recorded", "application/json", body))


# the schemas


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_schema_is_sound(table):
    names, wires = [c.name for c in table.columns], [c.wire for c in table.columns]
    assert len(set(names)) == len(names)
    assert len(set(wires)) == len(wires)
    for column in table.columns:
        assert ucd.check_ucd(column.ucd, check_controlled_vocabulary=True), column.name
        assert column.description
        assert column.unit is None or isinstance(column.unit, u.UnitBase)
        assert not (column.sentinels and not column.nullable)


@pytest.mark.parametrize("endpoint", ALL_ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_endpoint_is_sound(endpoint):
    placed = {param.wire for param in endpoint.params if param.where == "path"}
    assert placed == {part.strip("{}") for part in endpoint.path.split("/") if part.startswith("{")}
    assert (endpoint.method == "POST") == any(param.where == "body" for param in endpoint.params)
    assert endpoint.description
    assert endpoint.source.startswith("reference/")


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name)
def test_empty_table_has_all_typed_columns(table):
    empty = empty_table(table)
    assert empty.colnames == list(table.names)
    for column in table.columns:
        found = empty[column.name]
        if column.time:
            assert (found.format, found.scale) == column.time
        else:
            assert found.dtype.kind == np.dtype({"str": str}.get(column.dtype, column.dtype)).kind
            assert found.unit == column.unit


# ALeRCE's recorded answers


def test_recorded_lightcurve(recorded):
    body = content(recorded("ztf_v1_lightcurve_ZTF17aabopdz.json"))
    detections = decode_table(body["detections"], alerce_schema.DETECTIONS)
    limits = decode_table(body["non_detections"], alerce_schema.NON_DETECTIONS)
    assert (len(detections), len(limits)) == (1999, 2917)
    assert detections["candid"][0] == "508443856115010005"
    assert detections["parent_candid"][0] == "529430206115010015"
    assert list(detections["candid"]) == [row["candid"] for row in body["detections"]]
    raw_parents = [row["parent_candid"] for row in body["detections"]]
    assert list(detections["parent_candid"].mask) == [parent is None for parent in raw_parents]
    assert [p for p in detections["parent_candid"].compressed()] == [str(p) for p in raw_parents if p is not None]
    assert np.count_nonzero([row["sigmapsf_corr"] == 100.0 for row in body["detections"]]) == 456
    assert detections["mag_corr_err"].mask.sum() == 458  # 456 sentinels, 2 nulls
    assert np.nanmax(detections["mag_corr_err"].filled(np.nan)) < 100
    assert detections["mag_ap_corr"].mask.all()
    assert (detections["time"].format, detections["time"].scale) == ("mjd", "utc")
    assert detections["time"][0].mjd == 58262.44385420019
    assert set(detections["band"]) <= {"g", "r", "i"}
    assert detections["mag"].unit == u.mag
    assert detections["ra"].unit == u.deg
    assert detections["distnr"].unit == u.pix
    assert "unknown_columns" not in detections.meta


def test_recorded_lightcurve_through_the_class(recorded):
    body = recorded("ztf_v1_lightcurve_ZTF17aabopdz.json")
    detections, both = json_reply(content(body)["detections"]), http(body, Content_Type="application/json")
    with FaultServer(detections, detections, both) as server:
        corrected = Alerce(url=server.url).get_lightcurve("ZTF17aabopdz")
        difference = Alerce(url=server.url).get_lightcurve("ZTF17aabopdz", photometry="difference")
        limits = Alerce(url=server.url).get_lightcurve("ZTF17aabopdz", include_upper_limits=True)
    assert (len(corrected), corrected.meta["dropped"]) == (1999 - 458, 458)
    assert len(difference) == 1999
    assert len(limits) == 1999 - 458 + 2917
    assert not np.any(getattr(corrected["mag"], "mask", False))
    assert corrected["mag"].unit == u.mag
    assert np.all(np.diff(limits["time"].mjd) >= 0)
    assert np.count_nonzero(limits["mag"].mask) == 2917
    assert set(np.asarray(difference["isdiffpos"])) == {1, -1}


@pytest.mark.parametrize(("name", "rows"), [("ps20", 20), ("ps200", 27)])
def test_recorded_object_list(recorded, name, rows):
    with FaultServer(http(recorded(f"ztf_v1_objects_oid_ranking1_p1_{name}.json"))) as server:
        table = Alerce(url=server.url).query_objects(oid="ZTF17aabopdz", ranking=1)
    assert len(table) == rows
    assert set(table["oid"]) == {"ZTF17aabopdz"}
    assert table["ndethist"][0] == 2619
    assert table["ndethist"].dtype == np.int64
    assert table["g_r_max"].mask.all()
    assert (table["ra"].unit, table["probability"].unit) == (u.deg, None)
    assert table["class_name"][0] == "Periodic"
    assert isinstance(table["firstmjd"], Time)


def test_recorded_object(recorded):
    with FaultServer(http(recorded("ztf_v1_object_ZTF17aabopdz.json"))) as server:
        table = Alerce(url=server.url).query_object("ZTF17aabopdz")
    assert (len(table), table["ndet"][0], table["ra"][0]) == (1, 1999, 307.47413048621615)


def test_recorded_features_with_bare_nan(recorded):
    body = recorded("ztf_v1_features_ZTF17aabopdz.json")
    table = decode_table(content(body), alerce_schema.FEATURES)
    assert len(table) == 3444
    assert table["value"].mask.sum() == body.count(b"NaN") + body.count(b"null") == 980
    assert len(set(table["version"])) == 18


def test_recorded_probabilities(recorded):
    table = decode_table(content(recorded("ztf_v1_probabilities_ZTF17aabopdz.json")), alerce_schema.PROBABILITIES)
    assert len(table) == 344
    assert len({(row["classifier"], row["classifier_version"]) for row in table}) == 27
    wrapped = content(recorded("170028510777180307_object.json"))["probabilities"]
    assert set(decode_table(wrapped, alerce_schema.PROBABILITIES)["classifier_version"]) == {"201"}
    with pytest.warns(NoResultsWarning), FaultServer(json_reply([])) as server:
        assert len(Alerce(url=server.url).query_probabilities("ZTF24aaiyjau")) == 0


def test_ragged_rows_decode():
    full = {
        "tid": "ztf",
        "mjd": 58262.4,
        "candid": "508443856115010005",
        "fid": 1,
        "pid": 508443856115,
        "isdiffpos": -1,
    }
    full |= {
        "magpsf": 19.0,
        "sigmapsf": 0.1,
        "ra": 1.0,
        "dec": 2.0,
        "has_stamp": False,
        "corrected": True,
        "dubious": False,
    }
    with FaultServer(json_reply([full, full | {"magpsf_corr": 17.5, "parent_candid": 529430206115010015}])) as server:
        table = Alerce(url=server.url).query_detections("ZTF17aabopdz")
    assert table.colnames == ["oid", *alerce_schema.DETECTIONS.names]
    assert list(table["mag_corr"].mask) == [True, False]
    assert table["parent_candid"][1] == "529430206115010015"


# ZVAR's printed answers


def test_printed_sources(notebook):
    sources = [notebook["object_145120008365555264"], notebook["object_145130008248670307"]]
    with FaultServer(json_reply({"0": sources})) as server:
        table = Zvar(url=server.url).query_region(_centre(), radius="1 arcmin")
    assert list(table["psid"]) == ["145120008365555264", "145130008248670307"]
    assert list(table["objtype"]) == [1, 6]
    assert (len(table.lightcurves), len(table.periods)) == (4, 4)
    assert table.periods["period"].unit == u.d
    assert table.periods["period"][0] == 0.2726629621689033
    assert list(table.periods["psid"]) == ["145120008365555264"] + 3 * ["145130008248670307"]
    assert list(table.periods["n_bins"]) == [5, 5, 10, 20]
    assert table.lightcurves["n_exposures"][0] == 474
    assert table.lightcurves["amplitude"][0] == np.float32(0.85447776)
    assert table.lightcurves["amplitude"].unit == u.mag


def test_printed_photometry(notebook):
    psid = "145120008365555264"
    rows = {"mag": notebook[f"photometry_mag_{psid}_first"], "flux": notebook[f"photometry_flux_{psid}_first"]}
    curves = {}
    for form, row in rows.items():
        with FaultServer(json_reply({psid: [row]})) as server:
            curves[form] = Zvar(url=server.url).get_lightcurves(int(psid), format=form)[psid]
    mag, flux = curves["mag"], curves["flux"]
    assert (mag["time"].format, mag["time"].scale, mag["time"].jd[0]) == ("jd", "tdb", 2458263.981924)
    assert mag["mag"].unit == u.mag
    assert mag["limiting_mag"].mask.all()
    assert flux["flux"].unit == u.DN
    assert flux["magzp"].value[0] == 26.052000762939453
    assert {"snr_total"} == set(mag.colnames) - set(flux.colnames) - {"mag", "mag_err", "limiting_mag"}
    assert "snr_diff" in flux.colnames
    assert "TDB" in mag.meta["time_assumption"]


def test_printed_rows_satisfy_the_formulas(notebook):
    flux, mag = (notebook[f"photometry_{form}_145120008365555264_first"] for form in ("flux", "mag"))
    got = flux_to_mag(flux["flux"], flux["fluxerr"], flux["magzp"], flux["mag_ref"])
    np.testing.assert_allclose(got, (mag["mag"], mag["magerr"], mag["snr"]), rtol=1.2e-7)
    back = mag_to_flux(got[0], got[1], flux["magzp"], flux["mag_ref"])
    np.testing.assert_allclose(back, (flux["flux"], flux["fluxerr"]), rtol=1e-12)
    doc = notebook["photometry_doc_row"]
    assert np.float32(2.5 / np.log(10) / doc["snr"]) == pytest.approx(doc["magerr"], rel=1.2e-7)
    zero_points = {"g": (26.052000762939453, -8.494999885559082), "r": (26.026, -9.349)}
    for row in notebook["photometry_mag_rows_rounded"]:
        magzp, mag_ref = zero_points[row["band"]]
        got = flux_to_mag(row["flux"], row["fluxerr"], magzp, mag_ref)
        np.testing.assert_allclose(got, (row["mag"], row["magerr"], row["snr"]), rtol=5e-5)


def test_flux_without_detection_gives_no_magnitude():
    mag, err, snr = flux_to_mag([-5000.0, 100.0, 100.0, np.nan], [95.0, 0.0, 95.0, 95.0], 26.0, [-8.5, -8.5, 0.0, -8.5])
    assert np.isnan(mag[[0, 1, 3]]).all()
    assert np.isnan(err[[0, 1, 3]]).all()
    assert np.isnan(snr[1])
    assert mag[2] == pytest.approx(26 - 2.5 * np.log10(101))
    assert limiting_mag(95.0, 26.0) == pytest.approx(26 - 2.5 * np.log10(475))


# anything


def one_column(dtype, **rules):
    return TableSchema("t", "t", (Column(name="x", wire="x", dtype=dtype, ucd="meta.id", description="x", **rules),))


@pytest.mark.parametrize("big", [145130008248670307, 126541217361397171, 2873447302730839936, 2**63 - 1])
def test_ids_are_exact_from_end_to_end(big, tmp_path):
    import pandas as pd

    schema = one_column("str", wire_dtype="id")
    table = decode_table([{"x": big}, {"x": str(big)}], schema)
    assert list(table["x"]) == [str(big)] * 2
    table.write(tmp_path / "t.ecsv")
    table.write(tmp_path / "t.xml", format="votable", tabledata_format="binary2")
    table.write(tmp_path / "t.parquet")
    back = [Table.read(tmp_path / "t.ecsv"), Table.read(tmp_path / "t.xml"), Table.read(tmp_path / "t.parquet")]
    for copy in back:
        assert [int(value) for value in copy["x"]] == [big, big]
    frame = table.to_pandas()
    assert list(frame["x"]) == [str(big)] * 2
    assert pd.Series(frame["x"]).astype("int64").tolist() == [big, big]


def test_codes_and_unknown_columns():
    rows = [{"fid": 1, "mjd": 1.0, "diffmaglim": 20.5, "new": 1}, {"fid": 9, "mjd": 2.0, "diffmaglim": None}]
    table = decode_table(rows, alerce_schema.NON_DETECTIONS)
    assert list(table["band"]) == ["g", "9"]
    assert table.meta["unknown_columns"] == ["new"]


def test_infinite_values_are_masked_and_said():
    with pytest.warns(CorruptValueWarning, match="1 infinite values of 'x'"):
        table = decode_table(content(b'[{"x": Infinity}, {"x": 1.5}]'), one_column("float64", nullable=True))
    assert list(table["x"].mask) == [True, False]


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("float64", "12.3"),
        ("int64", 12.0),
        ("int64", True),
        ("bool", 1),
        ("str", 5),
        ("int64", 2**63),
        ("float64", [1.0]),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(dtype, value):
    with pytest.raises(ReplyError, match="'x'"):
        decode_table([{"x": value}], one_column(dtype))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),  # larger ones become floats
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_parse_json_agrees_with_python(value):
    body = json.dumps(value).encode()
    got = content(body) if body.strip() and not body.startswith(b"<") else None
    assert json.dumps(got) == json.dumps(json.loads(body))


@given(st.binary(max_size=60))
def test_any_bytes_give_content_or_our_error(body):
    with contextlib.suppress(ReplyError):
        content(body)


@given(st.lists(st.fixed_dictionaries({}, optional={c.wire: JSON for c in alerce_schema.OBJECT.columns}), max_size=3))
def test_any_rows_give_a_typed_table_or_our_error(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CorruptValueWarning)
        try:
            table = decode_table(rows, alerce_schema.OBJECT)
        except ReplyError:
            return
    assert table.colnames == list(alerce_schema.OBJECT.names)
    assert len(table) == len(rows)


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_integers_are_exact_and_nulls_masked(values):
    table = decode_table([{"x": value} for value in values], one_column("int64", nullable=True))
    assert [
        None if masked else int(x) for x, masked in zip(table["x"].data.data, table["x"].mask, strict=True)
    ] == values


# chunks and merges (P2)


def _centre(n=None):
    from astropy.coordinates import SkyCoord

    return (
        SkyCoord(0.83 * u.deg, 30.9 * u.deg) if n is None else SkyCoord(np.arange(n) * u.deg / n, np.zeros(n) * u.deg)
    )


class Sources(FaultServer):
    """ZVAR's /objects that knows the even ids, answers in reverse order, and fails chunks that hold a cursed id."""

    def respond(self, request, connection):
        psids = json.loads(request.split("\r\n\r\n", 1)[1])["psids"]
        if any(psid in self.cursed for psid in psids):
            connection.sendall(json_reply({"detail": "cursed"}, 400))
            return
        known = [{"psid": psid, "ra": 1.0, "dec": 2.0, "objtype": 1} for psid in psids if int(psid) % 2 == 0]
        connection.sendall(json_reply(known[::-1]))


@pytest.fixture(scope="module")
def sources():
    with Sources(b"") as server:
        yield server


@settings(max_examples=40)
@given(
    ids=st.lists(st.integers(1, 400), min_size=1, max_size=60),
    cursed=st.sets(st.integers(1, 400), max_size=5),
    size=st.integers(1, 20),
)
def test_every_id_is_answered_exactly_once(sources, ids, cursed, size):
    sources.cursed = {str(i) for i in cursed}
    zvar = Zvar(url=sources.url)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", (NoResultsWarning, PartialResultWarning)[0])
        warnings.simplefilter("ignore", PartialResultWarning)
        patch.setattr(zvar_schema, "MAX_IDS", size)
        try:
            table = zvar.query_objects(ids)
        except InvalidQueryError:  # every request failed
            assert cursed & set(ids)
            return
    answered = dict(zip(table["input_index"], table["psid"], strict=True))
    failed = dict(zip(table.failures["input_index"], table.failures["input"], strict=True))
    assert sorted([*answered, *failed]) == list(range(len(ids)))
    assert list(answered) == sorted(answered)
    assert all(int(psid) == ids[index] for index, psid in (answered | failed).items())
    assert all(int(psid) % 2 == 0 for psid in answered.values())


@pytest.mark.parametrize(
    "body", [b'{"x" : 1, "x": 2}', b'{"x"\n: 1, "x": 2}', b'{"x": 1, "x" : 2}', b'[{"y": {"x":1,"x":2}}]']
)
def test_a_key_twice_is_seen_however_it_is_written(body):
    with pytest.raises(ReplyError, match="'x' twice"):
        content(body)


def test_a_flux_beyond_single_precision_is_masked():
    with pytest.warns(CorruptValueWarning, match="infinite"):
        table = decode_table([{"x": 1e39}, {"x": 1.0}], one_column("float32", nullable=True))
    assert list(table["x"].mask) == [True, False]


def test_masked_photometry_stays_out():
    from astropy.table import MaskedColumn

    flux = MaskedColumn([100.0, 1e6], mask=[False, True])
    mag, _, snr = flux_to_mag(flux, [10.0, 10.0], 26.0, -8.5)
    assert np.isfinite(mag[0])
    assert np.isnan([mag[1], snr[1]]).all()
    assert np.isnan(limiting_mag([-1.0, 0.0], 26.0)).all()
