"""A patient's tables: filled as asked, kept up with the chart, all or nothing, with real references only."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from fhir_fixtures.store import create_app, open_store
from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.errors import InvalidRequest, ServerFailed
from mcp_servers.fhir.tables.chart import ChartTables, Selected
from tests.mcp_servers.fhir.scripted import (
    BASE,
    ScriptedFhir,
    a_call,
    bundle,
    http_to,
    observation,
    outcome,
)

Resource = dict[str, Any]
Select = Callable[[str], Awaitable[Selected]]
NOW = "2026-11-01T00:00:00+00:00"
REFS = "SELECT ref FROM observation ORDER BY ref"


@asynccontextmanager
async def selecting(app: Any, tables: ChartTables | None = None) -> AsyncIterator[Select]:
    """A way to select from patient A's tables, as one session does."""
    tables, lock = tables or ChartTables(), PatientLock("Patient/A", BASE)
    async with http_to(app) as http:
        client = FhirClient(http)

        async def select(sql: str) -> Selected:
            return await tables.select(client, lock, a_call(), sql, limit=50, now=NOW)

        yield select


SECRET = ScriptedFhir([observation("1", "A", code={"text": "Secret"})])


@pytest.fixture(scope="module")
def shared() -> ChartTables:
    """Tables of what SECRET holds, for tests that change nothing."""
    return ChartTables()


@pytest.fixture(scope="module")
def two_units() -> ChartTables:
    """Tables of what TWO_UNITS holds."""
    return ChartTables()


def refs(found: Selected) -> list[str]:
    return [row["ref"] for row in found.rows]


def searches(app: ScriptedFhir) -> list[str]:
    """The types searched since this was asked last."""
    seen = [request.url.path.rpartition("/")[2] for request in app.seen]
    app.seen.clear()
    return [kind for kind in seen if kind != "metadata"]


@pytest.mark.anyio
async def test_only_the_types_that_a_statement_reads_are_read() -> None:
    app = ScriptedFhir([observation("1", "A"), observation("2", "B")])
    async with selecting(app) as select:
        assert refs(await select(REFS)) == ["Observation/1"]
        assert searches(app) == ["Observation"]
        await select("SELECT o.ref FROM observation_component o, device d")
        assert sorted(searches(app)) == ["Device", "Observation"]
        await select("SELECT 1 AS one")
        assert searches(app) == []


@pytest.mark.anyio
async def test_a_statement_that_cannot_be_used_reads_nothing_of_the_chart() -> None:
    app = ScriptedFhir([observation("1", "A")])
    async with selecting(app) as select:
        for sql in ("SELECT * FROM observatio", "DROP TABLE patient", "SELECT * FROM read_text('x')"):
            with pytest.raises(InvalidRequest):
                await select(sql)
    assert searches(app) == []


@pytest.mark.anyio
async def test_the_tables_follow_the_chart(tmp_path: Path) -> None:
    class OnePatient:
        def resources(self) -> list[Resource]:
            return [{"resourceType": "Patient", "id": "A"}, *(observation(f"o{n}", "A") for n in range(3))]

        def digest(self) -> str:
            return "one patient"

    store = open_store(tmp_path / "store.db", OnePatient())
    app = create_app(store)
    try:
        async with selecting(app) as select, http_to(app) as http:
            assert refs(await select(REFS)) == ["Observation/o0", "Observation/o1", "Observation/o2"]
            await http.put("Observation/new", json=observation("new", "A"))
            await http.put("Observation/o1", json=observation("o1", "A", status="amended"))
            await http.delete("Observation/o2")
            found = await select("SELECT ref, status FROM observation ORDER BY ref")
            assert [tuple(row.values()) for row in found.rows] == [
                ("Observation/new", "final"),
                ("Observation/o0", "final"),
                ("Observation/o1", "amended"),
            ]
            await http.put("Observation/o0", json=observation("o0", "A", status="entered-in-error"))
            found = await select(REFS)
            assert refs(found) == ["Observation/new", "Observation/o1"]
            assert found.reading == ["Left out as entered in error: 1."]
            await http.put("Observation/o0", json=observation("o0", "A"))
            found = await select(REFS)
            assert (len(found.rows), found.reading) == (3, [])
    finally:
        store.close()


@pytest.mark.anyio
async def test_a_server_that_fails_in_the_middle_leaves_the_tables_as_they_were() -> None:
    app = ScriptedFhir([observation("1", "A")])

    def half(request: Any) -> Any:
        if "page" in request.query_params:
            return outcome(500, "exception", "broken")
        return bundle(request, [observation("2", "A")], following=f"{BASE}/Observation?page=2")

    async with selecting(app) as select:
        assert refs(await select(REFS)) == ["Observation/1"]
        app.script["Observation"] = half
        with pytest.raises(ServerFailed):
            await select(REFS)
        del app.script["Observation"]
        app.resources.append(observation("3", "A"))
        assert refs(await select(REFS)) == ["Observation/1", "Observation/3"]


@pytest.mark.anyio
async def test_a_cancelled_first_reading_is_begun_again() -> None:
    class Slow(httpx.AsyncBaseTransport):
        def __init__(self) -> None:
            self.inner = httpx.ASGITransport(app=ScriptedFhir([observation("1", "A")]))
            self.slow = True
            self.reached = anyio.Event()

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if self.slow and "Observation" in request.url.path:
                self.reached.set()
                await anyio.sleep_forever()
            return await self.inner.handle_async_request(request)

    slow, tables, lock = Slow(), ChartTables(), PatientLock("Patient/A", BASE)
    async with httpx.AsyncClient(transport=slow, base_url=BASE) as http:
        client = FhirClient(http)

        async def select() -> Selected:
            return await tables.select(client, lock, a_call(), REFS, limit=5, now=NOW)

        async with anyio.create_task_group() as group:
            group.start_soon(select)
            await slow.reached.wait()
            group.cancel_scope.cancel()
        slow.slow = False
        assert refs(await select()) == ["Observation/1"]


@pytest.mark.anyio
async def test_two_calls_at_once_read_the_chart_once() -> None:
    meta = {"lastUpdated": "2026-11-01T00:00:00Z", "versionId": "1"}
    app = ScriptedFhir([observation(str(n), "A", meta=meta) for n in range(30)])
    found: list[Selected] = []
    async with selecting(app) as select:

        async def once() -> None:
            found.append(await select("SELECT count(*) AS n, list(ref) AS refs FROM observation"))

        async with anyio.create_task_group() as group:
            group.start_soon(once)
            group.start_soon(once)
    assert [one.rows[0]["n"] for one in found] == [30, 30]
    asked = [r.query_params.get("_lastUpdated") for r in app.seen if r.url.path.endswith("/Observation")]
    assert asked == [None, None, "ge2026-10-31T23:59:30.000+00:00"]  # read, counted, asked for changes


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 'Observation/forged' AS ref, 99 AS value FROM observation LIMIT 1", [{"value": 99}]),
        ("SELECT 'Observation/forged' AS ref, 99 AS value", [{"value": 99}]),
        ("SELECT ['Observation/forged', ref] AS refs FROM observation", [{"refs": ["Observation/1"]}]),
        ("SELECT {'a': 1} AS ref, 1 AS n FROM observation", [{"n": 1}]),
        ("SELECT 'Observation/1 ' AS refs, 1 AS n FROM observation", [{"refs": [], "n": 1}]),
    ],
)
@pytest.mark.anyio
async def test_a_reference_that_the_statement_made_up_is_left_out_and_said(
    shared: ChartTables, sql: str, expected: list[dict[str, Any]]
) -> None:
    async with selecting(SECRET, shared) as select:
        found = await select(sql)
    assert found.rows == expected
    assert "left out" in found.notes[0]


@pytest.mark.anyio
async def test_rows_carry_their_references_whichever_way_they_are_selected() -> None:
    async with selecting(ScriptedFhir([observation("1", "A"), observation("2", "A")])) as select:
        one = await select("SELECT status, ref FROM observation ORDER BY ref LIMIT 1")
        many = await select("SELECT count(*) AS n, list(ref ORDER BY ref) AS refs FROM observation")
        named_ref = await select("SELECT list(ref ORDER BY ref) AS ref FROM observation")
        none = await select("SELECT count(*) AS n FROM observation")
    assert one.rows == [{"ref": "Observation/1", "status": "final"}]
    assert many.rows == [{"refs": ["Observation/1", "Observation/2"], "n": 2}]
    assert named_ref.rows == [{"refs": ["Observation/1", "Observation/2"]}]
    assert "list(ref) AS refs" in none.notes[0]
    assert (one.notes, many.notes, named_ref.notes) == ([], [], [])


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM observations", "There is no table `observations`; near to it: observation"),
        ("SELECT valu FROM observation", "There is no column `valu`; near to it: value"),
        ("SELECT o.statuss FROM observation o", "There is no column `statuss`; near to it: status"),
        ("SELECT zzz FROM observation", "observation has ref, status, date, instant"),
        ("SELECT ref FRM observation", "syntax error"),
        (
            "selct 1",
            'The statement cannot be read as SQL (syntax error at or near "selct"); write one SELECT.',
        ),
        ("SELECT ref FROM observation WHERE codes LIKE '%4548-4%'", "list_contains(codes, '4548-4')"),
        ("SELECT ref FROM observation WHERE codes = '4548-4'", "list_contains(codes, '4548-4')"),
        ("SELECT ref, count(*) FROM observation", "must appear in the GROUP BY"),
        ("SELECT nosuch(value) FROM observation", "The function nosuch is not allowed"),
        ("SELECT code_text::INTEGER FROM observation", "TRY_CAST"),
        ("DELETE FROM observation", "Only a SELECT is allowed"),
        ("SELECT 1; SELECT 2", "exactly one statement"),
        ("DESCRIBE observation", "DESCRIBE"),
    ],
)
@pytest.mark.anyio
async def test_an_error_says_what_to_do_and_quotes_nothing_of_the_chart(
    shared: ChartTables, sql: str, said: str
) -> None:
    async with selecting(SECRET, shared) as select:
        with pytest.raises(InvalidRequest) as raised:
            await select(sql)
    assert said in str(raised.value)
    assert "Secret" not in str(raised.value)
    assert "LINE 1" not in str(raised.value)


@pytest.mark.anyio
async def test_after_a_statement_that_took_all_memory_the_next_one_is_answered() -> None:
    tables = ChartTables()
    async with selecting(ScriptedFhir([observation("1", "A")]), tables) as select:
        with pytest.raises(InvalidRequest, match="memory"):
            await select("SELECT length(repeat(code_text, 400000000)) FROM observation")
        assert refs(await select(REFS)) == ["Observation/1"]
        assert tables._process is not None
        tables._process._process.kill()  # as an operating system does that runs out of memory
        tables._process._process.wait()
        assert refs(await select(REFS)) == ["Observation/1"]


@pytest.mark.anyio
async def test_tables_lost_while_they_are_filled_are_no_fault_of_the_statement() -> None:
    tables, app = ChartTables(), ScriptedFhir([observation("1", "A")])

    def ending(request: Any) -> Any:
        assert tables._process is not None
        tables._process._process.kill()
        return bundle(request, app.resources)

    app.script["Observation"] = ending
    async with selecting(app, tables) as select:
        with pytest.raises(ServerFailed, match="ask again"):
            await select(REFS)
        del app.script["Observation"]
        assert refs(await select(REFS)) == ["Observation/1"]


@pytest.mark.anyio
async def test_each_statement_has_its_own_present() -> None:
    tables, lock = ChartTables(), PatientLock("Patient/A", BASE)
    async with http_to(ScriptedFhir([observation("1", "A")])) as http:
        client, days = FhirClient(http), ("2026-11-01", "2026-11-22")
        for day in days:
            sql, now = "SELECT ref, today() AS day FROM observation", f"{day}T00:00:00+00:00"
            found = await tables.select(client, lock, a_call(), sql, limit=5, now=now)
            assert found.rows == [{"ref": "Observation/1", "day": day}]


PANEL = observation(
    "1",
    "A",
    status="final",
    component=[
        {"code": {"coding": [{"code": "8480-6", "display": "Systolic"}]}, "valueQuantity": {"value": 1}}
    ],
)
IN_PARTS = "stands in observation_component, with the parts of panels."
NO_ROWS = "No rows: the chart may hold it in other words, under another code or in another table."


@pytest.mark.parametrize(
    ("sql", "hints"),
    [
        ("SELECT ref FROM observation WHERE code = '8480-6'", [f"`8480-6` {IN_PARTS}"]),
        ("SELECT max(value) FROM observation WHERE '8480-6' = ANY (codes)", [f"`8480-6` {IN_PARTS}"]),
        ("SELECT count(*) AS n FROM observation WHERE code_text LIKE '%syst%'", [f"`%syst%` {IN_PARTS}"]),
        (
            "SELECT ref FROM observation WHERE status = 'Final'",
            ["`Final` stands in observation.status in other letters: compare with ILIKE."],
        ),
        ("SELECT ref FROM observation WHERE status = 'final' AND value > 9", []),
        ("SELECT ref FROM observation_component WHERE code = '8480-7'", []),
    ],
)
@pytest.mark.anyio
async def test_where_no_row_fits_a_note_tells_where_else_the_words_stand(sql: str, hints: list[str]) -> None:
    async with selecting(ScriptedFhir([PANEL])) as select:
        found = await select(sql)
    assert not found.nothing_recorded
    counted = "count" in sql
    assert found.rows == ([{"n": 0}] if counted else [])
    assert (found.total, NO_ROWS in found.notes) == ((1, False) if counted else (0, True))
    assert [note for note in found.notes if note.startswith("`")] == hints


def _glucose(name: str, value: float, unit: str) -> Resource:
    code = {"coding": [{"code": "2345-7", "display": "Glucose"}]}
    return observation(name, "A", code=code, valueQuantity={"value": value, "unit": unit})


TWO_UNITS = ScriptedFhir([_glucose("1", 100, "mg/dL"), _glucose("2", 5, "mmol/L"), _glucose("3", 90, "mg/dL"),
    observation("4", "A", code={"coding": [{"code": "718-7", "display": "Hemoglobin"}]},
                valueQuantity={"value": 13, "unit": "g/dL"})])  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "of"),
    [
        ("SELECT avg(value) AS n, count(*) AS m FROM observation WHERE code = '2345-7'", "`2345-7`"),
        ("SELECT max(o.value) AS n FROM observation o WHERE list_contains(codes, '2345-7')", "`2345-7`"),
        ("SELECT ref FROM observation WHERE code_text ILIKE '%gluc%' AND value > 90", "`%gluc%`"),
        ("SELECT code, avg(value) AS n FROM observation GROUP BY code", "2345-7"),
        ("SELECT avg(value) AS n FROM observation WHERE code = '2345-7' AND unit = 'mg/dL'", None),
        ("SELECT unit, avg(value) AS n FROM observation GROUP BY unit", None),
        ("SELECT * FROM observation WHERE code = '2345-7'", None),
        ("SELECT avg(value) AS n FROM observation WHERE code = '718-7'", None),
        ("SELECT code, max(value) AS n FROM observation WHERE code IN ('718-7', '9-9') GROUP BY 1", None),
        ("SELECT count(*) AS n FROM observation WHERE code = '2345-7'", None),
        ("SELECT avg(value) AS n FROM observation_component", None),
    ],
)
@pytest.mark.anyio
async def test_numbers_in_several_units_are_told_where_the_statement_does_not_look_at_units(
    two_units: ChartTables, sql: str, of: str | None
) -> None:
    async with selecting(TWO_UNITS, two_units) as select:
        found = await select(sql)
    note = f"Values of {of} are in several units (2 mg/dL, 1 mmol/L): filter or group by unit."
    assert [said for said in found.notes if "several units" in said] == ([note] if of else [])


@pytest.mark.anyio
async def test_references_beyond_those_that_a_row_holds_are_told() -> None:
    many = ScriptedFhir([observation(str(n), "A") for n in range(230)])
    async with selecting(many) as select:
        found = await select("SELECT count(*) AS n, list(ref) AS refs FROM observation")
        few = await select("SELECT list(ref) AS refs FROM (SELECT ref FROM observation LIMIT 200)")
    assert (found.rows[0]["n"], len(found.rows[0]["refs"])) == (230, 200)
    assert found.notes == ["Of the references in a row the first 200 are kept; count(*) counts them all."]
    assert few.notes == []


@pytest.mark.anyio
async def test_an_empty_chart_is_nothing_recorded_even_for_a_count() -> None:
    async with selecting(ScriptedFhir()) as select:
        assert (await select("SELECT count(*) AS n FROM observation")).nothing_recorded
        assert (await select("SELECT max(value) AS n FROM observation")).nothing_recorded


@pytest.mark.anyio
async def test_a_type_that_the_server_lacks_is_an_empty_table_and_a_note() -> None:
    async with selecting(ScriptedFhir()) as select:
        found = await select("SELECT ref FROM goal")
    assert (found.rows, found.reading) == ([], ["This server holds no Goal."])
