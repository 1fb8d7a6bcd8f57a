"""docs/runbook.md: its commands are ours, its settings too, and its memory is what the arithmetic says."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from agent.cli import build_parser
from agent.config import Settings
from agent.models.local.fit import GIB, PUBLISHED, need

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ ehr-navigator (.+)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_is_one_of_ours(command: str) -> None:
    assert build_parser().parse_args(shlex.split(command)).run


def test_the_page_goes_through_every_command_for_models() -> None:
    told = {" ".join(command.split()[:2]) for command in COMMANDS}
    assert told >= {"models pull", "models list", "models check", "doctor"}


def test_its_settings_can_be_set() -> None:
    block = re.search(r"^```\n(model = .+?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert block
    assert Settings.model_validate(tomllib.loads(block[1])).model == "local:medgemma-27b-it"
    named = set(re.findall(r"`((?:local|image|thinking)_\w+)", PAGE))
    assert named >= {"local_context", "local_bits", "thinking_tokens"}
    assert named <= set(Settings.model_fields)


@pytest.mark.parametrize("name", ["google/medgemma-27b-it", "google/medgemma-1.5-4b-it"])
def test_the_memory_that_it_tells_is_what_a_model_takes_with_the_settings_as_they_are(name: str) -> None:
    total = need(PUBLISHED[name], 4, 32_768).total / GIB
    assert re.search(rf"`{re.escape(name)}`.*: {total:.1f} GiB", PAGE)


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert links
    assert all((ROOT / "docs" / link).is_file() for link in links)
