"""The audit commands as a privacy officer meets them, over the sample charts."""

import json
import re
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import PasswordSetError

from agent import audit_reading
from agent.audit_access import open_journal, recorder_of
from agent.cli import main
from agent.config import load
from agent.fhir_access import EMBEDDED
from agent.replay import WIDTH
from mcp_servers.audit.chain import trail
from mcp_servers.audit.chain.keys import new_secret

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
    assert main(["audit", "rotate-key", "--user", "it.crowd"]) == 0
    *_, brought = (one for one in trail.records(home / "audit.sqlite") if one.kind == "key")
    assert brought.body["by"] == "it.crowd"
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
    assert "put the new one" in capsys.readouterr().err
    monkeypatch.setenv("EHR_NAVIGATOR_AUDIT_KEY", f"{(home / 'audit.key').read_text()} {new_secret()}")
    assert main(["audit", "verify"]) == 1
    assert "audit rotate-key` then finishes it" in capsys.readouterr().out
    assert main(["audit", "rotate-key"]) == 0
    assert main(["audit", "verify"]) == 0


class FullKeyring(KeyringBackend):
    """A system's keyring that holds the key of a journal, and takes no other."""

    priority = 0.1  # never chosen unasked

    secret = ""

    def get_password(self, service: str, username: str) -> str:
        return self.secret

    def set_password(self, service: str, username: str, password: str) -> None:
        raise PasswordSetError


@pytest.mark.usefixtures("session")
def test_a_new_key_that_cannot_be_kept_is_not_used(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EHR_NAVIGATOR_AUDIT_KEY_STORE", "keyring")
    before = keyring.get_keyring()
    full = FullKeyring()  # type: ignore[no-untyped-call]
    full.secret = (home / "audit.key").read_text()
    keyring.set_keyring(full)
    try:
        assert main(["audit", "rotate-key"]) == 1
        assert "cannot be kept (PasswordSetError)" in capsys.readouterr().err
        assert main(["audit", "verify"]) == 0
    finally:
        keyring.set_keyring(before)


@pytest.mark.usefixtures("session")
def test_what_was_said_lately_is_not_erased(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "erase", "--before", "2999-01"]) == 2
    assert "6 months at least" in capsys.readouterr().err
    assert main(["audit", "erase", "--before", "2001-01"]) == 0
    assert "Nothing was erased before 2001-01" in capsys.readouterr().out


def printed(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """What a command prints that succeeds."""
    assert main(list(command)) == 0
    return capsys.readouterr().out


def acts_of(home: Path, act: str) -> list[dict[str, Any]]:
    """The intents of an act, each with its completion."""
    records = list(trail.records(home / "audit.sqlite"))
    done = {record.body["call"]: record.body for record in records if record.kind == "completion"}
    return [
        {**record.body, "done": done.get(record.id)}
        for record in records
        if record.kind == "intent" and record.body["act"] == act
    ]


def test_sessions_are_listed_with_who_why_whom_and_what_came_of_it(
    session: str, capsys: pytest.CaptureFixture[str]
) -> None:
    heading, line, *_ = printed(capsys, "audit", "list").splitlines()
    assert heading.split() == [
        "when", "(UTC)", "session", "who", "purpose", "patient", "what", "model", "outcome", "left",
    ]  # fmt: skip
    for told in (session, "TREAT", f"Patient/{AMARA}", "1 question", "1 fhir_read", "offline@", " ok", "no"):
        assert told in line


def test_sessions_are_found_by_what_is_known_of_them(
    session: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def found(*filters: str) -> list[str]:
        lines = printed(capsys, "audit", "list", "--json", *filters).splitlines()
        return [json.loads(line)["session"] for line in lines]

    assert session in found("--patient", AMARA, "--model", "offline", "--since", "2026-01-01")
    assert session in found("--act", "question", "--outcome", "ok", "--session", session)
    for none in (["--patient", "nobody"], ["--person", "nobody"], ["--until", "2020-01-01"]):
        assert session not in found(*none)


def test_reading_the_trail_is_on_the_trail_before_and_after(
    session: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed(capsys, "audit", "list", "--patient", AMARA, "--user", "privacy", "--purpose", "HLEGAL")
    printed(capsys, "audit", "show", session, "--user", "privacy")
    listed, shown = acts_of(home, "audit_read")
    assert (listed["tool"], listed["user"], listed["purpose_of_use"]) == ("audit list", "privacy", "HLEGAL")
    assert shown["purpose_of_use"] == "HCOMPL"
    assert (listed["patient"], listed["done"]["outcome"], listed["done"]["rows"]) == (
        f"Patient/{AMARA}",
        "ok",
        1,
    )
    assert listed["done"]["about"] == [f"Patient/{AMARA}"]
    assert (shown["tool"], shown["done"]["about"]) == ("audit show", [f"Patient/{AMARA}"])
    assert len(printed(capsys, "audit", "list", "--json", "--act", "audit_read").splitlines()) == 2


@pytest.mark.usefixtures("session")
def test_proving_the_trail_and_looking_at_its_delivery_only_read(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = [record.hash for record in trail.records(home / "audit.sqlite")]
    assert "Every AuditEvent arrived." in printed(capsys, "audit", "list", "--undelivered")
    printed(capsys, "audit", "verify")
    assert [record.hash for record in trail.records(home / "audit.sqlite")] == before


@pytest.mark.usefixtures("session")
def test_the_trail_can_be_asked_though_its_events_do_not_arrive(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EHR_NAVIGATOR_FHIR", "http://127.0.0.1:9/fhir")
    monkeypatch.setenv("EHR_NAVIGATOR_AUDIT_MAX_PENDING", "1")
    for _ in range(3):
        printed(capsys, "audit", "list")
    told = printed(capsys, "audit", "list", "--undelivered")
    assert "http://127.0.0.1:9/fhir: 3 AuditEvents wait" in told


def test_a_session_is_replayed_from_the_question_to_its_answer(
    session: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, "audit", "show", session)
    for told in (
        "Question: Any allergies?", "Step 1: offline", "list_records(", "GET http", "delivered",
        "Answer, answered", "claims held against the records", "Nothing of it was sent out",
    ):  # fmt: skip
        assert told in text
    assert max(map(len, text.splitlines())) <= WIDTH
    acts = [json.loads(line) for line in printed(capsys, "audit", "show", session, "--json").splitlines()]
    assert acts[0]["said"]["requests"]
    assert {act["session"] for act in acts} == {session}


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize(
    ("filters", "told"),
    [
        (["--act", "peek"], "there are tool_call,"),
        (["--patient", "../x"], "no patient reference"),
        (["--patient", ""], "An empty --patient"),
        (["--model", ""], "An empty --model"),
        (["--since", "2026-11-02", "--until", "2026-11-01"], "--until must come after --since"),
    ],
)
def test_what_cannot_be_asked_for_is_told_before_anything_is_read(
    filters: list[str], told: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "list", *filters]) == 2
    assert told in capsys.readouterr().err
    assert acts_of(home, "audit_read") == []


@pytest.mark.usefixtures("session")
def test_a_session_that_is_not_on_record_is_named_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "show", "no-such"]) == 2
    assert "no session 'no-such'" in capsys.readouterr().err


@pytest.mark.usefixtures("session")
def test_what_is_left_empty_by_a_script_is_not_taken_for_all(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["show", ""], ["disclosures", str(tmp_path / "d.csv"), "--patient", ""]):
        assert main(["audit", *command]) == 2
        assert "An empty --" in capsys.readouterr().err
    assert acts_of(home, "audit_read") == acts_of(home, "export") == []
    assert not (tmp_path / "d.csv").exists()


@pytest.mark.usefixtures("session")
def test_an_export_is_private_proves_itself_and_is_on_the_trail(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "out.jsonl"
    told = printed(capsys, "audit", "export", str(to), "--patient", AMARA)
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    (act,) = acts_of(home, "export")
    assert act["done"]["sha256"] in told
    assert act["done"]["records"] == len(to.read_text().splitlines()) - 2
    key = re.search(r"signed with ([0-9a-f]{64})", printed(capsys, "audit", "verify"))
    assert key
    (home / "audit.key").unlink()
    assert main(["audit", "verify", "--export", str(to)]) == 2
    assert "--public-key" in capsys.readouterr().err
    printed(capsys, "audit", "verify", "--export", str(to), "--public-key", key[1])
    to.write_bytes(to.read_bytes().replace(b"Any allergies?", b"Any allergens?"))
    assert main(["audit", "verify", "--export", str(to), "--public-key", key[1]]) == 1
    assert f"ALTERED: line 4 of {to}" in capsys.readouterr().out


@pytest.mark.usefixtures("session")
def test_a_sealed_export_holds_nothing_of_what_was_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("out.jsonl", "out.csv"):
        printed(capsys, "audit", "export", str(tmp_path / name), "--sealed")
        assert "allergies" not in (tmp_path / name).read_text()
    printed(capsys, "audit", "export", str(tmp_path / "open.csv"))
    assert "Any allergies?" in (tmp_path / "open.csv").read_text()


@pytest.mark.parametrize("name", ["there.csv", "out.xlsx", "missing/out.csv"])
@pytest.mark.usefixtures("session")
def test_a_file_that_cannot_be_written_is_named_and_nothing_is_left_of_it(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there.csv").write_text("kept")
    assert main(["audit", "export", str(tmp_path / name)]) != 0
    assert name in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir() if "csv" in path.name] == ["there.csv"]
    assert (tmp_path / "there.csv").read_text() == "kept"


@pytest.mark.usefixtures("session")
def test_an_accounting_of_disclosures_is_a_page_or_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("out.html", "out.csv"):
        told = printed(capsys, "audit", "disclosures", str(tmp_path / name), "--patient", AMARA)
        assert "0 of them disclosures" in told
        assert "fhir_read: 1 Patient" in (tmp_path / name).read_text()


def test_where_the_journal_cannot_be_written_nothing_of_it_is_read(
    session: str, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "audit.sqlite.head").unlink()
    for command in (
        ["list"],
        ["show", session],
        ["show", session, "--sealed"],
        ["export", str(tmp_path / "x.csv")],
    ):
        assert main(["audit", *command]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert "head" in err
    assert not (tmp_path / "x.csv").exists()


def test_without_its_key_the_plain_facts_are_shown_only_when_asked_for(
    session: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "audit.key").unlink()
    assert main(["audit", "show", session]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "--sealed" in err
    text = printed(capsys, "audit", "show", session, "--sealed")
    assert "list_records(...)" in text
    assert "(sealed)" in text
    assert "allergies?" not in text
    assert acts_of(home, "audit_read") == []


@pytest.mark.usefixtures("session")
def test_a_journal_is_verified_with_its_public_key_alone_and_a_missing_key_is_told(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = printed(capsys, "audit", "verify")
    assert "every act that was begun is completed" in text
    key = re.search(r"signed with ([0-9a-f]{64})", text)
    assert key
    (home / "audit.key").unlink()
    assert main(["audit", "verify"]) == 1
    assert "NOT VERIFIED whose it is" in capsys.readouterr().out
    told = printed(capsys, "audit", "verify", "--public-key", key[1])
    assert "whole and unaltered" in told
    assert "not checked, for want of the secret key" in told
    assert main(["audit", "verify", "--public-key", key[1], "--delivered"]) == 1
    assert "audit.key is missing" in capsys.readouterr().err
    assert main(["audit", "verify", "--public-key", "0" * 64]) == 1
    assert "another key" in capsys.readouterr().out


@pytest.fixture
def escalated(session: str, home: Path) -> str:
    """The session, in which a part of the chart then went to a hosted model."""
    settings, _ = load({"data_dir": home, "user": "dr.grey"}, {})
    with closing(open_journal(settings)) as journal:
        facts = {"recipient": "https://models.example/v1", "agreement": "BAA-7", "bytes": 812}
        recorder_of(settings, journal, session, EMBEDDED).act(
            "escalation", patient=f"Patient/{AMARA}", facts=facts, said={"payload": "what was sent"}
        ).complete("ok", patients=[f"Patient/{AMARA}"])
    return session


def test_what_left_the_building_stands_out_wherever_the_trail_is_asked(
    escalated: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = printed(capsys, "audit", "list").splitlines()[1]
    assert line.endswith("YES")
    text = printed(capsys, "audit", "show", escalated)
    assert "ESCALATION: ok" in text
    assert "payload: what was sent" in text
    assert "LEFT THE BUILDING:" in text
    page = tmp_path / "page.html"
    told = printed(capsys, "audit", "disclosures", str(page), "--patient", AMARA)
    assert ", 1 of them disclosures," in told
    disclosures, _ = page.read_text().split("<h2>Every access</h2>")
    assert "https://models.example/v1" in disclosures
    assert "what was sent" not in page.read_text()


def test_a_reader_who_goes_away_is_on_the_trail_with_what_they_were_shown(session: str, home: Path) -> None:
    settings, _ = load({"data_dir": home}, {})
    acts = audit_reading.show(settings, session, sealed=False)
    next(acts)
    acts.close()
    (read,) = acts_of(home, "audit_read")
    assert (read["done"]["outcome"], read["done"]["rows"], read["done"]["cut_short"]) == ("ok", 1, True)


def test_a_call_under_way_and_one_that_its_program_left_are_told_as_what_they_are(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, _ = load({"data_dir": home}, {})
    with closing(open_journal(settings)) as journal:
        recorder_of(settings, journal, "s1", EMBEDDED).begin("observations", {"name": "HbA1c"}, "Patient/p1")
        under_way = printed(capsys, "audit", "show", "s1")
        listed = printed(capsys, "audit", "list", "--outcome", "open")
    assert "observations(name=HbA1c): open" in under_way
    assert "(not completed: it is under way" in under_way
    assert "an MCP client of others" in under_way
    assert "s1" in listed
    left = printed(capsys, "audit", "show", "s1")
    assert "observations(name=HbA1c): unknown" in left
    assert "(a gap: the program ended before this did" in left
    assert "s1" in printed(capsys, "audit", "list", "--outcome", "unknown")
