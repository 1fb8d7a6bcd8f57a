"""What takes long on a long chart is worked out in threads, so that the event loop goes on serving others."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from mcp_servers.fhir import charts
from mcp_servers.fhir.charts.medications import why_not_current
from mcp_servers.fhir.reading.thresholds import values_of
from mcp_servers.fhir.rendering import render
from mcp_servers.fhir.tools.cursors import after
from mcp_servers.fhir.tools.projection import bounded, elements_row
from tests.mcp_servers.fhir.counting import counting
from tests.mcp_servers.fhir.scripted import http_to
from tests.mcp_servers.fhir.sessions import data, session

LONGEST = "renae-homenick"
# Each takes 10 microseconds or more for a record.
SLOW = (
    charts.list_records,
    charts.later_than,
    charts.distinct,
    charts.observations,
    charts.measures_of,
    charts.meant,
    charts.not_understood,
    charts.newest_of_each,
    charts.codes_without_value,
    charts.glance,
    charts.brief,
    bounded,
    elements_row,
    why_not_current,
    values_of,
    render,
    after,
)
NAMES = {work.__code__: work.__name__ for work in SLOW}


@contextmanager
def called_in_this_thread() -> Iterator[set[CodeType]]:
    """What this thread calls in the block, the event loop's; threads of their own are not seen."""
    seen: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            seen.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_records", {"kind": "medications", "status": "all", "since": "1900"}),
        ("list_records", {"kind": "problems"}),
        ("list_records", {"kind": "encounters", "limit": 2}),
        ("observations", {"name": "heart rate", "mode": "series"}),
        ("observations", {"name": "hemoglobin a1c", "mode": "statistics"}),
        ("chart_overview", {}),
        ("search_notes", {"text": "patient"}),
        ("query_chart", {"sql": "SELECT ref, date, value FROM observation", "limit": 200}),
        ("lookup_code", {"text": "glucose"}),
        ("fhir_search", {"resource_type": "Observation", "limit": 100}),
        ("fhir_search", {"resource_type": "Encounter", "full": True}),
        ("fhir_search", {"resource_type": "Encounter", "elements": ["type", "period"]}),
        ("fhir_read", {"reference": f"Patient/{LONGEST}"}),
    ],
)
@pytest.mark.anyio
async def test_the_loop_works_out_no_long_list(
    samples: Starlette, tool: str, arguments: dict[str, Any]
) -> None:
    async with session(samples, LONGEST) as client:
        for _ in ("first", "again"):  # what is kept between calls is worked out, then brought up to date
            with called_in_this_thread() as seen:
                assert data(await client.call_tool(tool, arguments))["rows"]
            assert Client.call_tool.__code__ in seen
            assert sorted(NAMES[code] for code in NAMES.keys() & seen) == []


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("find_patient", {"text": "a"}),
        ("count_patients", {"measurement": "glucose", "above": 90}),
        ("count_patients", {"condition": "diabetes", "medication": "statins"}),
    ],
)
@pytest.mark.anyio
async def test_the_loop_works_out_no_long_list_of_all_patients(
    samples: Starlette, tool: str, arguments: dict[str, Any]
) -> None:
    async with http_to(samples, "http://x/fhir") as http, counting(http, 0) as client:
        with called_in_this_thread() as seen:
            assert data(await client.call_tool(tool, arguments))["rows"]
        assert sorted(NAMES[code] for code in NAMES.keys() & seen) == []


@pytest.mark.anyio
async def test_the_loop_does_not_look_for_what_a_name_could_have_meant(samples: Starlette) -> None:
    async with session(samples, LONGEST) as client:
        with called_in_this_thread() as seen:
            found = await client.call_tool("observations", {"name": "xylophone", "mode": "series"})
        assert found.is_error or not data(found)["rows"]
        assert sorted(NAMES[code] for code in NAMES.keys() & seen) == []
