"""The command line as a person meets it, over the sample charts; scripted models say that they are."""

import getpass
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.cli import main
from agent.messages import Answer
from mcp_servers.audit.chain import trail

AMARA = "hard-amara-okafor"
HBA1C = "Observation/hard-amara-okafor-hba1c-2026-09"


@pytest.fixture(autouse=True)
def home(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EHR_NAVIGATOR_DATA_DIR", str(data_dir))
    monkeypatch.delenv("EHR_NAVIGATOR_CONFIG", raising=False)
    return data_dir


def ask_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["ask", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def script(folder: Path, *steps: dict[str, Any]) -> str:
    path = folder / "script.json"
    path.write_text(json.dumps(steps))
    return f"scripted:{path}"


def test_a_question_gets_a_cited_answer_and_its_trail(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    assert main(["ask", "What was the last HbA1c?", "--patient", AMARA]) == 0
    out, err = capsys.readouterr()
    assert "7.1" in out
    assert HBA1C in out
    assert "Planned by: offline" in out
    assert str(home / "audit.sqlite") in out
    assert "Preliminary" in out
    assert "Amara Okafor" in err
    assert "observations(" in err


def test_json_prints_exactly_one_answer_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = ask_json(capsys, "What was the last HbA1c?", "--patient", f"Patient/{AMARA}")
    answer = Answer.model_validate(printed)
    assert code == 0
    assert answer.status == "answered"
    assert [citation.ref for citation in answer.citations] == [HBA1C]
    assert answer.audit.events == 2
    assert not answer.grounding.unsupported


def test_a_patient_is_found_by_words_when_they_fit_one(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = ask_json(capsys, "How old is she?", "--find-patient", "okafor", "--now", "2026-03-13")
    assert code == 0
    assert "57" in printed["answer"]


def test_an_ambiguous_name_lists_the_candidates_and_picks_none(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = ask_json(capsys, "How old is he?", "--find-patient", "John Smith")
    assert code == 3
    assert printed["status"] == "refused"
    assert "1950-07-02" in printed["answer"]
    assert "1987-11-23" in printed["answer"]


@pytest.mark.parametrize("flags", [("--patient", "nobody"), ("--find-patient", "Zebulon Quux")])
def test_an_unknown_patient_fails_and_says_so(
    capsys: pytest.CaptureFixture[str], flags: tuple[str, str]
) -> None:
    code, printed = ask_json(capsys, "How old is he?", *flags)
    assert code == 1
    assert printed["status"] == "failed"
    assert "nobody" in printed["answer"] or "Quux" in printed["answer"]


def test_without_a_patient_no_chart_is_opened(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = ask_json(capsys, "What was the last HbA1c?")
    assert code == 3
    assert "--patient" in printed["answer"]
    assert printed["tool_calls"] == []


def test_a_question_out_of_reach_is_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = ask_json(capsys, "Should I increase her metformin?", "--patient", AMARA)
    assert (code, printed["status"], printed["hops"]) == (3, "refused", 0)
    assert "advice on treatment" in printed["answer"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask", "", "--patient", AMARA], "empty"),
        (["ask", "x" * 100_000, "--patient", AMARA], "100,000 characters"),
        (["ask", "Any allergies?\udcff", "--patient", AMARA], "no UTF-8"),
        (["ask", "How old?", "--find-patient", " "], "whom to find"),
        (["ask"], "--questions"),
        (["ask", "How old?", "--patient", "../etc"], "no patient reference"),
        (["ask", "How old?", "--patient", AMARA, "--model", "gpt"], "no model 'gpt'"),
        (["ask", "How old?", "--patient", AMARA, "--now", "someday"], "now (from flag)"),
        (["ask", "How old?", "--patient", AMARA, "--purpose", "CURIOSITY"], "purpose (from flag)"),
        (["ask", "--questions", "none.jsonl"], "cannot be read"),
        (["chat"], "--patient"),
        (["audit", "list"], "no audit journal yet"),
    ],
)
def test_what_cannot_be_used_exits_2_and_says_what_to_do(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


def test_a_file_of_questions_gives_an_answer_a_line_with_its_id(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [
        {"id": "a", "patient": AMARA, "question": "What was the last HbA1c?"},
        {"id": "b", "patient": "nobody", "question": "What was the last HbA1c?"},
        {"id": "c", "patient": AMARA, "question": ""},
        {"id": "d", "patient": AMARA, "question": "How old is she?", "now": "2000-03-15"},
        {"id": "e", "patient": AMARA, "question": "How old is she?", "now": "tomorrow-ish"},
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, asked)) + "\n\n")
    assert main(["ask", "--questions", str(path), "--concurrency", "3"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    given = {line.pop("id"): Answer.model_validate(line) for line in lines}
    assert {key: answer.status for key, answer in given.items()} == {
        "a": "answered", "b": "failed", "c": "failed", "d": "answered", "e": "failed",
    }  # fmt: skip
    assert "32" in given["d"].answer
    assert len({answer.audit.session for answer in given.values()}) == 5


def test_a_reader_of_a_file_of_answers_may_go_away(tmp_path: Path, home: Path) -> None:
    asked = [{"id": str(number), "patient": AMARA, "question": "How old is she?"} for number in range(8)]
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(map(json.dumps, asked)))
    command = [sys.executable, "-m", "agent.cli", "ask", "--questions", str(path), "--concurrency", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline()
        run.stdout.close()
        assert run.wait(timeout=60) == 1


def test_the_day_that_is_asked_on_counts(capsys: pytest.CaptureFixture[str]) -> None:
    _, printed = ask_json(capsys, "What was the last HbA1c?", "--patient", AMARA, "--now", "2026-09-14")
    assert [citation["ref"] for citation in printed["citations"]] == [HBA1C]


@pytest.mark.parametrize("damage", ["garbage", "x" * 5000])
def test_a_damaged_embedded_store_is_named_with_its_remedy(
    damage: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "charts.sqlite").unlink()
    (home / "charts.sqlite").write_text(damage)
    assert main(["ask", "How old is she?", "--patient", AMARA]) == 1
    assert "remove the file" in capsys.readouterr().err


def test_a_broken_line_of_questions_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text('{"id": "a", "patient": "x", "question": "How old?"}\n{"id": 7}\n')
    assert main(["ask", "--questions", str(path)]) == 2
    assert "line 2" in capsys.readouterr().err


def test_every_call_of_a_run_is_on_the_trail_and_in_the_store(capsys: pytest.CaptureFixture[str]) -> None:
    _, printed = ask_json(capsys, "Any allergies?", "--patient", AMARA)
    assert main(["audit", "show", "--json", printed["audit"]["session"]]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {act["outcome"] for act in told} == {"ok"}
    acts = [act["act"] for act in told]
    assert acts.count("tool_call") == printed["audit"]["events"]
    assert acts.count("question") == 1
    assert acts.count("model_step") == len(printed["route"])
    assert main(["audit", "verify", "--delivered"]) == 0
    shown = 1  # that the session was shown is on the trail too
    assert f"{printed['audit']['events'] + shown} AuditEvents compared" in capsys.readouterr().out


def test_who_asked_and_what_for_is_on_the_trail(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--patient", AMARA, "--user", "dr.grey", "--purpose", "hresch"]
    _, printed = ask_json(capsys, "Any allergies?", *asked)
    _, other = ask_json(capsys, "Any allergies?", "--patient", AMARA)

    def named(session: str) -> set[tuple[str, ...]]:
        bodies = [one.body for one in trail.records(home / "audit.sqlite", session) if one.kind == "intent"]
        return {(body["user"], body["purpose_of_use"], body["known_by"]) for body in bodies}

    assert named(printed["audit"]["session"]) == {("dr.grey", "HRESCH", "setting")}
    assert named(other["audit"]["session"]) == {(getpass.getuser(), "TREAT", "system_account")}


def test_one_changed_byte_of_the_journal_is_found_and_named(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask_json(capsys, "Any allergies?", "--patient", AMARA)
    journal = home / "audit.sqlite"
    raw = journal.read_bytes()
    place = raw.rindex(b'"tool":"list_records"')
    journal.write_bytes(raw[: place + 8] + b"m" + raw[place + 9 :])
    assert main(["audit", "verify"]) == 1
    assert "ALTERED: record" in capsys.readouterr().out


def test_a_journal_that_is_damaged_lets_no_call_happen(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "audit.sqlite").write_text("this is no database, but long enough to be looked at as one" * 20)
    assert main(["ask", "How old is she?", "--patient", AMARA]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "journal" in err
    assert "damaged" in err


def test_what_is_kept_is_private_to_the_user_and_holds_no_word_of_the_question_in_plain_text(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, printed = ask_json(capsys, "How old is she?", "--patient", AMARA)
    kept = [path for path in home.rglob("*") if path.is_file() and path.name != "charts.sqlite"]
    for path in kept:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"How old is she" not in path.read_bytes()
        assert printed["answer"].encode() not in path.read_bytes()


def test_a_server_that_is_not_there_fails_with_its_address(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = ask_json(capsys, "How old?", "--patient", "x", "--fhir", "http://127.0.0.1:9/fhir")
    assert (code, printed["status"]) == (1, "failed")
    assert "127.0.0.1:9" in printed["answer"]


def test_a_model_endpoint_outside_the_building_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["ask", "How old?", "--patient", AMARA, "--model", "openai", "--openai-url"]
    assert main([*arguments, "https://models.example.com/v1"]) == 3
    assert "clinic_hosts" in capsys.readouterr().err


def test_a_model_endpoint_that_is_down_fails_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = ask_json(
        capsys, "How old?", "--patient", AMARA, "--model", "openai:m", "--openai-url", "http://127.0.0.1:9/v1"
    )
    assert (code, printed["status"]) == (1, "failed")
    assert "127.0.0.1:9" in printed["answer"]


def test_an_answer_without_evidence_needs_review(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    invented = {"text": "Her HbA1c was 6.2 % on 2025-01-01.", "citations": [], "status": "answered"}
    model = script(tmp_path, {"thought": "", "actions": [{"tool": "answer", "arguments": invented}]})
    assert main(["ask", "What was the last HbA1c?", "--patient", AMARA, "--model", model]) == 3
    out = capsys.readouterr().out
    assert "Needs review" in out
    assert "⟨unverified: 6.2" in out


def test_control_characters_of_a_chart_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"text": "Nothing.\x1b[2J\x1b]0;owned\x07", "citations": [], "status": "not_in_chart"}
    model = script(tmp_path, {"thought": "", "actions": [{"tool": "answer", "arguments": said}]})
    main(["ask", "What?", "--patient", AMARA, "--model", model])
    assert "\x1b" not in capsys.readouterr().out


def test_config_says_where_each_setting_came_from_and_hides_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_KEY", "FHIR_TOKEN", "FHIR_PASSWORD", "MCP_TOKEN", "AUDIT_KEY"):
        monkeypatch.setenv(f"EHR_NAVIGATOR_{name}", "s3cret")
    assert main(["config", "--fhir", "http://127.0.0.1:8080/fhir"]) == 0
    out = capsys.readouterr().out
    assert "s3cret" not in out
    assert next(line for line in out.splitlines() if line.startswith("fhir ")).endswith("flag")
    assert "$EHR_NAVIGATOR_DATA_DIR" in out


def test_fixtures_list_names_the_sample_patients(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fixtures", "list"]) == 0
    assert AMARA in capsys.readouterr().out


@pytest.mark.parametrize("command", [["--help"], ["config"], ["audit", "--help"], ["fixtures", "list"]])
def test_quick_commands_import_neither_mcp_nor_http(command: list[str]) -> None:
    heavy = "sys.exit(str({'mcp', 'httpx', 'starlette', 'jsonschema'} & sys.modules.keys() or ''))"
    code = (
        "import sys, atexit\nfrom agent.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n"
        f"    pass\n{heavy}"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_output_that_cannot_be_written_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "agent.cli", "config"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert b"output is incomplete" in done.stderr
    assert b"Traceback" not in done.stderr
