"""docs/privacy.md: its commands are ours, its settings too, and what it shows has the columns of today."""

import re
import shlex
from pathlib import Path

import pytest

from agent import egress_cli, phi_map
from agent.cli import build_parser
from agent.config import Settings

PAGE = (Path(__file__).parents[2] / "docs/privacy.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ ehr-navigator (.+)$", PAGE, re.MULTILINE)


def test_the_page_shows_every_command() -> None:
    assert {" ".join(command.split()[:2]) for command in COMMANDS} >= {
        "egress list",
        "egress show",
        "egress map",
    }
    assert any(command.startswith("cost") for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_is_one_of_ours(command: str) -> None:
    assert build_parser().parse_args(shlex.split(command)).run


def test_a_setting_of_the_page_is_one_of_ours() -> None:
    rows = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", PAGE, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    assert "escalation_consent" in named
    assert named - {"deidentified", "agreement"} <= set(Settings.model_fields)


@pytest.mark.parametrize(
    "columns", [egress_cli.COLUMNS, egress_cli.SPENDING, egress_cli.ESTIMATES, phi_map.COLUMNS]
)
def test_what_is_shown_has_the_columns_of_today(columns: tuple[str, ...]) -> None:
    heading = r" +".join(map(re.escape, columns))
    assert re.search(rf"^ *{heading}$", PAGE, re.MULTILINE)
