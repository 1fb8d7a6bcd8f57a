"""The offline planner before, and beside, a model over the sample charts; models are scripted stand-ins."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.cli import main

AMARA = "hard-amara-okafor"
HBA1C = "Observation/hard-amara-okafor-hba1c-2026-09"
OLDER = "Observation/hard-amara-okafor-hba1c-2025-11"
LOOK_UP = {"actions": [{"tool": "observations", "arguments": {"name": "hba1c", "mode": "series"}}]}


def _answers(text: str, ref: str) -> dict[str, Any]:
    arguments = {"text": f"{text} [{ref}].", "citations": [ref], "status": "answered"}
    return {"actions": [{"tool": "answer", "arguments": arguments}]}


RIGHT = _answers("HbA1c was 7.1 % on 2026-09-14", HBA1C)
STALE = _answers("HbA1c was 7.4 % on 2025-11-04", OLDER)


@pytest.fixture(autouse=True)
def home(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EHR_NAVIGATOR_DATA_DIR", str(data_dir))
    monkeypatch.delenv("EHR_NAVIGATOR_CONFIG", raising=False)


def _asked(
    capsys: pytest.CaptureFixture[str], folder: Path, question: str, steps: list[Any], *flags: str
) -> dict[str, Any]:
    path = folder / "script.json"
    path.write_text(json.dumps(steps))
    main(["ask", question, "--patient", AMARA, "--model", f"scripted:{path}", "--json", *flags])
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def test_the_rules_answer_first_only_where_that_is_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    alone = _asked(capsys, tmp_path, "What was the last HbA1c?", [LOOK_UP, RIGHT])
    assert (alone["model"]["name"], alone["second_opinion"]) == ("scripted", None)
    first = _asked(capsys, tmp_path, "What was the last HbA1c?", [], "--offline-first")
    assert (first["model"]["name"], first["status"]) == ("offline", "answered")
    assert {entry["target"] for entry in first["route"]} == {"offline"}


def test_what_the_rules_refuse_the_model_answers_and_the_route_says_why(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = _asked(capsys, tmp_path, "Fasting HbA1c?", [LOOK_UP, RIGHT], "--offline-first")
    assert (given["model"]["name"], given["status"]) == ("scripted", "answered")
    assert "handed over by the rules: I could not read 'fasting'" in given["route"][-1]["reason"]


def test_a_second_opinion_that_agrees_is_shown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    given = _asked(capsys, tmp_path, "What was the last HbA1c?", [LOOK_UP, RIGHT], "--second-opinion")
    assert given["model"]["name"] == "scripted"
    assert given["second_opinion"]["model"]["name"] == "offline"
    assert given["second_opinion"]["agrees"] is True
    assert given["audit"]["events"] == 3


def test_a_disagreement_is_shown_in_json_and_on_the_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = _asked(capsys, tmp_path, "What was the last HbA1c?", [LOOK_UP, STALE], "--second-opinion")
    second = given["second_opinion"]
    assert second["agrees"] is False
    assert f"records {OLDER} against {HBA1C}" in second["differences"]
    assert "7.4" in given["answer"]
    assert "7.1" in second["answer"]
    main(["ask", "What was the last HbA1c?", "--patient", AMARA, "--second-opinion", "--model",
          f"scripted:{tmp_path / 'script.json'}"])  # fmt: skip
    out = capsys.readouterr().out
    assert "SECOND OPINION DIFFERS (offline) in records" in out
    assert "It answers: Latest Hemoglobin A1c" in out


def test_a_question_beyond_the_rules_has_no_second_opinion_and_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = _asked(capsys, tmp_path, "Fasting HbA1c?", [LOOK_UP, RIGHT], "--second-opinion")
    assert given["status"] == "answered"
    assert given["second_opinion"]["agrees"] is None
    assert given["second_opinion"]["status"] == "refused"
