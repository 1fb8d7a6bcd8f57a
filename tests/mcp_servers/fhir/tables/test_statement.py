"""What a statement may do to the tables, and what it may not: each attack is refused before it runs."""

from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_servers.fhir.tables.process import TablesProcess

ALLOWED = [
    "SELECT o.ref, c.ref FROM observation o JOIN condition c ON o.encounter_id = c.encounter_id",
    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 10) SELECT sum(x) FROM n",
    "SELECT code_text, count(*) AS n, avg(value), quantile_cont(value, 0.9), list(ref) AS refs,"
    " regr_slope(value, epoch(instant)) FROM observation GROUP BY ALL HAVING count(*) > 1 ORDER BY n LIMIT 9",
    "SELECT *, lag(value) OVER w FROM observation WINDOW w AS (PARTITION BY code ORDER BY instant)"
    " QUALIFY row_number() OVER w = 1",
    "FROM observation SELECT ref WHERE date BETWEEN DATE '2020-01-01' AND today() - INTERVAL 3 MONTHS",
    "SELECT max_by(value, instant), count(*) FILTER (WHERE value > 3), first(value ORDER BY instant)"
    " FROM observation",
    "SELECT * EXCLUDE (codes), value::DECIMAL(10, 2), TRY_CAST(value_text AS DOUBLE), year(date),"
    " strftime(date, '%Y-%m'), date_diff('day', date, current_date), age(instant) FROM observation",
    "SELECT m.ref, o.value FROM medication_request m ASOF JOIN observation o ON m.instant >= o.instant",
    "SELECT CASE WHEN lower(code_text) LIKE '%x%' THEN 1 END, regexp_matches(code_text, 'a.b'), codes[1],"
    " '4548-4' = ANY (codes), unit || 'x', [c FOR c IN codes IF c <> ''], {'a': 1} FROM observation",
    "SELECT unnest(codes) AS code, ref FROM condition",
    "SELECT x FROM (VALUES (1), (2)) t(x) UNION SELECT 3 EXCEPT SELECT 1",
    "SELECT d::DATE FROM generate_series(DATE '2020-01-01', DATE '2020-03-01', INTERVAL 1 MONTH) t(d)",
    "UNPIVOT (SELECT ref, range_low, range_high FROM observation) ON range_low, range_high",
    "SELECT c.ref FROM condition c LEFT JOIN LATERAL (SELECT value FROM observation o WHERE o.date <= c.date"
    " ORDER BY o.date DESC LIMIT 1) b ON true",
    "SELECT DISTINCT ON (code) code, ref FROM main.observation ORDER BY code, instant DESC -- a comment",
    "SELECT 1 /* ; */ ;",
]

REFUSED = [
    "",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE patient",
    "INSERT INTO patient SELECT * FROM patient",
    "WITH gone AS (DELETE FROM patient RETURNING *) SELECT * FROM gone",
    "WITH more AS (INSERT INTO patient SELECT * FROM patient RETURNING *) SELECT * FROM more",
    "UPDATE patient SET name = 'x'",
    "CREATE TABLE mine AS SELECT 1",
    "CREATE MACRO f() AS 1",
    "COPY (SELECT 1) TO '/tmp/out.csv'",
    "COPY patient FROM '/etc/passwd'",
    "EXPORT DATABASE '/tmp/out'",
    "IMPORT DATABASE '/tmp/out'",
    "ATTACH '/tmp/other.db' AS other",
    "DETACH memory",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '100GB'",
    "SET VARIABLE x = 1",
    "RESET threads",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "BEGIN",
    "COMMIT",
    "CHECKPOINT",
    "VACUUM",
    "PREPARE q AS SELECT 1",
    "EXECUTE q",
    "SELECT ?",
    "SELECT $1",
    "EXPLAIN ANALYZE SELECT 1",
    "DESCRIBE patient",
    "SUMMARIZE patient",
    "SHOW TABLES",
    "SELECT * FROM (DESCRIBE patient)",
    "SELECT * FROM (SHOW ALL TABLES)",
    "USE system",
    "PIVOT observation ON code USING sum(value)",
    # files, the network, standard input
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'https://example.org/x.parquet'",
    "SELECT * FROM \"/etc/passwd\"",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_csv('/dev/stdin')",
    "SELECT * FROM read_json('http://127.0.0.1/x')",
    "SELECT * FROM read_parquet('x')",
    "SELECT * FROM parquet_scan('x')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM st_read('x')",
    "SELECT * FROM observation, read_text('/etc/passwd')",
    "SELECT (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT 1 WHERE EXISTS (SELECT * FROM read_text('/etc/passwd'))",
    "WITH f AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM f",
    "SELECT 1 ORDER BY (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT 1 LIMIT (SELECT length(content) FROM read_text('/etc/passwd'))",
    # the database, its settings and its surroundings
    "SELECT * FROM resource",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM duckdb_functions()",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_tables",
    "SELECT * FROM pragma_database_list",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM pg_class",
    "SELECT * FROM pg_catalog.pg_class",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM system.information_schema.columns",
    "SELECT * FROM temp.main.patient",
    "WITH duckdb_tables AS (SELECT 1) SELECT * FROM duckdb_tables",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('patient')",
    "SELECT * FROM json_execute_serialized_sql('{}')",
    "SELECT json_serialize_sql('SELECT 1')",
    "SELECT getenv('HOME')",
    "SELECT current_setting('secret_directory')",
    "SELECT system.main.current_setting('secret_directory')",
    "SELECT getvariable('x')",
    "SELECT current_query()",
    "SELECT version()",
    "SELECT pg_sleep(100)",
    "SELECT sleep_ms(100000)",
    "SELECT write_log('x')",
    "SELECT error('x')",
    "SELECT random()",
    "SELECT nextval('s')",
    "SELECT __internal_compress_string_ubigint('x')",
    "SELECT max(current_setting('threads')) FROM observation",
    "SELECT list_transform([1], lambda x: current_setting('threads'))",
    "SELECT sum(value) OVER (ORDER BY current_setting('threads')) FROM observation",
    # names that Python or DuckDB could find elsewhere
    "SELECT * FROM tables",
    "SELECT * FROM sql",
    "SELECT * FROM connection",
    "SELECT * FROM repeat('x', 1000000)",
    "SELECT * FROM test_all_types()",
    "SELECT * FROM seq_scan('patient')",
]  # fmt: skip


WORDS = [
    "SELECT",
    "FROM",
    "(",
    ")",
    ",",
    "*",
    "'",
    '"',
    ";",
    "--",
    "/*",
    "1",
    "observation",
    "WHERE",
    "\x00",
    "é",
]


async def checked(tables: TablesProcess, sql: str) -> dict[str, Any]:
    return await tables.ask({"do": "check", "sql": sql})


@pytest.mark.parametrize("sql", ALLOWED)
@pytest.mark.anyio
async def test_a_select_over_the_tables_is_allowed_and_runs(tables: TablesProcess, sql: str) -> None:
    assert "tables" in await checked(tables, sql)
    assert "rows" in await tables.ask({"do": "query", "sql": sql, "limit": 5})


@pytest.mark.parametrize("sql", REFUSED)
@pytest.mark.anyio
async def test_everything_else_is_refused_before_it_runs(tables: TablesProcess, sql: str) -> None:
    reply = await checked(tables, sql)
    assert reply.keys() & {"refused", "unknown_table", "error"}, reply
    assert "tables" not in reply


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/dev/stdin')",
        "SELECT * FROM read_json('http://127.0.0.1:9/x')",
        "COPY (SELECT 1) TO '/tmp/ehr-navigator-must-not-be-there.csv'",
        "ATTACH '/tmp/ehr-navigator-must-not-be-there.db' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET memory_limit = '100GB'",
        "SET lock_configuration = false",
        "SET enable_external_access = true",
        "CREATE TABLE mine AS SELECT 1",
        "DROP TABLE patient",
        "INSERT INTO patient SELECT * FROM patient",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM self",
        "SELECT * FROM request",
    ],
)
@pytest.mark.anyio
async def test_what_would_get_past_the_check_meets_a_database_that_can_do_nothing(
    tables: TablesProcess, sql: str
) -> None:
    assert "error" in await tables.ask({"do": "query", "sql": sql, "limit": 5})


@pytest.mark.anyio
async def test_no_view_of_the_database_itself_can_be_read(tables: TablesProcess) -> None:
    sql = (
        "SELECT DISTINCT view_name FROM duckdb_views() WHERE schema_name <> 'information_schema'"
        " UNION SELECT 'resource'"
    )
    names = [name for (name,) in (await tables.ask({"do": "query", "sql": sql, "limit": 500}))["rows"]]
    assert len(names) > 30
    for name in names:
        # Where a WITH gives a name of its own, the same name outside of it would be the view's.
        for sql in (f"SELECT * FROM {name}", f"SELECT * FROM (WITH {name} AS (SELECT 1) SELECT 1), {name}"):
            assert "unknown_table" in await checked(tables, sql), sql


@pytest.mark.anyio
async def test_clauses_whose_groupings_multiply_are_refused_before_they_are_written_out(
    tables: TablesProcess,
) -> None:
    rollup = f"ROLLUP ({', '.join(f'value + {n}' for n in range(90))})"
    one = f"SELECT 'cube rollup', count(*) FROM observation GROUP BY {rollup}"
    assert await checked(tables, one) == {"tables": ["observation"]}
    for several in (
        f"{one}, {rollup}",
        f"{one}, CUBE (ref)",
        f"({one}) UNION ({one})",
        f"{one}, Grouping Sets (ref)",
    ):
        assert "at most one ROLLUP" in (await checked(tables, several))["refused"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_no_text_brings_the_process_down(tables: TablesProcess, sql: str) -> None:
    reply = anyio.run(checked, tables, sql)
    assert reply.keys() & {"refused", "unknown_table", "error", "tables"}
