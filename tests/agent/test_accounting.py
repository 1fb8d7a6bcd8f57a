"""The accounting of disclosures: what it lists, and that nothing of the trail becomes markup or a formula."""

import csv
from html.parser import HTMLParser
from typing import Any

from agent.accounting import COLUMNS, as_csv, as_page, entries

from .test_replay import act, tool_call

HOSTILE = '<script>alert("x")</script>&=cmd'


def page(found: list[dict[str, str]], **more: str) -> str:
    told = {"patient": "Patient/p1", "period": "all", "made": "today", "by": "privacy", **more}
    return as_page(found, **told)


def escalation(seq: int, **more: Any) -> dict[str, Any]:
    told = {"recipient": "https://models.example", "bytes": 812, "left_the_building": True}
    return act(seq, "escalation", **{**told, **more})


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_disclosures_and_accesses_come_in_order_of_time() -> None:
    late = tool_call(1, at="2026-11-23T09:00:00.000Z")  # the clock went back after it
    found = entries([late, escalation(3), act(5, "question"), act(7, "model_step")])
    assert [(one["kind"], one["what"]) for one in found] == [
        ("disclosure", "escalation: 812 bytes"),
        ("access", "observations: 1 Observation"),
    ]
    assert found[0]["received_by"] == "https://models.example"
    assert found[0]["purpose"] == "TREAT treatment"
    assert (found[0]["left_the_building"], found[1]["left_the_building"]) == ("yes", "no")


def test_a_disclosure_tells_which_classes_of_data_left_and_in_which_form() -> None:
    classes = ["question", "records"]
    bare, whole = entries(
        [
            escalation(1, data_classes=classes, policy="deidentified"),
            escalation(3, data_classes=classes, policy="agreement"),
        ]
    )
    assert bare["what"] == "escalation: question and records: without what identifies: 812 bytes"
    assert whole["what"] == "escalation: question and records: 812 bytes"


def test_what_a_program_of_others_did_with_records_is_told_as_not_known() -> None:
    (found,) = entries([tool_call(1, own_client=False)])
    assert found["left_the_building"] == "not known: read by a program of others"


def test_an_act_that_read_nothing_says_so_with_its_outcome() -> None:
    (found,) = entries([tool_call(1, refs=[], outcome="refused")])
    assert (found["what"], found["outcome"]) == ("observations: no record", "refused")


def test_the_table_holds_every_column_and_no_formula() -> None:
    rows = list(csv.DictReader(as_csv(entries([tool_call(1, user="=cmd|' /C calc'!A0")]))))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["person"] == "'=cmd|' /C calc'!A0"


def test_the_page_stands_alone_and_nothing_of_the_trail_becomes_markup() -> None:
    hostile = {"user": HOSTILE, "tool": HOSTILE, "session": HOSTILE, "purpose_of_use": HOSTILE}
    acts = [tool_call(1, refs=[f"{HOSTILE}/1"], **hostile), escalation(3, recipient=HOSTILE, **hostile)]
    text = page(entries(acts), patient=HOSTILE, by=HOSTILE, period="$made ${patient}")
    tags = Tags()
    tags.feed(text)
    assert not {"script", "img", "link", "iframe", "a"} & set(tags.seen)
    assert "<script" not in text
    assert "src=" not in text
    assert "$made ${patient}" in tags.text
    assert tags.text.count(HOSTILE) >= 10


def test_a_patient_of_whom_nothing_is_on_record_gets_a_page_that_says_so() -> None:
    text = page([])
    assert "Nothing left the building." in text
    assert "No access is on record." in text
