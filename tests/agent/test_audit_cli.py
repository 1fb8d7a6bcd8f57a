"""The audit commands as a privacy officer meets them, over the sample charts."""

import json
import re
from pathlib import Path

import pytest

from agent.cli import main

AMARA = "hard-amara-okafor"


@pytest.fixture(autouse=True)
def home(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EHR_NAVIGATOR_DATA_DIR", str(data_dir))
    monkeypatch.delenv("EHR_NAVIGATOR_CONFIG", raising=False)
    return data_dir


@pytest.fixture
def session(home: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """A session with one question, by its id."""
    assert main(["ask", "Any allergies?", "--patient", AMARA, "--json"]) == 0
    return str(json.loads(capsys.readouterr().out)["audit"]["session"])


@pytest.mark.usefixtures("session")
def test_after_a_rotation_the_journal_is_written_and_verified_with_both_keys(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "rotate-key"]) == 0
    assert len((home / "audit.key").read_text().split()) == 2
    assert main(["ask", "Any allergies?", "--patient", AMARA]) == 0
    assert main(["audit", "verify"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"signed with [0-9a-f]{64} from now on", out)


@pytest.mark.usefixtures("session")
def test_a_key_from_a_variable_is_rotated_where_it_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    monkeypatch.setenv("EHR_NAVIGATOR_AUDIT_KEY", (home / "audit.key").read_text())
    assert main(["audit", "rotate-key"]) == 2
    assert "audit_key" in capsys.readouterr().err


@pytest.mark.usefixtures("session")
def test_what_was_said_lately_is_not_erased(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "erase", "--before", "2999-01"]) == 2
    assert "6 months at least" in capsys.readouterr().err
    assert main(["audit", "erase", "--before", "2001-01"]) == 0
    assert "Nothing is left before 2001-01" in capsys.readouterr().out
