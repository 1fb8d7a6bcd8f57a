"""Whole sessions over the sample charts; a stand-in for the hosted model keeps each byte that it gets."""

import json
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from agent.cli import main
from tests.agent.hosted_standin import LOOK_UP, Standin, answer, look_up_and_tell

AMARA = "hard-amara-okafor"
HBA1C = f"Observation/{AMARA}-hba1c-2026-09"
QUESTION = "What was the last HbA1c of Amara Okafor?"
RIGHT = f"HbA1c was 7.1 % on 2026-09-14 [{HBA1C}]."


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin() as made:
        yield made


class Clinic:
    """The command line, with a configuration that has the stand-in as its hosted model."""

    def __init__(
        self, data_dir: Path, folder: Path, standin: Standin, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.data_dir = data_dir
        self.config = folder / "config.toml"
        self.script = folder / "script.json"
        self.standin = standin
        self.capsys = capsys

    def allow(self, form: str, kind: str = "openai", **more: str) -> None:
        """Write the configuration."""
        told = {
            "data_dir": str(self.data_dir),
            "now": "2026-11-01",
            "escalation": form,
            "hosted_model": f"{kind}:frontier-1",
            "hosted_url": self.standin.url,
            "hosted_key": "the-key",
            "hosted_agreement": "BAA-7",
            **more,
        }
        self.config.write_text("\n".join(f"{name} = {json.dumps(value)}" for name, value in told.items()))

    def ask(self, *flags: str, question: str = QUESTION, steps: list[Any] | None = None) -> dict[str, Any]:
        """The Answer object. The model here is the offline planner, or a script."""
        if steps is not None:
            self.script.write_text(json.dumps(steps))
            flags = (*flags, "--model", f"scripted:{self.script}")
        main(["ask", question, "--patient", AMARA, "--json", "--config", str(self.config), *flags])
        printed: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return printed

    def run(self, *command: str) -> str:
        """What a command prints."""
        main([*command, "--config", str(self.config)])
        return self.capsys.readouterr().out


@pytest.fixture
def clinic(data_dir: Path, tmp_path: Path, standin: Standin, capsys: pytest.CaptureFixture[str]) -> Clinic:
    return Clinic(data_dir, tmp_path, standin, capsys)


def look_up(name: str) -> dict[str, Any]:
    return {"actions": [{"tool": "observations", "arguments": {"name": name}}]}


def read(reference: str) -> dict[str, Any]:
    return {"thought": "", "actions": [{"tool": "fhir_read", "arguments": {"reference": reference}}]}


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_a_session_of_many_hops_goes_to_the_hosted_model_and_comes_home_whole(
    clinic: Clinic, kind: str
) -> None:
    clinic.allow("deidentified", kind)
    hops = [look_up(name) for name in ("potassium", "sodium", "creatinine", "weight", "glucose", "ldl")]
    given = clinic.ask(steps=hops)
    assert (given["status"], given["answer"]) == ("answered", RIGHT)
    assert [entry["target"] for entry in given["route"]] == ["local"] * 6 + ["escalation"] * 2
    assert given["route"][-1]["reason"].startswith("more than 5 tool hops; policy for ask is deidentified")
    assert given["model"]["name"] == "frontier-1"
    assert given["grounding"]["unsupported"] == []
    for identifying in ("Amara", "Okafor", AMARA, "2026-09-14", "1968"):
        assert identifying not in clinic.standin.seen
    listed = [json.loads(line) for line in clinic.run("egress", "list", "--json").splitlines()]
    assert [one["policy"] for one in listed] == ["deidentified"] * 2
    assert {one["workflow"] for one in listed} == {"ask"}
    shown = clinic.run("audit", "show", given["audit"]["session"])
    assert "LEFT THE BUILDING" in shown
    assert "127.0.0.1" in clinic.run("egress", "map")
    assert "frontier-1" in clinic.run("cost")


def test_under_an_agreement_it_leaves_as_it_is(clinic: Clinic) -> None:
    clinic.allow("agreement")
    given = clinic.ask("--hosted")
    assert given["answer"] == RIGHT
    assert "Okafor" in clinic.standin.seen


def test_under_never_not_a_byte_leaves_whatever_is_asked_for(clinic: Clinic) -> None:
    clinic.allow("never")
    given = clinic.ask("--hosted", question="What was her last HbA1c?")
    assert given["status"] == "answered"
    assert "policy for ask is never: nothing leaves" in given["answer"]
    assert clinic.standin.seen == ""


def test_a_workflow_may_have_a_form_of_its_own(clinic: Clinic) -> None:
    clinic.allow("never", escalation_workflows="ask=deidentified")
    assert clinic.ask("--hosted")["answer"] == RIGHT


def test_a_class_of_data_that_must_stay_keeps_the_session_home_once_it_holds_some(clinic: Clinic) -> None:
    clinic.allow("deidentified", escalation_classes="records=never")
    given = clinic.ask("--hosted", question="What was her last HbA1c?")
    assert given["route"][-1]["target"] == "local"
    assert "policy for records is never" in given["route"][-1]["reason"]
    assert len(clinic.standin.bodies) == 1


def test_consent_that_nobody_gives_keeps_it_home(clinic: Clinic) -> None:
    clinic.allow("deidentified")
    clinic.config.write_text(clinic.config.read_text() + "\nescalation_consent = true\n")
    given = clinic.ask("--hosted", question="What was her last HbA1c?")
    assert "did not consent" in given["answer"]
    assert clinic.standin.seen == ""


def test_the_next_question_is_asked_here_again(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    clinic.allow("deidentified")
    lines = iter(["!What was her last HbA1c?\n", "Any allergies?\n", "\n"])
    monkeypatch.setattr(sys.stdin, "readline", lambda: next(lines))
    main(["chat", "--patient", AMARA, "--config", str(clinic.config)])
    assert len(clinic.standin.bodies) == 2
    assert "7.1 % on 2026-09-14" in clinic.capsys.readouterr().out


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize("status", [401, 404, 429, 500, 529])
def test_a_hosted_model_that_fails_loses_no_session(clinic: Clinic, kind: str, status: int) -> None:
    clinic.allow("deidentified", kind)
    clinic.standin.status = status
    given = clinic.ask("--hosted", question="What was her last HbA1c?")
    assert given["status"] == "answered"
    assert "7.1" in given["answer"]
    assert "A hosted model would have taken over" in given["answer"]


def test_one_that_cannot_be_reached_loses_none_either(clinic: Clinic) -> None:
    clinic.allow("deidentified", hosted_url="http://127.0.0.1:9/v1")
    given = clinic.ask("--hosted", question="What was her last HbA1c?")
    assert (given["status"], given["model"]["name"]) == ("answered", "offline")
    assert "A hosted model would have taken over" in given["answer"]


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (answer("[[PERSON_99]] is well.", "Observation/r1"), "never"),
        (answer("HbA1c was 7.1 % [Observation/r999].", "Observation/r999"), "never"),
        (read("Patient/r77"), ""),
        (
            {
                "thought": "",
                "actions": [{"tool": "fhir_read", "arguments": {"reference": "Patient/lee-watson"}}],
            },
            "",
        ),
        ({"thought": "x" * 4000, "actions": []}, "no valid step"),
    ],
)
def test_a_reply_with_what_was_never_sent_is_refused_and_the_answer_from_here_stands(
    clinic: Clinic, step: dict[str, Any], why: str
) -> None:
    clinic.allow("deidentified")
    clinic.standin.steps = lambda _: step
    given = clinic.ask("--hosted", question="What was her last HbA1c?")
    assert (given["status"], given["model"]["name"]) == ("answered", "offline")
    assert why in given["answer"]
    assert "Patient/lee-watson" not in json.dumps(given["tool_calls"])


def test_what_the_hosted_model_looks_up_by_date_is_looked_up_on_the_real_day(clinic: Clinic) -> None:
    clinic.allow("deidentified")
    asked: list[str] = []

    def steps(conversation: str) -> dict[str, Any]:
        asked.append(conversation)
        if "Result of observations" not in conversation:
            return LOOK_UP
        if conversation.count("Result of") == 1:
            day = json.loads(json.dumps(look_up_and_tell(conversation)))
            on = day["actions"][0]["arguments"]["text"].split(" on ")[1][:10]
            arguments = {"name": "hba1c", "mode": "series", "since": on, "until": on}
            return {"thought": "", "actions": [{"tool": "observations", "arguments": arguments}]}
        return look_up_and_tell(conversation)

    clinic.standin.steps = steps
    given = clinic.ask("--hosted", question="What was her last HbA1c?")
    assert given["tool_calls"][1]["arguments"]["since"] == "2026-09-14"
    assert given["answer"] == RIGHT


def test_the_present_does_not_tell_by_how_much_dates_were_moved(clinic: Clinic) -> None:
    clinic.allow("deidentified")
    clinic.ask("--hosted", question="What was her last HbA1c?")
    said = clinic.standin.bodies[-1].decode()
    present = date.fromisoformat(re.findall(r"Now: (\d{4}-\d\d-\d\d)", said)[0])
    sampled = date.fromisoformat(re.findall(r"\| (\d{4}-\d\d-\d\d)T", said)[0])
    really = date(2026, 11, 1) - date(2026, 9, 14)
    assert 7 <= ((present - sampled) - really).days <= 42


def test_nothing_else_in_the_process_opens_a_connection_to_the_hosted_host(clinic: Clinic) -> None:
    """The interpreter tells of each connection: there are no more than the ledger has lines."""
    clinic.allow("deidentified")
    connected: list[tuple[str, int]] = []
    watching = [True]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if watching[0] and event == "socket.connect" and isinstance(arguments[1], tuple):
            connected.append(arguments[1][:2])

    sys.addaudithook(hook)
    given = clinic.ask("--hosted", question="What was her last HbA1c?")
    clinic.ask(question="Any allergies?")
    watching[0] = False
    port = int(clinic.standin.url.rpartition(":")[2].removesuffix("/v1"))
    assert given["model"]["name"] == "frontier-1"
    assert set(connected) == {("127.0.0.1", port)}
    assert len(connected) <= len(clinic.run("egress", "list", "--json").splitlines()) == 2


def test_the_key_is_in_no_record_and_no_message(clinic: Clinic) -> None:
    clinic.allow("deidentified")
    given = clinic.ask("--hosted")
    told = json.dumps(given) + clinic.run("audit", "show", given["audit"]["session"]) + clinic.run("config")
    assert "the-key" not in told
    assert "Bearer the-key" in clinic.standin.seen
    assert b"the-key" not in b"".join(
        path.read_bytes() for path in clinic.data_dir.glob("audit*") if path.is_file()
    )
