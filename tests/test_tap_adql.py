"""What ADQL says at the local TAP service, and what cannot be said there."""

import contextlib
import time

import numpy as np
import pytest
import requests
import tap_sky
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerce_zvar.errors import MissingExtraError
from alerce_zvar.server import serve
from alerce_zvar.server.tap import select, words
from alerce_zvar.votable import Field, VOTable, read_votable, write_votable

pytest.importorskip("fastapi")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("adql")


@pytest.fixture(scope="module")
def url(folder):
    with tap_sky.build(folder / "sky.duckdb") as archive, serve(archive) as server:
        yield f"{server.url}/tap/sync"


@pytest.fixture(scope="module")
def session():
    with requests.Session() as session:
        yield session


@pytest.fixture(scope="module")
def ask(url, session):
    """Rows of an answer, as a list of lists."""

    def rows(adql):
        reply = session.post(url, data={"QUERY": adql, "LANG": "ADQL", "FORMAT": "json"})
        assert reply.status_code == 200, read_votable(reply.content).status
        return reply.json()["data"]

    return rows


@pytest.fixture(scope="module")
def refusal(url, session):
    """Words with which a query is refused."""

    def words(adql):
        reply = session.post(url, data={"QUERY": adql, "LANG": "ADQL", "FORMAT": "json"})
        assert reply.status_code == 400, reply.text[:200]
        status, said = read_votable(reply.content).status
        assert status == "ERROR"
        assert said
        return said

    return words


ONE = "FROM tap_schema.schemas WHERE schema_name = 'ztf'"  # one row


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("5 / 2", 2),  # whole numbers divide into one, as at the service's PostgreSQL
        ("-7 / 2", -3),
        ("5 / 2.0", 2.5),
        ("5 / 2 * 2.0", 4.0),
        ("2.0 * 5 / 2", 5.0),
        ("2 + 3 * 4 - 1", 13),
        ("(2 + 3) * 4", 20),
        ("10 - 3 - 2", 5),
        ("- (2 + 1)", -3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("0.1 + 0.2", 0.1 + 0.2),
        ("9007199254740993", 9007199254740993),
        ("9223372036854775807", 9223372036854775807),
        ("99999999999999999999", 1e20),
        ("ABS(-3)", 3),
        ("CEILING(1.2)", 2.0),
        ("FLOOR(-1.2)", -2.0),
        ("DEGREES(PI())", 180.0),
        ("RADIANS(180)", 3.141592653589793),
        ("EXP(0)", 1.0),
        ("LOG(EXP(2))", 2.0),
        ("LOG10(1000)", 3.0),
        ("MOD(7, 3)", 1),
        ("POWER(2, 10)", 1024.0),
        ("SQRT(16)", 4.0),
        ("ROUND(2.567)", 3.0),
        ("ROUND(2.567, 2)", 2.57),
        ("TRUNCATE(2.567, 1)", 2.5),
        ("TRUNCATE(-2.567)", -2.0),
        ("SIN(0) + COS(0) + TAN(0)", 1.0),
        ("ATAN2(1, 1)", 0.7853981633974483),
        ("COALESCE(NULL, 3)", 3),
        ("UPPER('aé') || LOWER('BC')", "AÉbc"),
        ("'it''s'", "it's"),
        ("'--' || '/*'", "--/*"),
        ("CASE WHEN 1 = 2 THEN 'a' WHEN 2 = 2 THEN 'b' ELSE 'c' END", "b"),
        ("CASE 3 WHEN 1 THEN 1.5 ELSE 2 END", 2.0),
        ("CASE WHEN 1 = 2 THEN 1 END", None),
        ("CAST('12' AS INTEGER)", 12),
        ("CAST(1 AS DOUBLE PRECISION)", 1.0),
        ("CAST(12.5 AS VARCHAR)", "12.5"),
        ("CAST('abcdef' AS VARCHAR(3))", "abc"),
        ("(SELECT count(*) FROM ztf.taxonomy)", 1),
        ("NULL", None),
    ],
)  # fmt: skip
def test_expressions(ask, expression, value):
    ((found,),) = ask(f"SELECT {expression} AS x {ONE}")
    assert found == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value)
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("condition", "is_met"),
    [
        ("'abc' LIKE 'a%'", True),
        ("'abc' LIKE 'A%'", False),
        ("'abc' ILIKE 'A_C'", True),
        ("'a%c' LIKE 'a!%c' ESCAPE '!'", True),
        ("'abc' NOT LIKE 'a!%c' ESCAPE '!'", True),
        ("3 BETWEEN 1 AND 3", True),
        ("3 NOT BETWEEN 1 AND 3", False),
        ("3 IN (1, 2, 3)", True),
        ("3 NOT IN (1, 2)", True),
        ("'ztf' IN (SELECT schema_name FROM tap_schema.schemas)", True),
        ("NULL IS NULL", True),
        ("1 IS NOT NULL", True),
        ("1 = 1 OR 1 = 2 AND 1 = 2", True),
        ("(1 = 1 OR 1 = 2) AND 1 = 2", False),
        ("NOT 1 = 2 AND 1 <> 2 AND 1 != 2", True),
        ("EXISTS (SELECT 1 FROM ztf.taxonomy WHERE classifier_name = 'nothing')", False),
        ("NOT EXISTS (SELECT 1 FROM ztf.taxonomy t WHERE t.classifier_name = schema_name)", True),
        ("CONTAINS(POINT(1, 1), CIRCLE(1, 1, 0.1)) = 1", True),
        ("CONTAINS(POINT(1, 1), CIRCLE(1, 1, 0.1)) <> 1", False),
        ("0 = CONTAINS(POINT('ICRS', 1, 1), CIRCLE('ICRS', 9, 1, 0.1))", True),
        ("DISTANCE(0, 0, 0, 1) < 1.0000001", True),
        ("1 > DISTANCE(0, 0, 0, 1)", False),
        ("TRUE", True),
    ],
)
def test_conditions(ask, condition, is_met):
    assert bool(ask(f"SELECT 1 {ONE} AND ({condition})")) is is_met


@pytest.mark.parametrize(
    ("adql", "expected"),
    [
        ("SELECT TOP 2 class_name FROM alerce_tap.taxonomy ORDER BY class_name", [["AGN"], ["SN"]]),
        ('SELECT class_name FROM alerce_tap.taxonomy ORDER BY "order" DESC OFFSET 1', [["AGN"], ["SN"]]),
        ('SELECT class_name, "order" AS place FROM alerce_tap.taxonomy ORDER BY 2 OFFSET 2', [["VS", 2]]),
        ("SELECT DISTINCT classifier_id FROM alerce_tap.taxonomy", [[1]]),
        ("SELECT count(*), count(DISTINCT classifier_id), min(class_name) FROM alerce_tap.taxonomy", [[3, 1, "AGN"]]),
        ("SELECT avg(psfflux), sum(band) FROM alerce_tap.forced_photometry JOIN alerce_tap.lsst_forced_photometry "
         "USING (oid, sid, measurement_id)", [[105.5, 72]]),
        ("SELECT class_name, count(*) AS n FROM ztf.probability WHERE ranking = 1 GROUP BY class_name "
         "HAVING count(*) > 3", [["RRL", 240]]),
        ("SELECT x.class_name FROM (SELECT class_name, class_id AS i FROM alerce_tap.taxonomy) AS x WHERE x.i = 3",
         [["VS"]]),
        ("SELECT a.class_name, b.class_name FROM alerce_tap.taxonomy a, alerce_tap.taxonomy b "
         "WHERE a.class_id = b.class_id + 2", [["VS", "SN"]]),
        ("SELECT class_name FROM alerce_tap.taxonomy NATURAL JOIN alerce_tap.classifier ORDER BY class_id",
         [["SN"], ["AGN"], ["VS"]]),
        ("SELECT t.class_name, p.probability FROM alerce_tap.taxonomy t LEFT OUTER JOIN alerce_tap.probability p "
         "ON t.class_id = p.class_id ORDER BY t.class_id", [["SN", 0.875], ["AGN", 0.125], ["VS", None]]),
        ("SELECT t.class_name, p.probability FROM alerce_tap.probability p RIGHT JOIN alerce_tap.taxonomy t "
         "USING (class_id) ORDER BY class_id", [["SN", 0.875], ["AGN", 0.125], ["VS", None]]),
        ("SELECT class_id FROM (SELECT class_id FROM alerce_tap.taxonomy WHERE class_id < 3) a FULL JOIN "
         "(SELECT class_id FROM alerce_tap.taxonomy WHERE class_id > 1) b USING (class_id) ORDER BY class_id",
         [[1], [2], [3]]),
        ("SELECT count(*) AS n FROM alerce_tap.taxonomy CROSS JOIN alerce_tap.classifier", [[3]]),
        ("SELECT t.class_name FROM alerce_tap.classifier c JOIN (alerce_tap.taxonomy t JOIN alerce_tap.probability p "
         "ON t.class_id = p.class_id) ON c.classifier_id = t.classifier_id WHERE p.ranking = 1", [["SN"]]),
        ("SELECT class_name FROM alerce_tap.taxonomy UNION SELECT class_name FROM alerce_tap.taxonomy ORDER BY 1 DESC",
         [["VS"], ["SN"], ["AGN"]]),
        ("SELECT 1 AS a FROM alerce_tap.classifier UNION ALL SELECT 1 FROM alerce_tap.classifier", [[1], [1]]),
        ("SELECT class_name FROM alerce_tap.taxonomy EXCEPT SELECT 'SN' FROM alerce_tap.classifier EXCEPT "
         "SELECT 'VS' FROM alerce_tap.classifier", [["AGN"]]),
        ("SELECT class_name FROM alerce_tap.taxonomy INTERSECT SELECT 'SN' FROM alerce_tap.classifier", [["SN"]]),
        ("(SELECT class_id FROM alerce_tap.taxonomy) ORDER BY class_id DESC", [[3], [2], [1]]),
        ("SELECT class_name FROM alerce_tap.taxonomy t WHERE class_id = (SELECT max(class_id) FROM "
         "alerce_tap.probability p WHERE p.classifier_id = t.classifier_id)", [["AGN"]]),
        ('SELECT "t"."class_name" AS "My Name" FROM "alerce_tap"."taxonomy" AS "t" WHERE "t".Class_ID = 1', [["SN"]]),
        ("SELECT taxonomy.class_name FROM alerce_tap.taxonomy WHERE alerce_tap.taxonomy.class_id = 1 -- and so on",
         [["SN"]]),
        ("SELECT /* why not */ class_name FROM alerce_tap.taxonomy WHERE class_id = 1;", [["SN"]]),
        ("SELECT IN_UNIT(meanra, 'arcsec') FROM alerce_tap.object", [[540000.0]]),
        ("SELECT class_name FROM alerce_tap.taxonomy "
         "ORDER BY CASE WHEN class_name = 'VS' THEN 0 ELSE class_id END OFFSET 2", [["AGN"]]),
    ],
)  # fmt: skip
def test_queries(ask, adql, expected):
    assert ask(adql) == expected


def test_names_of_columns(session, url):
    adql = (
        f"SELECT count(*), 1 + 1, 2 + 2, schema_name, max(schema_name) AS Most, schema_name {ONE} GROUP BY schema_name"
    )
    reply = session.post(url, data={"QUERY": adql, "LANG": "ADQL", "FORMAT": "json"}).json()
    assert [column["name"] for column in reply["columns"]] == [
        "count", "col", "col_2", "schema_name", "Most", "schema_name_2",
    ]  # fmt: skip


def test_stars_hide_what_using_has_joined(session, url):
    adql = "SELECT * FROM alerce_tap.taxonomy AS t JOIN alerce_tap.classifier AS c USING (classifier_id)"
    reply = session.post(url, data={"QUERY": adql, "LANG": "ADQL", "FORMAT": "json"}).json()
    names = [column["name"] for column in reply["columns"]]
    assert names == ["classifier_id", "class_id", "class_name", "order", "classifier_name", "classifier_version"]


def test_truth_values_compare_with_words(ask):
    everything = ask("SELECT count(*) FROM ztf.object")
    assert ask("SELECT count(*) FROM ztf.object WHERE corrected = 'True'") == everything
    assert ask("SELECT count(*) FROM ztf.object WHERE 'false' = corrected") == [[0]]
    assert ask("SELECT count(*) FROM ztf.object WHERE corrected") == everything


def test_null_is_neither_inside_nor_outside(ask):
    cone = "CONTAINS(POINT(e_ra, dec), CIRCLE(0, 0, 180))"
    for value in (0, 1):
        assert ask(f"SELECT count(*) FROM ztf.forced_photometry WHERE {cone} = {value}") == [[0]]


def test_null_sorts_as_the_largest(ask):
    adql = "SELECT p.ranking FROM alerce_tap.taxonomy t LEFT JOIN alerce_tap.probability p ON t.class_id = p.class_id"
    assert ask(f"{adql} ORDER BY p.ranking") == [[1], [2], [None]]
    assert ask(f"{adql} ORDER BY p.ranking DESC") == [[None], [2], [1]]


def test_many_terms_in_a_chain(ask):
    """Not nested, however many: 3,000 ORs, 20,000 values, 900 UNION-less sums."""
    ors = " OR ".join(f"class_id = {i}" for i in range(3000))
    assert ask(f"SELECT count(*) FROM alerce_tap.taxonomy WHERE {ors}") == [[3]]
    values = ", ".join(f"'c{i}'" for i in range(20_000))
    assert ask(f"SELECT count(*) FROM alerce_tap.taxonomy WHERE class_name NOT IN ({values})") == [[3]]
    assert ask(f"SELECT {' + '.join(['1'] * 900)} {ONE}") == [[900]]


FORBIDDEN = {
    # other statements
    "DROP TABLE objects": "only SELECT",
    "DELETE FROM ztf.object": "only SELECT",
    "UPDATE ztf.object SET ndet = 0": "only SELECT",
    "INSERT INTO ztf.object VALUES (1)": "only SELECT",
    "CREATE TABLE x AS SELECT * FROM ztf.object": "only SELECT",
    "ALTER TABLE ztf.object ADD x INT": "only SELECT",
    "TRUNCATE TABLE objects": "only SELECT",
    "COPY ztf.object TO '{folder}/out.csv'": "only SELECT",
    "EXPORT DATABASE '{folder}/out'": "only SELECT",
    "ATTACH '{folder}/other.duckdb' AS other": "only SELECT",
    "DETACH sky": "only SELECT",
    "USE memory": "only SELECT",
    "PRAGMA database_list": "only SELECT",
    "SET enable_external_access = true": "only SELECT",
    "RESET threads": "only SELECT",
    "INSTALL httpfs": "only SELECT",
    "LOAD httpfs": "only SELECT",
    "CALL pragma_version()": "only SELECT",
    "EXPLAIN SELECT 1 FROM ztf.object": "only SELECT",
    "DESCRIBE ztf.object": "only SELECT",
    "SHOW TABLES": "only SELECT",
    "CHECKPOINT": "only SELECT",
    "VACUUM": "only SELECT",
    "BEGIN TRANSACTION": "only SELECT",
    "GRANT SELECT TO alice": "only SELECT",
    "VALUES (1)": "only SELECT",
    "FROM ztf.object": "only SELECT",
    "SELECT 1 FROM ztf.object; DROP TABLE objects": "",
    "SELECT 1 FROM ztf.object; SELECT 2 FROM ztf.object": "exactly one query",
    "WITH a AS (SELECT 1 FROM ztf.object) SELECT * FROM a": "no common table expressions",
    "SELECT * FROM ztf.object LIMIT 5": "no LIMIT",
    "SELECT 1": "FROM is missing",
    "SELECT * INTO x FROM ztf.object": "",
    # tables
    "SELECT * FROM objects": "no table objects",
    "SELECT * FROM object": "did you mean ztf.object, alerce_tap.object?",
    "SELECT * FROM sources": "no table sources",
    "SELECT * FROM meta": "no table meta",
    "SELECT * FROM main.objects": "no table main.objects",
    "SELECT * FROM sky.main.objects": "",
    "SELECT * FROM ztf.allwise": "no table ztf.allwise",
    "SELECT * FROM information_schema.tables": "no table",
    "SELECT * FROM duckdb_settings()": "functions cannot stand in FROM",
    "SELECT * FROM pg_catalog.pg_class": "no table",
    "SELECT * FROM sqlite_master": "no table",
    "SELECT * FROM tap_upload.mine": "no table was uploaded",
    "SELECT * FROM '{folder}/secret.csv'": "no table",
    "SELECT * FROM \"{folder}/secret.csv\"": "no table",
    "SELECT * FROM 'https://127.0.0.1/a.parquet'": "no table",
    "SELECT * FROM read_csv('{folder}/secret.csv')": "functions cannot stand in FROM",
    "SELECT * FROM read_csv_auto('{folder}/secret.csv') AS x": "functions cannot stand in FROM",
    "SELECT * FROM read_parquet('{folder}/x')": "functions cannot stand in FROM",
    "SELECT * FROM read_text('{folder}/secret.csv')": "functions cannot stand in FROM",
    "SELECT * FROM glob('*')": "functions cannot stand in FROM",
    "SELECT * FROM range(1000000000)": "functions cannot stand in FROM",
    "SELECT * FROM query('SELECT 1')": "functions cannot stand in FROM",
    "SELECT * FROM query_table('objects')": "functions cannot stand in FROM",
    "SELECT * FROM unnest(x)": "functions cannot stand in FROM",
    "SELECT * FROM (VALUES (1)) AS x": "",
    "SELECT * FROM (SELECT 1 FROM ztf.object)": "needs a name",
    "SELECT * FROM ztf.object, ztf.object": "twice in FROM",
    "SELECT * FROM ztf.object TABLESAMPLE 10": "",
    "SELECT * FROM ztf.object AS o (a, b)": "not supported",
    "SELECT * FROM ztf.object JOIN ztf.probability": "JOIN wants ON or USING",
    "SELECT * FROM ztf.object AS o SEMI JOIN ztf.probability USING (oid)": "",
    "SELECT * FROM ztf.object AS o ASOF JOIN ztf.probability USING (oid)": "",
    "SELECT * FROM ztf.object AS o POSITIONAL JOIN ztf.probability": "",
    "SELECT 1 FROM ztf.object a, ztf.object b JOIN ztf.object c ON a.oid = c.oid": "no column a.oid",
    "SELECT * FROM ztf.object LEFT JOIN ztf.probability": "JOIN wants ON or USING",
    "SELECT * FROM ztf.object JOIN ztf.probability USING (nothing)": "once on either side",
    "SELECT * FROM ztf.object CROSS JOIN ztf.probability ON 1 = 1": "",
    "SELECT * FROM LATERAL (SELECT 1 FROM ztf.object) AS x": "",
    "PIVOT ztf.object ON oid": "only SELECT",
    # columns
    "SELECT nothing FROM ztf.object": "no column nothing",
    "SELECT rowid FROM ztf.object": "no column rowid",
    "SELECT packet FROM ztf.object": "no column packet",
    "SELECT o.nothing FROM ztf.object o": "no column o.nothing",
    "SELECT x.oid FROM ztf.object o": "no column x.oid",
    "SELECT a.b.c.d FROM ztf.object": "",
    'SELECT "OID" FROM ztf.object': "no column OID",
    "SELECT oid FROM ztf.object JOIN ztf.probability ON 1 = 1": "in several tables",
    "SELECT x.* FROM ztf.object o": "no one table x",
    "SELECT * EXCLUDE (oid) FROM ztf.object": "",
    "SELECT * REPLACE (1 AS oid) FROM ztf.object": "",
    "SELECT COLUMNS('.*') FROM ztf.object": "no function COLUMNS",
    "SELECT t FROM ztf.object AS t": "no column t",
    "SELECT c1 FROM ztf.object": "no column c1",
    "SELECT t1.oid FROM ztf.object": "no column t1.oid",
    "SELECT oid FROM ztf.object ORDER BY 2": "columns 1 to 1",
    "SELECT oid FROM ztf.object ORDER BY 0": "columns 1 to 1",
    "SELECT oid FROM ztf.object GROUP BY 1": "GROUP BY wants columns",
    "SELECT oid FROM ztf.object GROUP BY ALL": "",
    "SELECT DISTINCT ON (oid) oid FROM ztf.object": "",
    "SELECT (SELECT oid, ndet FROM ztf.object) FROM ztf.object": "must give one column, not 2",
    "SELECT oid FROM ztf.object UNION SELECT oid, ndet FROM ztf.object": "1 and 2 columns",
    "SELECT TOP oid * FROM ztf.object": "",
    "SELECT TOP 1.5 * FROM ztf.object": "whole number",
    "SELECT oid FROM ztf.object OFFSET -1": "",
    # functions
    "SELECT getenv('HOME') FROM ztf.object": "no function getenv",
    "SELECT current_setting('temp_directory') FROM ztf.object": "no function current_setting",
    "SELECT version() FROM ztf.object": "no function version",
    "SELECT read_blob('{folder}/secret.csv') FROM ztf.object": "no function read_blob",
    "SELECT pg_sleep(10) FROM ztf.object": "no function pg_sleep",
    "SELECT q3c_radial_query(meanra, meandec, 1, 1, 1) FROM ztf.object": "no function q3c_radial_query",
    'SELECT "upper"(oid) FROM ztf.object': "without quotes",
    "SELECT main.upper(oid) FROM ztf.object": "",
    "SELECT repeat(oid, 1000000000) FROM ztf.object": "no function repeat",
    "SELECT list(oid) FROM ztf.object": "no function list",
    "SELECT count(*) OVER () FROM ztf.object": "",
    "SELECT count(*) FILTER (WHERE ndet > 1) FROM ztf.object": "",
    "SELECT sum(*) FROM ztf.object": "SUM(*) is not possible",
    "SELECT count(oid, ndet) FROM ztf.object": "COUNT takes one value",
    "SELECT sqrt() FROM ztf.object": "SQRT takes 1 value",
    "SELECT power(1) FROM ztf.object": "POWER takes 2 values, 1 were given",
    "SELECT CAST(oid AS BLOB) FROM ztf.object": "",
    "SELECT CAST(oid AS INTEGER(3)) FROM ztf.object": "length",
    "SELECT TRY_CAST(oid AS INTEGER) FROM ztf.object": "",
    "SELECT IN_UNIT(meanra, 'mag') FROM ztf.object": "IN_UNIT",
    "SELECT IN_UNIT(meanra, oid) FROM ztf.object": "unit must be a text",
    "SELECT IN_UNIT() FROM ztf.object": "IN_UNIT takes 2 values",
    # other syntax
    "SELECT oid::INTEGER FROM ztf.object": "",
    "SELECT oid[1] FROM ztf.object": "",
    "SELECT [1, 2] FROM ztf.object": "",
    "SELECT {{'a': 1}} FROM ztf.object": "",
    "SELECT x -> x + 1 FROM ztf.object": "",
    "SELECT $1 FROM ztf.object": "",
    "SELECT $text0 FROM ztf.object WHERE oid = 'a'": "",
    "SELECT ? FROM ztf.object": "",
    "SELECT :a FROM ztf.object": "",
    "SELECT @a FROM ztf.object": "",
    "SELECT 1 & 2 FROM ztf.object": "",
    "SELECT 1 << 60 FROM ztf.object": "",
    "SELECT 2 ** 3 FROM ztf.object": "",
    "SELECT 5 % 3 FROM ztf.object": "",
    "SELECT 0x10 FROM ztf.object WHERE 1 = 2 AND": "",
    "SELECT E'\\x41' FROM ztf.object": "",
    "SELECT DATE '2020-01-01' FROM ztf.object": "reserved word",
    "SELECT INTERVAL 1 DAY FROM ztf.object": "reserved word",
    "SELECT current_date FROM ztf.object": "reserved word",
    "SELECT session_user FROM ztf.object": "reserved word",
    "SELECT oid FROM ztf.object WHERE oid SIMILAR TO 'a'": "",
    "SELECT oid FROM ztf.object WHERE oid ~ 'a'": "",
    "SELECT oid FROM ztf.object WHERE oid GLOB 'a'": "",
    "SELECT oid FROM ztf.object WHERE (oid, ndet) IN (SELECT oid, ndet FROM ztf.object)": "",
    "SELECT oid FROM ztf.object WHERE ndet = ANY (SELECT 1 FROM ztf.object)": "",
    "SELECT oid FROM ztf.object WHERE ndet = ALL (SELECT 1 FROM ztf.object)": "",
    "SELECT oid FROM ztf.object WHERE oid": "a condition is expected",
    "SELECT oid FROM ztf.object WHERE 1": "a condition is expected",
    "SELECT oid FROM ztf.object WHERE oid LIKE 'a' ESCAPE 'bc'": "one character",
    "SELECT oid FROM ztf.object WHERE ndet IS 3": "IS can be followed by",
    "SELECT oid + 1 FROM ztf.object": "arithmetic is for numbers",
    "SELECT oid FROM ztf.object FOR UPDATE": "",
    "SELECT oid FROM ztf.object WINDOW w AS ()": "",
    "SELECT oid FROM ztf.object QUALIFY 1 = 1": "",
    "SELECT oid FROM ztf.object USING SAMPLE 10": "",
    "SELECT oid FROM ztf.object FETCH FIRST 1 ROWS ONLY": "",
    # geometries
    "SELECT POINT(1, 2) FROM ztf.object": "",
    "SELECT oid FROM ztf.object WHERE CONTAINS(POINT(1, 2), CIRCLE(1, 2, 3))": "a condition is expected",
    "SELECT oid FROM ztf.object WHERE 1 = CONTAINS(POINT('GALACTIC', 1, 2), CIRCLE(1, 2, 3))": "must be 'ICRS'",
    "SELECT oid FROM ztf.object WHERE 1 = CONTAINS(POINT(1, 2), POINT(1, 2))": "wants a CIRCLE",
    "SELECT oid FROM ztf.object WHERE 1 = CONTAINS(POINT(1, 2), 3)": "wants a POINT or CIRCLE",
    "SELECT oid FROM ztf.object WHERE 1 = CONTAINS(POINT(1, 2), POLYGON(1, 2, 3, 4, 5, 6))": "POLYGON is not supported",
    "SELECT oid FROM ztf.object WHERE 1 = CONTAINS(POINT(1, 2), BOX(1, 2, 3, 4))": "BOX is not supported",
    "SELECT AREA(CIRCLE(1, 2, 3)) FROM ztf.object": "AREA is not supported",
    "SELECT oid FROM ztf.object WHERE 1 = INTERSECTS(POINT(1, 2), POINT(1, 2))": "at least one CIRCLE",
    "SELECT DISTANCE(1, 2, 3) FROM ztf.object": "",
    "SELECT DISTANCE(1, 2, 3, 95) FROM ztf.object": "a declination must be from -90 to 90 degrees, not 95",
    "SELECT oid FROM ztf.object WHERE 1 = CONTAINS(POINT(1, 2), CIRCLE(1, 2, -1))": "a radius must be from 0 to 180",
    "SELECT DISTANCE(oid, 2, 3, 4) FROM ztf.object": "must be a number, not of type text",
    "SELECT COORD1(1) FROM ztf.object": "COORD1 wants a POINT",
    "SELECT ABS(POINT(1, 2)) FROM ztf.object": "",
}  # fmt: skip


@pytest.mark.parametrize("adql", FORBIDDEN)
def test_what_cannot_be_said(refusal, folder, adql):
    folder.joinpath("secret.csv").write_text("a\nwonderland\n")
    before = sorted(path.name for path in folder.iterdir())
    said = refusal(adql.format(folder=folder))
    assert FORBIDDEN[adql] in said
    assert "wonderland" not in said
    assert sorted(path.name for path in folder.iterdir()) == before


def test_what_the_database_refuses_is_said_without_our_sql(refusal):
    said = refusal("SELECT 1 / (ndet - ndet) FROM ztf.object")
    assert "Division by zero" in said
    assert "LINE" not in said
    assert "Could not convert" in refusal("SELECT CAST(oid AS INTEGER) FROM ztf.object")


_NESTED = "DISTANCE(POINT(" * 6 + "meanra" + ", 1), POINT(1, 1))" * 6  # a million characters of the database's SQL


@pytest.mark.parametrize(
    "adql",
    [
        f"SELECT {'(' * 5000}1{')' * 5000} {ONE}",
        f"SELECT {'(' * 59}1{')' * 59} + {'NOT ' * 4000} 1 {ONE}",
        f"SELECT {'- ' * 5000}1 {ONE}",
        f"SELECT {'ABS(' * 3000}1{')' * 3000} {ONE}",
        f"SELECT {'CASE WHEN 1 = ' * 2000} 1 {ONE}",
        f"SELECT 1 {ONE} AND {'NOT 1 = ' * 20000} 1",
        "SELECT 1 FROM " + "(SELECT 1 FROM " * 500 + "ztf.object" + ") AS x" * 500,
        " UNION ".join(["SELECT oid FROM ztf.object"] * 300),
        "SELECT 1 FROM ztf.object WHERE oid IN ('" + "', '".join(["x"] * 60_000) + "')",
        "SELECT '" + "x" * 2**20 + f"' {ONE}",
        "SELECT " + "DISTANCE(" * 12 + "1, 1, 1, 1" + ", 1, 1, 1)" * 11 + f" {ONE}",
        "SELECT 1 FROM " + "a." * 1000 + "b",
        "SELECT " + "[" * 3000,
        "SELECT " + "{" * 3000,
        "'" * 4001,
        '"' * 4001,
        "/*" * 3000,
        f"SELECT {' + '.join([_NESTED] * 400)} AS x FROM ztf.object",
        "SELECT 1 FROM " + ", ".join(f"ztf.object a{number}" for number in range(200)),
        "SELECT 1 FROM ztf.object b " + " ".join(f"JOIN ztf.object a{number} USING (oid)" for number in range(100)),
    ],
    ids=range(20),
)
def test_monsters_are_refused_soon(refusal, adql):
    started = time.monotonic()
    refusal(adql)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE objects; --", "$text0", "\\", "\\'", "ü😀", "a\u2028b", "\u0007", "%s", "{0}", "?", "\ufeff"],
)
def test_texts_are_only_texts(session, url, ask, text):
    escaped = text.replace("'", "''")
    assert ask(f"SELECT '{escaped}' AS x {ONE}") == [[text]]
    assert ask(f"SELECT 1 {ONE} AND '{escaped}' <> '{escaped}'") == []
    reply = session.post(url, data={"QUERY": f"SELECT '{escaped}' AS x {ONE}", "LANG": "ADQL"})
    assert read_votable(reply.content).columns[0].tolist() == [text]


def test_texts_do_not_grow_without_bound(ask, refusal):
    long = "x" * 1500
    assert ask(f"SELECT '{long}' || 'y' AS x {ONE}") == [[long + "y"]]
    assert "longer than 2000 characters" in refusal(f"SELECT '{long}' || '{long}' AS x {ONE}")
    assert "longer than 2000 characters" in refusal(f"SELECT {' || '.join(['oid'] * 300)} AS x FROM ztf.object")
    assert "longer than 2000 characters" in refusal(f"SELECT '{long}{long}' AS x {ONE}")


def test_answers_have_a_bounded_number_of_values(session, url, monkeypatch):
    monkeypatch.setattr(select, "_MOST_VALUES", 90)
    reply = session.post(url, data={"QUERY": "SELECT oid, ndet FROM ztf.object", "LANG": "ADQL", "MAXREC": "50"})
    found = read_votable(reply.content)
    assert (len(found.columns[0]), found.status[0]) == (10, "OVERFLOW")


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        ("oid", 62),
        (f"'{'x' * 80}' AS a, ndet", 45),
        ("'x' || oid AS a", 2),
        (f"(SELECT '{'x' * 80}' {ONE}) AS a, ndet", 1),
        ("a FROM (SELECT oid || 'x' AS a FROM ztf.object) AS t UNION ALL SELECT oid", 2),
        ("oid FROM ztf.object UNION ALL SELECT oid || 'x'", 2),
    ],
)
def test_texts_that_may_be_long_count_as_more_values(session, url, monkeypatch, columns, rows):
    monkeypatch.setattr(select, "_MOST_VALUES", 500)
    reply = session.post(url, data={"QUERY": f"SELECT {columns} FROM ztf.object", "LANG": "ADQL"})
    found = read_votable(reply.content)
    assert (len(found.columns[0]), found.status[0]) == (rows, "OVERFLOW")


def test_uploaded_texts_may_be_long(session, url, monkeypatch):
    monkeypatch.setattr(select, "_MOST_VALUES", 500)
    table = VOTable([Field(name="a", datatype="char", arraysize="*")], [np.ma.array(["x"] * 9, dtype=object)])
    query = {"QUERY": "SELECT a FROM TAP_UPLOAD.mine", "LANG": "ADQL", "UPLOAD": "mine,param:part"}
    reply = session.post(url, data=query, files={"part": write_votable(table)})
    found = read_votable(reply.content)
    assert (len(found.columns[0]), found.status[0]) == (2, "OVERFLOW")


def test_names_are_only_names(ask):
    assert ask(f"""SELECT x."a""b; DROP" FROM (SELECT 1 AS "a""b; DROP" {ONE}) AS x""") == [[1]]


def test_the_compiled_parser_is_named_where_it_stands_in_the_way(monkeypatch):
    def refuse(self):
        raise TypeError("interpreted classes cannot inherit from compiled")

    monkeypatch.setattr(words._ADQL, "parser", refuse)
    with pytest.raises(MissingExtraError, match="pip uninstall sqlglotc"):
        words.parse("SELECT 1 FROM x")


def test_nul_is_refused(refusal):
    assert "NUL" in refusal(f"SELECT 'a\0b' {ONE}")


_WORDS = [
    *[
        "SELECT",
        "FROM",
        "WHERE",
        "AND",
        "OR",
        "NOT",
        "JOIN",
        "LEFT",
        "FULL",
        "NATURAL",
        "ON",
        "USING",
        "GROUP",
        "HAVING",
        "ORDER",
        "UNION",
        "ALL",
        "IN",
        "EXISTS",
        "LIKE",
        "AS",
        "TOP",
    ],
    *[
        "(",
        "(",
        "(",
        ")",
        ")",
        ")",
        ",",
        ",",
        ".",
        "*",
        "=",
        "<",
        "||",
        "-",
        "+",
        "/",
        ";",
        "'",
        '"',
        "1",
        "2.5",
        "'a'",
        "NULL",
        "BY",
        "CASE",
        "WHEN",
        "THEN",
        "END",
        "IS",
        "BETWEEN",
        "CAST",
        "DISTINCT",
    ],
    *[
        "ztf.object",
        "ztf.probability",
        "objects",
        "oid",
        "o",
        "ndet",
        "meanra",
        '"value"',
        "COUNT(*)",
        "ABS(",
        "POINT(",
        "CIRCLE(",
        "CONTAINS(",
        "$1",
        "?",
    ],
    *[
        "read_csv('/etc/passwd')",
        "COPY",
        "ATTACH",
        "PRAGMA",
        "--",
        "/*",
        "*/",
        "[",
        "]",
        "{",
        "}",
        "::",
        "->",
        "\x00",
        "\u2028",
        "ü",
        "WITH",
        "LIMIT",
        "OFFSET",
    ],
]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=25))
def test_any_words_are_answered_or_refused(session, url, words):
    reply = session.post(url, data={"QUERY": "SELECT " + " ".join(words), "LANG": "ADQL", "MAXREC": "3"})
    assert reply.status_code in (200, 400)
    assert read_votable(reply.content).status[0] in ("OK", "OVERFLOW", "ERROR")


@settings(max_examples=150)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(words.QueryError):
        assert words.parse("SELECT " + text)


_NUMBERS = st.recursive(
    st.sampled_from(["1", "2.5", "NULL", "ndet", "meanra", "0"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda x: f"ABS({x})"),
        st.tuples(inner, inner).map(lambda t: f"COALESCE({t[0]}, {t[1]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"CASE WHEN {t[0]} > {t[1]} THEN {t[2]} END"),
        st.tuples(inner, inner).map(lambda t: f"CONTAINS(POINT({t[0]}, 0), CIRCLE({t[1]}, 0, 1))"),
    ),
    max_leaves=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_NUMBERS)
def test_what_is_well_formed_is_answered(ask, expression):
    assert len(ask(f"SELECT TOP 2 {expression} AS x FROM ztf.object")) == 2
