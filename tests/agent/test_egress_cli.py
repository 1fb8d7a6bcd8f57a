"""The commands `egress` and `cost` as a privacy officer meets them, over acts that the recorder wrote."""

import hashlib
import json
import re
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.audit_access import open_journal, recorder_of
from agent.cli import main
from agent.config import load
from agent.fhir_access import EMBEDDED

from .egress.ledger_acts import HOSTED, LOCAL
from .test_audit_cli import AMARA, acts_of, printed

PAYLOAD = json.dumps(
    {"model": "claude-opus-5-5", "messages": [{"role": "user", "content": "Has [[PERSON_1]] ..."}]}
)
LEFT: dict[str, Any] = {
    "recipient": "https://models.example/v1/messages",
    "host": "models.example",
    "model": HOSTED,
    "meta": {"model": HOSTED, "target": "escalation"},
    "policy": "deidentified",
    "agreement": "BAA-2026-7",
    "retention": "30 days",
    "region": "us",
    "workflow": "ask",
    "data_classes": ["question", "records"],
    "fields": {"PERSON": 2, "DATE": 5},
    "payload_sha256": hashlib.sha256(PAYLOAD.encode()).hexdigest(),
    "bytes": len(PAYLOAD),
    "consent": "dr.grey",
}
USED = {"tokens_in": 6000, "tokens_out": 400, "cost": 0.032, "replied": True}
SAID = {"payload": PAYLOAD, "mapping": {"[[PERSON_1]]": "Amara Okafor"}}


@pytest.fixture(autouse=True)
def home(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EHR_NAVIGATOR_DATA_DIR", str(data_dir))
    monkeypatch.delenv("EHR_NAVIGATOR_CONFIG", raising=False)
    return data_dir


@pytest.fixture
def left(home: Path) -> str:
    """A question that went to a hosted model after a step here, and once might not; the escalation's id."""
    settings, _ = load({"data_dir": home, "user": "dr.grey"}, {})
    with closing(open_journal(settings)) as journal:
        recorder = recorder_of(settings, journal, "session-1", EMBEDDED)
        patient = f"Patient/{AMARA}"
        asked = recorder.act("question", patient=patient, said={"question": "Has Amara Okafor ...?"})
        step = recorder.act("model_step", patient=patient, facts={"model": LOCAL, "target": "local"})
        step.complete("ok", facts={"prompt": 5000, "completion": 200, "cached": 3000, "cost": 0.0})
        around = recorder.act("model_step", patient=patient, facts={"model": HOSTED, "target": "escalation"})
        sent = recorder.act("escalation", patient=patient, facts=LEFT, said=SAID)
        sent.complete("ok", facts=USED)
        around.complete("ok", facts={"prompt": 6000, "completion": 400, "cached": 0, "cost": 0.032})
        asked.complete("ok", facts={"model": HOSTED, "status": "answered"})
        refused = recorder.act("escalation", patient=patient, facts=LEFT, said=SAID)
        refused.complete("refused", error="NotPermitted")
    return sent.id


def lines(capsys: pytest.CaptureFixture[str], *command: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed(capsys, *command, "--json").splitlines()]


def test_what_left_is_listed_a_line_each_and_what_was_refused_is_not(
    left: str, capsys: pytest.CaptureFixture[str]
) -> None:
    heading, line = printed(capsys, "egress", "list").splitlines()
    assert heading.split()[:5] == ["when", "(UTC)", "who", "workflow", "host"]
    for told in (
        "dr.grey", "ask", "models.example", "de-identified", "BAA-2026-7", "question, records", " 7 ",
        "6,000", "400", "$0.0320", left,
    ):  # fmt: skip
        assert told in line
    (whole,) = lines(capsys, "egress", "list")
    assert (whole["cost"], whole["fields"]) == ("0.032", {"PERSON": 2, "DATE": 5})


@pytest.mark.usefixtures("left")
def test_what_left_is_found_by_time_and_session(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(lines(capsys, "egress", "list", "--session", "session-1", "--since", "2026-01-01")) == 1
    for none in (["--session", "session-2"], ["--until", "2020-01-01"], ["--since", "2999-01-01"]):
        assert "Nothing that left the building is on record." in printed(capsys, "egress", "list", *none)


def test_one_of_them_is_shown_with_the_payload_that_was_sent(
    left: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, "egress", "show", left)
    for told in (
        f"Patient/{AMARA}", "https://models.example/v1/messages (claude-opus-5-5)", "de-identified",
        "30 days",
        "5 DATE, 2 PERSON", "TREAT", LEFT["payload_sha256"], "Has [[PERSON_1]] ...",
    ):  # fmt: skip
        assert told in text
    assert "Amara Okafor" not in text
    assert "NOT THAT OF THE PAYLOAD" not in text
    (whole,) = lines(capsys, "egress", "show", left)
    assert whole["payload"] == PAYLOAD
    assert "mapping" not in whole


def test_what_stand_ins_mean_is_shown_on_demand_and_recorded_as_a_re_identification(
    left: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed(capsys, "egress", "show", left)
    assert acts_of(home, "re_identification") == []
    text = printed(capsys, "egress", "show", left, "--mapping", "--user", "privacy")
    assert "[[PERSON_1]]  Amara Okafor" in text
    (act,) = acts_of(home, "re_identification")
    assert (act["escalation"], act["restored"], act["user"]) == (left, 1, "privacy")
    assert (act["patient"], act["done"]["outcome"]) == (f"Patient/{AMARA}", "ok")


def test_reading_the_ledger_is_on_the_trail_with_whom_it_was_about(
    left: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["list"], ["map"], ["show", left]):
        printed(capsys, "egress", *command, "--user", "privacy")
    printed(capsys, "cost")
    read = acts_of(home, "audit_read")
    assert [act["tool"] for act in read] == ["egress list", "egress map", "egress show", "cost"]
    assert {act["done"]["about"][0] for act in read} == {f"Patient/{AMARA}"}
    assert {act["purpose_of_use"] for act in read} == {"HCOMPL"}


def test_without_the_key_the_ledger_is_shown_sealed_on_demand(
    left: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "audit.key").unlink()
    for command in (["egress", "list"], ["egress", "show", left], ["cost"]):
        assert main(command) == 1
        assert "--sealed" in capsys.readouterr().err
    assert left in printed(capsys, "egress", "list", "--sealed")
    text = printed(capsys, "egress", "show", left, "--sealed", "--mapping")
    assert "(sealed)" in text
    assert "PERSON_1" not in text


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize("wanted", ["no-such", "", "../x"])
def test_an_id_that_nothing_left_under_is_said_to_be_none(
    wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["egress", "show", wanted]) == 2
    assert "`ehr-navigator egress list`" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["egress", "list"], ["egress", "map"], ["cost"]])
def test_a_day_that_is_none_is_refused(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*command, "--since", "2026-02-30"])
    assert "is no date or time" in capsys.readouterr().err


def test_before_the_first_question_the_map_is_of_the_configuration_alone(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = printed(capsys, "egress", "map")
    assert told == "Nothing may leave the building, and nothing that left is on record.\n"
    assert not (home / "audit.sqlite").exists()
    for command in (["egress", "list"], ["cost"]):
        assert main(command) == 2
        assert "begins with the first question" in capsys.readouterr().err


@pytest.mark.usefixtures("left")
def test_what_left_though_it_may_not_now_is_marked_on_the_map(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "SENT, AND MAY NOT NOW" in printed(capsys, "egress", "map")
    monkeypatch.setenv("EHR_NAVIGATOR_HOSTED_MODEL", "anthropic:claude-opus-5-5")
    monkeypatch.setenv("EHR_NAVIGATOR_HOSTED_URL", "https://models.example")
    monkeypatch.setenv("EHR_NAVIGATOR_HOSTED_AGREEMENT", "BAA-2026-7")
    monkeypatch.setenv("EHR_NAVIGATOR_ESCALATION_WORKFLOWS", "ask=deidentified")
    told = printed(capsys, "egress", "map")
    assert "SENT, AND MAY NOT NOW" not in told
    assert told.startswith("3 ways out are open, 2 were used")
    rows = lines(capsys, "egress", "map")
    assert [(row["way"]["data"], row["sent"]) for row in rows] == [
        ("question", 1),
        ("records", 1),
        ("notes", 0),
    ]


@pytest.mark.usefixtures("left")
def test_the_map_is_drawn_into_a_private_file_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "map.html"
    printed(capsys, "egress", "map", str(to))
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    assert "<svg" in to.read_text()
    for wrong, told in ((to, "There is a file"), (tmp_path / "map.png", ".html")):
        assert main(["egress", "map", str(wrong)]) == 2
        assert told in capsys.readouterr().err


@pytest.mark.usefixtures("left")
def test_the_cost_is_told_by_model_and_beside_it_what_hosted_ones_would_have_charged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = printed(capsys, "cost")
    for told in ("medgemma-27b-it", "$0.0000", "claude-opus-5-5", "$0.0320", "gpt-6.2-sol", "counts them"):
        assert told in text
    rows = lines(capsys, "cost")
    spent = {row["model"]: row for row in rows if row["kind"] == "spent"}
    assert (spent["medgemma-27b-it"]["tokens_in"], spent["claude-opus-5-5"]["paid"]) == (5000, "0.032")
    opus = next(row for row in rows if row["kind"] == "elsewhere" and row["model"] == "claude-opus-5-5")
    # 11,000 tokens in at 4 dollars a million, 600 out at 20; at 0.20 those 3,000 that were cached.
    assert (float(opus["uncached"]), float(opus["cached"])) == (0.056, 0.0446)


def test_a_model_without_a_price_is_said_to_have_none_and_never_to_be_free(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, _ = load({"data_dir": home}, {})
    with closing(open_journal(settings)) as journal:
        recorder = recorder_of(settings, journal, "session-1", EMBEDDED)
        asked = recorder.act("question", patient=None)
        sent = recorder.act("escalation", patient=None, facts={**LEFT, "model": {"name": "frontier-1"}})
        sent.complete("ok", facts={**USED, "cost": None})
        asked.complete("ok")
    row = printed(capsys, "cost").splitlines()[1]
    assert re.search(r"frontier-1 .* not known +not known$", row)
    assert "$" not in row
    assert "not known" in printed(capsys, "egress", "list")


@pytest.mark.usefixtures("left")
def test_the_cost_is_told_question_by_question(capsys: pytest.CaptureFixture[str]) -> None:
    rows = lines(capsys, "cost", "--by", "question")
    assert len({row["period"] for row in rows}) == 1
    assert rows[0]["questions"] == 1
    assert "No question is on record" in printed(capsys, "cost", "--until", "2020-01-01")


def test_questions_that_rules_answered_are_left_out_of_what_others_would_charge(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printed(capsys, "ask", "Any allergies?", "--patient", AMARA)
    text = printed(capsys, "cost")
    assert "Left out are 1 questions of which no tokens were counted" in text
    assert "claude" not in text


@pytest.mark.usefixtures("left")
def test_a_clinic_s_own_prices_stand_in_place_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(
        '[[price]]\nmodel = "ours"\nvendor = "V"\ninput = 1\noutput = 2\nseen = 2026-01-01\n'
        'source = "contract 7"\nuntil = 2026-01-01\n'
    )
    monkeypatch.setenv("EHR_NAVIGATOR_PRICES_FILE", str(own))
    (row,) = (row for row in lines(capsys, "cost") if row["kind"] == "elsewhere")
    assert (row["model"], row["uncached"]) == ("ours", None)
    assert "not known" in printed(capsys, "cost")
    own.write_text("{")
    assert main(["cost"]) == 2
    assert "cannot be read as TOML" in capsys.readouterr().err
