"""`ehr-navigator mcp fhir --stdio`, driven by the SDK's own client as any MCP host would."""

import os
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

AMARA = "hard-amara-okafor"


def command(data_dir: Path, *flags: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "agent.cli", "mcp", "fhir", "--stdio", *flags],
        env={**os.environ, "EHR_NAVIGATOR_DATA_DIR": str(data_dir)},
    )


@pytest.mark.anyio
async def test_a_bound_server_answers_about_its_patient_alone(data_dir: Path) -> None:
    async with Client(command(data_dir, "--patient", AMARA)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert "find_patient" not in tools
        assert all("patient" not in tool.input_schema["properties"] for tool in tools.values())
        found = await client.call_tool("observations", {"name": "HbA1c"})
        assert found.structured_content is not None
        assert found.structured_content["rows"][0]["value"] == 7.1
        foreign = await client.call_tool("fhir_read", {"reference": "Patient/hard-henrik-olsen"})
        assert foreign.is_error
        assert "patient_locked" in str(foreign.content)


@pytest.mark.anyio
async def test_an_unbound_server_finds_a_patient_first(data_dir: Path) -> None:
    async with Client(command(data_dir)) as client:
        found = await client.call_tool("find_patient", {"text": "Okafor"})
        assert found.structured_content is not None
        [row] = found.structured_content["rows"]
        seen = await client.call_tool("observations", {"patient": row["ref"], "name": "HbA1c"})
        assert seen.structured_content is not None
        assert seen.structured_content["returned"] == 1


@pytest.mark.anyio
async def test_a_privacy_officer_asks_the_trail_who_saw_a_patient(data_dir: Path) -> None:
    async with Client(command(data_dir, "--patient", AMARA, "--user", "dr.grey")) as client:
        await client.call_tool("observations", {"name": "HbA1c"})
    officer = StdioServerParameters(
        command=sys.executable,
        args=["-m", "agent.cli", "mcp", "audit", "--stdio", "--user", "po.fields", "--purpose", "HOPERAT"],
        env={**os.environ, "EHR_NAVIGATOR_DATA_DIR": str(data_dir)},
    )
    async with Client(officer) as client:
        found = await client.call_tool("patient_accesses", {"patient": f"Patient/{AMARA}"})
        assert found.structured_content is not None
        assert "dr.grey" in {row["person"] for row in found.structured_content["rows"]}
        again = await client.call_tool("find_sessions", {"person": "po.fields"})
        assert again.structured_content is not None
        (own,) = again.structured_content["rows"]
        assert own["did"] == {"patient_accesses": 1}
