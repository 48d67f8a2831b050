"""Catalogues of others in an archive: any table comes back as it was, and is searched by position."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from alerce_zvar.archive import Archive
from alerce_zvar.errors import ArchiveError

pytest.importorskip("duckdb")

RADIUS = 30 * u.arcsec
EMPTY = SkyCoord(10.0, 10.0, unit="deg")


@pytest.fixture
def archive(tmp_path):
    with Archive.create(tmp_path / "sky.duckdb") as archive:
        yield archive


def same(one, other):
    """True of two columns of the same values, masks, unit and kind."""
    masks = [np.broadcast_to(np.asarray(getattr(column, "mask", False)), len(column)) for column in (one, other)]
    kinds = [np.ma.getdata(column).dtype.kind for column in (one, other)]
    values = [np.ma.getdata(column)[~masks[0]] for column in (one, other)]
    return (
        kinds[0] == kinds[1]
        and one.unit == other.unit
        and all(map(np.array_equal, masks, masks[::-1]))
        and (np.array_equal(*values))
    )


def test_a_table_comes_back_as_it_was(archive):
    table = Table({"ra": [10.0, 350.0, 20.0] * u.deg, "dec": [-5.0, 5.0, 89.0] * u.deg})
    table["id"] = MaskedColumn([2**62 + 1, -(2**63), 0], mask=[False, False, True], description="an id")
    table["id"].info.meta = {"ucd": "meta.id"}
    table["B-V"] = [0.5, -0.0, 1e300] * u.mag
    table["b_v"] = np.array([1.5, 2.5, 3.5], dtype=np.float32)
    table["select"] = ["x", "", "é\u2605"]
    table["flag"] = [True, False, True]
    table["t"] = Time([59000.25, 59001.25, 59002.25], format="mjd", scale="tdb")
    table["small"], table["bytes"] = np.arange(3, dtype=np.uint8), [b"a", b"b", b"\xc3\xa9"]
    table["objects"] = np.array(["a", None, "c"], dtype=object)
    table["ratio"] = [1.0, 2.0, 3.0] * u.dimensionless_unscaled
    assert archive.import_catalog("My catalogue; DROP TABLE sources", table, description="what it is") == 3
    back = archive.catalog("my catalogue; drop table SOURCES")
    assert back.colnames == table.colnames
    for name in set(table.colnames) - {"t", "small", "bytes", "objects"}:
        assert same(table[name], back[name]), name
    assert (list(back["small"]), back["small"].dtype) == ([0, 1, 2], np.int64)
    assert list(back["bytes"]) == ["a", "b", "é"]
    assert list(back["objects"].mask) == [False, True, False]
    assert (back["t"].scale, list(back["t"].mjd)) == ("tdb", [59000.25, 59001.25, 59002.25])
    assert back["id"].description == "an id"
    assert back["id"].info.meta == {"ucd": "meta.id"}
    assert np.signbit(back["B-V"][1])
    assert back.meta == {"catalog": "My catalogue; DROP TABLE sources", "description": "what it is"}
    (listed,) = archive.catalogs()
    assert tuple(listed)[:5] == ("My catalogue; DROP TABLE sources", 3, 12, "ra", "dec")
    assert listed["table"].isidentifier()
    assert archive.summary()["sources"] == 0


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
COLUMNS = st.one_of(
    st.lists(st.floats(allow_nan=False), min_size=3, max_size=3),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.lists(NAMES, min_size=3, max_size=3),
)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    with Archive.create(tmp_path_factory.mktemp("any") / "sky.duckdb") as archive:
        yield archive


@settings(max_examples=40)
@given(columns=st.dictionaries(NAMES, COLUMNS, max_size=6), mask=st.lists(st.booleans(), min_size=3, max_size=3))
def test_any_table_comes_back(lasting, columns, mask):
    table = Table({"ra": [1.0, 2.0, 3.0], "dec": [1.0, 2.0, 3.0]})
    for name, values in columns.items():
        if name not in table.colnames:
            table[name] = MaskedColumn(np.array(values), mask=mask)
    lasting.import_catalog("any", table)
    back = lasting.catalog("any")
    assert back.colnames == table.colnames
    assert all(same(table[name], back[name]) for name in table.colnames)


def test_a_catalogue_of_the_same_name_is_replaced(archive):
    first = Table({"ra": [1.0], "dec": [2.0], "old": [3]})
    archive.import_catalog("GAIADR2", first)
    archive.import_catalog("other", first)
    archive.import_catalog("gaiadr2", Table({"ra": [5.0, 6.0], "dec": [2.0, 2.0]}))
    assert list(archive.catalogs()["name"]) == ["gaiadr2", "other"]
    assert archive.catalog("GAIADR2").colnames == ["ra", "dec"]
    assert len(archive.query("SELECT * FROM catalog_columns")["name"]) == 5
    with pytest.raises(ValueError, match="more than one value"):
        archive.import_catalog("other", Table({"ra": [1.0], "dec": [2.0], "pair": [[1, 2]]}))
    assert archive.catalog("other").colnames == ["ra", "dec", "old"], "nothing is changed"
    archive.import_catalog("GAIA/DR2", first)
    archive.import_catalog("GAIA_DR2", first)
    assert len(set(archive.catalogs()["table"])) == 4


GOOD = Table({"ra": [1.0], "dec": [2.0]})
MIXED = np.array([2**53 + 1, 0.5], dtype=object)  # the first is no float


@pytest.mark.parametrize(
    ("name", "table", "options", "error", "reason"),
    [
        (3, GOOD, {}, TypeError, "name: a text"),
        ("", GOOD, {}, ValueError, "name: 1 to 100"),
        (" a", GOOD, {}, ValueError, "without spaces at the ends"),
        ("a\n", GOOD, {}, ValueError, "can be printed"),
        ("x" * 101, GOOD, {}, ValueError, "1 to 100"),
        ("a", [GOOD], {}, TypeError, "an astropy Table"),
        ("a", GOOD, {"ra": "RA"}, ValueError, "ra='RA': the table has no such column, but ra, dec"),
        ("a", Table({"ra": [1.0], "dec": [91.0]}), {}, ValueError, "-90 to 90"),
        ("a", Table({"ra": [np.inf], "dec": [1.0]}), {}, ValueError, "ra: every angle must be finite"),
        ("a", Table({"ra": ["1"], "dec": [1.0]}), {}, TypeError, "ra: an angle is a number"),
        ("a", Table({"ra": [1.0] * u.m, "dec": [1.0]}), {}, u.UnitsError, "ra: an angle is needed"),
        ("a", Table({"ra": [1.0], "dec": [1.0], "c": [1j]}), {}, TypeError, "'c' holds complex128"),
        ("a", Table({"ra": [1.0], "dec": [1.0], "c": [2**63]}), {}, ValueError, "'c' holds a number that does not fit"),
        ("a", Table({"ra": [1.0], "dec": [1.0], "c": np.array([{}])}), {}, TypeError, "'c' holds dict"),
        ("a", Table({"ra": [1.0], "dec": [1.0], "c": [b"\xff"]}), {}, ValueError, "'c' holds bytes that are no text"),
        ("a", Table({"ra": [1.0] * 2, "dec": [1.0] * 2, "c": MIXED}), {}, ValueError, "'c' holds a number that does"),
        ("a", Table({"ra": [1.0], "dec": [1.0], "c": SkyCoord([1], [1], unit="deg")}), {}, TypeError, "is a SkyCoord"),
    ],
)
def test_what_is_no_catalogue(archive, name, table, options, error, reason):
    with pytest.raises(error, match=reason):
        archive.import_catalog(name, table, **options)
    assert len(archive.catalogs()) == 0


def test_an_unknown_catalogue_of_the_archive(archive):
    with pytest.raises(ArchiveError, match="no catalogue 'x' in the archive, but none"):
        archive.catalog("x")
    archive.import_catalog("y", GOOD)
    with pytest.raises(ArchiveError, match="but y"):
        archive.search_catalog("x", EMPTY, radius=RADIUS)
    with pytest.raises(TypeError, match="a SkyCoord is needed, tuple"):
        archive.search_catalog("y", (1, 2), radius=RADIUS)
    with pytest.raises(TypeError, match="name: a text is needed, 3"):
        archive.catalog(3)
    for radius in (-RADIUS, 0 * u.deg, np.nan * u.deg, [1, 2] * u.deg):
        with pytest.raises(ValueError, match="radius must be one positive angle"):
            archive.search_catalog("y", EMPTY, radius=radius)
    with pytest.raises(u.UnitsError, match="radius must be an angle with a unit"):
        archive.search_catalog("y", EMPTY, radius=3)
    assert len(archive.search_catalog("y", EMPTY, radius="1 arcsec")) == 0


def test_angles_in_any_unit_and_rows_without_position(archive):
    table = Table({"ra": MaskedColumn([23.9999, 1.0, 2.0], mask=[False, True, False], unit=u.hourangle)})
    table["dec"] = [10.0, 10.0, np.nan]
    archive.import_catalog("hours", table)
    found = archive.search_catalog("hours", SkyCoord(359.9985, 10, unit="deg"), radius=1 * u.arcsec)
    assert (len(found), found["ra"][0], found["ra"].unit) == (1, 23.9999, u.hourangle)
    assert len(archive.catalog("hours")) == 3
    everywhere = archive.search_catalog("hours", EMPTY, radius=180 * u.deg)
    assert len(everywhere) == 1
    empty = archive.search_catalog("hours", EMPTY, radius=1 * u.arcsec)
    assert (len(empty), empty.colnames) == (0, ["input_index", "separation", "ra", "dec"])
    archive.import_catalog("none", table[:0])
    assert len(archive.search_catalog("none", EMPTY, radius=180 * u.deg)) == len(archive.catalog("none")) == 0


def test_columns_of_a_search_take_no_others_away(archive):
    archive.import_catalog("y", Table({"ra": [1.0], "dec": [2.0], "separation": [7.0], "input_index": [3]}))
    found = archive.search_catalog("y", SkyCoord(1, 2, unit="deg"), radius=RADIUS)
    assert found.colnames == ["input_index", "separation", "ra", "dec", "separation_2", "input_index_2"]
    assert tuple(found[0])[4:] == (7.0, 3)


def test_gaia_in_and_out(archive, real_data):
    gaia = Table.read(real_data / "catalogs" / "gaia_cosmos.parquet")
    assert archive.import_catalog("gaia", gaia) == 13005
    back = archive.catalog("gaia")
    assert back.colnames == gaia.colnames
    assert all(np.array_equal(_filled(gaia[name]), _filled(back[name])) for name in gaia.colnames)
    placed = gaia[np.isfinite(np.ma.filled(gaia["ra"], np.nan))]
    assert len(gaia) - len(placed) == 2727
    stars = SkyCoord(placed["ra"], placed["dec"], unit="deg")
    centres = SkyCoord(stars.ra[:500] + 3 * u.arcsec, stars.dec[:500])
    found = archive.search_catalog("gaia", centres, radius=5 * u.arcsec, nearest=True)
    nearest, distance, _ = centres.match_to_catalog_sky(stars)
    assert list(found["input_index"]) == list(range(500))
    np.testing.assert_array_equal(found["source_id"], placed["source_id"][nearest])
    np.testing.assert_allclose(found["separation"], distance.arcsec, atol=1e-8)
    many = archive.search_catalog("gaia", centres[:20], radius=1 * u.arcmin)
    index, _, distance, _ = stars.search_around_sky(centres[:20], 1 * u.arcmin)
    assert len(many) == len(index)
    np.testing.assert_array_equal(np.bincount(many["input_index"]), np.bincount(index))
    np.testing.assert_allclose(np.sort(many["separation"]), np.sort(distance.arcsec), atol=1e-8)


def _filled(column):
    """Values, 0 where masked or NaN."""
    masked = np.ma.asarray(column)
    return np.ma.filled(np.ma.masked_invalid(masked) if masked.dtype.kind == "f" else masked, 0)


def test_matches_of_cds(archive, real_data):
    """5,553 positions and the AllWISE sources that CDS found for 5,440 of them, with their distances."""
    sky, answer = (
        Table.read(real_data / "catalogs" / f"xmatch_{name}.csv.gz", format="ascii.csv")
        for name in ("input", "allwise_answer")
    )
    archive.import_catalog("AllWISE", answer, ra="RAJ2000", dec="DEJ2000")
    positions = SkyCoord(sky["ra"], sky["dec"], unit="deg")
    found = archive.search_catalog("AllWISE", positions, radius=5 * u.arcsec, nearest=True)
    assert len(found) == len(np.unique(found["input_index"])) == 5441
    at = np.searchsorted(found["input_index"], answer["col1"])
    assert list(found["input_index"][at]) == list(answer["col1"])
    np.testing.assert_array_equal(found["AllWISE"][at], answer["AllWISE"])
    # The published positions are rounded to 1e-7 deg in each coordinate, 0.25 mas together.
    np.testing.assert_allclose(found["separation"][at], answer["angDist"], rtol=0, atol=2.6e-4)
    direct = positions[answer["col1"]].separation(SkyCoord(answer["RAJ2000"], answer["DEJ2000"], unit="deg"))
    np.testing.assert_allclose(found["separation"][at], direct.arcsec, rtol=0, atol=1e-8)
