"""A call and its trail, without a server around them."""

import pytest

from mcp_servers.fhir.envelope import ResultEnvelope
from mcp_servers.fhir.recording import Call
from mcp_servers.fhir.surface.recorded import Asked, recorded
from mcp_servers.fhir.tools import Answer
from tests.mcp_servers.fhir.scripted import ScriptedRecorder
from tests.mcp_servers.fhir.sessions import text


@pytest.mark.anyio
async def test_a_result_that_cannot_be_written_down_completes_its_call_as_failed() -> None:
    odd = ResultEnvelope(
        finding="recorded", rows=[{"refs": 5}], total=1, returned=1, truncated=False, as_of="2026"
    )

    async def work(_: Call) -> Answer:
        return Answer(odd, "odd", ["Patient/A"])

    recorder = ScriptedRecorder()
    result = await recorded(recorder, Asked("fhir_search", {}, "Patient/A", None), work)
    assert text(result).startswith("[server_failed] ")
    assert recorder.calls[0].completion is not None
    assert recorder.calls[0].completion["outcome"] == "failed"
