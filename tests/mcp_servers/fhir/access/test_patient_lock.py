"""A session bound to one patient gets nothing of another, whatever it asks and whatever the server does."""

from collections import Counter
from typing import Any

import anyio
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.shared.exceptions import MCPError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from mcp_servers.fhir.access.client import FhirClient
from mcp_servers.fhir.access.compartment import PatientLock
from mcp_servers.fhir.errors import FhirToolError
from mcp_servers.fhir.tools import CATALOGUE
from tests.mcp_servers.fhir.conftest import HandmadeCharts
from tests.mcp_servers.fhir.scripted import BASE, ScriptedFhir, a_call, bundle, http_to, observation
from tests.mcp_servers.fhir.sessions import data, session, text

Resource = dict[str, Any]
Ask = tuple[str, dict[str, Any]]

BOUND = "hard-amara-okafor"
EMBEDDED = "http://embedded/fhir"
CHARTS = HandmadeCharts().resources()
OTHERS = [r["id"] for r in CHARTS if r["resourceType"] == "Patient" and r["id"] != BOUND]
# The ids of the hand-made charts begin with their patient's, so that no rule of ours decides what is whose.
FOREIGN = [f"{r['resourceType']}/{r['id']}" for r in CHARTS if r["id"].startswith(tuple(OTHERS))]
NAMES = [n["family"] for r in CHARTS if r["id"] in OTHERS for n in r.get("name", []) if "family" in n]
TYPES = sorted({r["resourceType"] for r in CHARTS})
REFUSALS: tuple[str, ...] = ("[patient_locked] ", "[invalid_request] ")

foreign_refs = st.sampled_from(FOREIGN)
wordings = st.sampled_from(
    [
        "{}", "{}/_history/1", "{}?_format=json", " {}", "{}/", "/{}", "./{}", f"Patient/{BOUND}/../../{{}}",
        f"Patient/{BOUND}/{{}}", "http://embedded/fhir/{}", "http://elsewhere.example/fhir/{}", "{}#x",
        "{}\x00", "{}%20", "Observation/x,{}", f"{BOUND}|{{}}", "eq{}", "'{}'",
    ]
)  # fmt: skip


@st.composite
def worded(draw: st.DrawFn) -> str:
    """A reference to another patient's record, or a part of one, in an odd wording."""
    ref = draw(foreign_refs)
    part = draw(st.sampled_from([ref, ref.partition("/")[2], ref.replace("/", "%2F"), ref.lower()]))
    return draw(wordings).format(part)


reads = st.builds(lambda ref: ("fhir_read", {"reference": ref[:140]}), worded())
parameter_names = st.one_of(
    st.sampled_from(
        [
            "patient", "subject", "subject:Patient", "patient:identifier", "patient.name", "_id",
            "performer", "subject:Patient.family", "subject.identifier", "encounter", "encounter.patient",
            "context", "_has:Patient:link", "_has:Observation:patient:code", "_has:Observation:subject:_id",
            "_revinclude", "_revinclude:iterate", "_include", "_include:iterate", "_filter", "_query",
            "_list", "_content", "_text", "_contained", "_type", "_elements", "_summary", "_format",
            "_count", "_sort", "_getpages", "code", "code:not", "patient:not", "patient:missing",
            "status:not", "identifier", "name", "family", "link", "general-practitioner", "PATIENT",
            "patient%00", "patient&subject", "%70atient", "", "-", "based-on", "part-of",
        ]
    ),
    st.text(max_size=20),
)  # fmt: skip
parameter_values = st.one_of(
    worded(),
    st.sampled_from(NAMES),
    st.sampled_from(
        ["*", "Observation:subject", "Observation:performer", "Encounter:patient", "Patient:link", "true",
         "ne1", "Provenance:target", "Observation:patient", "patient eq " + OTHERS[0], f"{BOUND},{OTHERS[0]}"]
    ),
    st.text(max_size=20),
)  # fmt: skip
parameters = st.lists(
    st.builds(lambda name, value: {"name": name, "value": value}, parameter_names, parameter_values),
    max_size=3,
)
searches = st.builds(
    lambda kind, asked: ("fhir_search", {"resource_type": kind, "parameters": asked, "limit": 100}),
    st.one_of(
        st.sampled_from([*TYPES, "Group", "Person", "*", "$everything", "metadata", f"Patient/{OTHERS[0]}"]),
        foreign_refs,
    ),
    parameters,
)
dates = st.sampled_from(["2019", "2024-05", "2026-08-17", "2027"])


def given_or_not(
    tool: str, needed: dict[str, Any], **given: st.SearchStrategy[Any]
) -> st.SearchStrategy[Ask]:
    """Calls of a tool with what it needs, and some of what may be given."""
    asked = st.fixed_dictionaries(
        {
            name: st.sampled_from(values) if isinstance(values, list) else values
            for name, values in needed.items()
        },
        optional=given,
    )
    return asked.map(lambda arguments: (tool, arguments))


lists = given_or_not(
    "list_records",
    {
        "kind": ["problems", "medications", "allergies", "encounters", "reports", "documents", "orders"],
        "status": ["all", "current"],
    },
    text=st.one_of(st.sampled_from(NAMES), worded()).map(lambda words: words[:200]),
    code=st.one_of(st.sampled_from(["E11", "44054006", "ICD-10-CM|I10", "LOINC 4548-4"]), worded()).map(
        lambda code: code[:200]
    ),
    since=dates,
    until=dates,
    at=dates,
)
measurements = given_or_not(
    "observations",
    {
        "name": st.one_of(
            st.sampled_from([*NAMES, "glucose", "blood pressure", "8480-6|" + OTHERS[0]]), worded()
        ),
        "mode": ["latest", "series", "statistics", "count"],
    },
    near=st.one_of(dates, foreign_refs, worded()).map(lambda near: near[:140]),
    since=dates,
    until=dates,
    unit=st.sampled_from(["mg/dL", "mmol/L", *NAMES]),
    above=st.floats(-10, 300),
)
resources = st.builds(
    lambda uri, value: ("resources/read", {"uri": uri.format(value)}),
    st.sampled_from(
        ["chart://overview", "chart://{}/overview", "chart://records/{}", "chart://observations/{}", "fhir://{}",
         "fhir://Patient/{}", f"fhir://{BOUND}/{{}}", f"fhir://Patient/{BOUND}/../{{}}"]
    ),
    st.one_of(worded(), st.sampled_from(["problems", "encounters", "glucose", *OTHERS])),
)  # fmt: skip
stolen_cursors = st.just(("fhir_search", {"resource_type": "Observation", "limit": 1, "cursor": "stolen"}))


async def a_cursor_of_another_session(app: Starlette | str) -> str:
    async with session(app, OTHERS[0], base=EMBEDDED) as client:
        found = data(await client.call_tool("fhir_search", {"resource_type": "Observation", "limit": 1}))
    return str(found["cursor"])


notes = st.builds(
    lambda words, ref: ("search_notes", {"text": words, "reference": ref}),
    st.one_of(st.sampled_from([*NAMES, "pain", "father", ""]), worded()).map(lambda words: words[:200]),
    st.one_of(st.none(), worded().map(lambda ref: ref[:140])),
)
statements = st.builds(
    lambda sql, table, other: ("query_chart", {"sql": sql.format(table=table, other=other)}),
    st.sampled_from(
        [
            "SELECT * FROM {table}", "SELECT * FROM {table} WHERE ref <> '{other}'", "DESCRIBE {table}",
            "SELECT count(*) AS n FROM {table}", "SELECT * FROM {table}; SELECT * FROM duckdb_settings()",
            "SELECT * FROM read_text('*')", "SELECT * FROM glob('**')", "ATTACH '{other}' AS o",
            "SELECT * FROM sqlite_scan('audit.sqlite', 'record')", "COPY {table} TO '{table}.csv'",
            "SELECT * FROM duckdb_tables()", "SELECT * FROM information_schema.tables", "SELEC", "",
        ]
    ),
    st.sampled_from(
        ["patient", "condition", "observation", "encounter", "medication_request", "practitioner", "nothing"]
    ),
    foreign_refs,
)  # fmt: skip
codes = st.builds(
    lambda words: ("lookup_code", {"text": words}),
    st.one_of(st.sampled_from([*NAMES, "glucose", "ACE inhibitor"]), worded()).map(lambda words: words[:200]),
)
# What takes long, or is not offered at all, is asked for now and then.
now_and_then: st.SearchStrategy[Ask] = st.sampled_from(
    [("chart_overview", {})] * 3
    + [(tool, {"text": name}) for tool in ("find_patient", "count_patients") for name in NAMES]
)
every_ask = st.one_of(
    reads, searches, lists, measurements, stolen_cursors, notes, statements, codes, resources, now_and_then
)

AT_ONCE = 20


async def answered(client: Client, tool: str, asked: dict[str, Any]) -> tuple[bool, str, str]:
    """Whether a call, or the reading of a resource, was answered; its rows, and its text."""
    if tool == "resources/read":
        try:
            contents = (await client.read_resource(asked["uri"])).contents
        except MCPError as error:
            return False, "", error.message
        return True, "", str(contents)
    result = await client.call_tool(tool, asked)
    return not result.is_error, "" if result.is_error else str(data(result)["rows"]), text(result)


async def ask_all(client: Client, asks: list[Ask], stolen: str, refusals: tuple[str, ...]) -> int:
    """Ask all of it, and look at each result for another patient; how many were answered."""
    n = 0
    for tool, asked in asks:
        sent = {**asked, "cursor": stolen} if "cursor" in asked else asked
        well, rows, told = await answered(client, tool, sent)
        assert well or told.startswith(refusals), (tool, asked, told)
        assert not [other for other in [*OTHERS, *NAMES] if other in rows], (tool, asked)
        # Notes and errors, and the text with them, repeat what was asked for.
        unasked = [other for other in [*OTHERS, *NAMES] if other not in str(asked)]
        assert not [other for other in unasked if other in told], (tool, asked)
        n += well
    return n


@pytest.fixture(scope="module")
def stolen(each_store: Starlette | str) -> str:
    return anyio.run(a_cursor_of_another_session, each_store)


@pytest.mark.parametrize("calls", [300, pytest.param(10_000, marks=pytest.mark.large)])
def test_none_of_thousands_of_generated_calls_brings_back_another_patient(
    calls: int, each_store: Starlette | str, stolen: str
) -> None:
    refusals = REFUSALS
    if isinstance(each_store, str):  # a real server takes longer, and fails of what it should refuse
        calls, refusals = min(calls, 1_000), (*REFUSALS, "[server_failed] ", "[not_found] ")
    made: Counter[str] = Counter()
    well = 0
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(session(each_store, BOUND, base=EMBEDDED)) as client,
    ):

        @settings(max_examples=calls // AT_ONCE, suppress_health_check=list(HealthCheck))
        @given(st.lists(every_ask, min_size=AT_ONCE, max_size=AT_ONCE))
        def ask(asks: list[Ask]) -> None:
            nonlocal well
            made.update(tool for tool, _ in asks)
            well += portal.call(ask_all, client, asks, stolen, refusals)

        ask()
    print(f"{made.total()} calls, {well} answered, none with another patient: {dict(made)}")
    assert made.total() >= calls
    assert well > calls // 20
    assert made.keys() <= {"resources/read", *(offer.work.__name__ for offer in CATALOGUE)}
    assert len(made) > len(CATALOGUE) or calls < 1_000


@pytest.mark.anyio
async def test_every_record_of_every_other_patient_is_refused_as_locked(each_store: Starlette | str) -> None:
    async with session(each_store, BOUND, base=EMBEDDED) as client:
        for ref in FOREIGN:
            result = await client.call_tool("fhir_read", {"reference": ref})
            assert text(result).startswith("[patient_locked] "), ref


@pytest.mark.anyio
async def test_the_bound_patients_own_records_can_all_be_read(each_store: Starlette | str) -> None:
    own = [f"{r['resourceType']}/{r['id']}" for r in CHARTS if r["id"].startswith(BOUND)]
    async with session(each_store, BOUND, base=EMBEDDED) as client:
        for ref in own:
            assert not (await client.call_tool("fhir_read", {"reference": ref})).is_error, ref
    assert len(own) > 40


SECRET = "Jane Roe"
OF_A = {"reference": "Patient/A"}
OF_B = {"reference": "Patient/B", "display": SECRET}
MIXED: list[Resource] = [
    observation("own", "A", performer=[{"reference": "Practitioner/seen"}]),
    observation("mention", "A", performer=[OF_B]),
    observation("contained", "A", contained=[{"resourceType": "Patient", "id": "p", "name": SECRET}]),
    observation("foreign", "B", note=[{"text": SECRET}]),
    observation("versioned", "B/_history/1", note=[{"text": SECRET}]),
    observation("nobodys", "A", subject=None, note=[{"text": SECRET}]),
    observation("elsewhere", "A", subject={"reference": "https://e/fhir/Patient/A"}, note=[{"text": SECRET}]),
    observation("performed", "B", performer=[OF_A], note=[{"text": SECRET}]),
    observation("listed", "A", subject=[OF_A, OF_B]),
    {"resourceType": "Patient", "id": "B", "name": [{"family": SECRET}]},
    {"resourceType": "Patient", "id": "A", "link": [{"other": OF_B}]},
    {"resourceType": "Practitioner", "id": "seen"},
    {"resourceType": "Practitioner", "id": "unseen", "name": [{"family": SECRET}]},
    {"resourceType": "Device", "id": "d", "patient": OF_B},
    {"resourceType": "Group", "id": "g", "member": [{"entity": OF_B}]},
]  # fmt: skip
mixes = st.lists(st.sampled_from(MIXED), max_size=4, unique_by=lambda resource: str(resource["id"]))


@settings(max_examples=150)
@given(mixes, mixes, mixes, mixes)
def test_a_server_that_mixes_patients_up_never_gets_another_one_through(
    matches: list[Resource], included: list[Resource], more: list[Resource], more_included: list[Resource]
) -> None:
    def answer(request: Request) -> Response:
        if "page" in request.query_params:
            return bundle(request, more, included=tuple(more_included))
        return bundle(request, matches, included=tuple(included), following=f"{BASE}/Observation?page=2")

    async def search() -> list[object]:
        """What comes through, errors too."""
        found: list[object] = []
        lock = PatientLock("Patient/A", BASE)
        async with http_to(ScriptedFhir(script={"Observation": answer})) as http:
            client = FhirClient(http)
            try:
                page = await client.search("Observation", [], lock, a_call(), count=5)
                found.append(page)
                assert page.next is not None
                found.append(await client.next_page(page.next, lock, a_call()))
            except FhirToolError as error:
                found.append(error)
        return found

    shown = str(anyio.run(search))
    assert SECRET not in shown
    assert "Patient/B" not in shown
