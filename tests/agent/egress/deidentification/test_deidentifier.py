import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.egress.deidentification import Deidentifier, Identifiers
from agent.egress.deidentification.deidentifier import days_of
from agent.errors import NotPermitted
from agent.messages import (
    Action,
    NoticeMessage,
    QuestionMessage,
    ResultsMessage,
    Step,
    StepMessage,
    SystemMessage,
    ToolResult,
)
from tests.agent.egress.deidentification.charts import (
    CHART,
    NOW,
    PATIENT,
    SECRET,
    asked,
    rendered,
    result,
    said,
    session,
    system,
    told,
)


def answer(text: str, *citations: str) -> Step:
    arguments = {"text": text, "citations": list(citations), "status": "answered"}
    return Step(thought="", actions=(Action(tool="answer", arguments=arguments),))


def call(**arguments: Any) -> Step:
    return Step(thought="look", actions=(Action(tool="observations", arguments=arguments),))


def test_a_patients_names_become_one_person_in_every_form_and_come_back_as_they_were_written() -> None:
    by = session()
    text = (
        "Amara Okafor, née Eze, called Maro. Mrs. OKAFOR's husband says the Okafors left. A. Okafor signed."
    )
    out = said(text, by)
    assert not re.search("okafor|amara|eze|maro", out, re.IGNORECASE)
    assert "[[PERSON_1]]" in out
    assert "[[PERSON_2]]" not in out.replace("[[PERSON_1", "")
    assert by.step(answer(out)).actions[0].arguments["text"] == text


def test_records_keep_their_type_and_lose_their_id() -> None:
    by = session()
    out = told({"ref": "Observation/okafor-17", "name": "Potassium", "value": 4.1}, by=by)
    assert out.refs == ["Observation/r2"]
    assert "Observation/r2" in out.text
    back = by.step(answer("4.1 [Observation/r2]", "Observation/r2"))
    assert back.actions[0].arguments["citations"] == ["Observation/okafor-17"]
    assert back.actions[0].arguments["text"] == "4.1 [Observation/okafor-17]"


def test_the_text_is_rendered_from_what_is_left() -> None:
    out = told(
        {"ref": "Condition/1", "name": "Gout", "recorder": "Dr. Tunde Adeyemi", "secret": "x"}, by=session()
    )
    assert out.data is not None
    assert out.text == rendered(out.data)
    assert "secret" not in out.text
    assert "Adeyemi" not in out.text


def test_fields_that_are_not_listed_do_not_leave_and_are_counted() -> None:
    by = session()
    out = told(
        {"ref": "Patient/amara-okafor", "section": "patient", "identifier": "MRN-7734021", "age": 57}, by=by
    )
    assert out.data is not None
    assert out.data["rows"] == [{"ref": "Patient/r1", "section": "patient", "age": 57}]
    assert by.counts["FIELD"] == 1


def test_of_a_whole_record_listed_elements_alone_leave() -> None:
    out = told({"ref": PATIENT, "resource": CHART[0]}, by=session(), tool="fhir_read")
    assert out.data is not None
    kept = out.data["rows"][0]["resource"]
    assert kept.keys() == {"resourceType", "birthDate", "gender", "address"}
    assert kept["address"] == [{"state": "MA", "postalCode": "021XX", "country": "US"}]


def test_narrative_attachments_and_unknown_extensions_do_not_leave() -> None:
    record = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "text": {"status": "generated", "div": "<div>Amara Okafor</div>"},
        "extension": [{"url": "http://example.org/x", "valueString": "something"}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "18748-4", "display": "Imaging study"}]},
        "presentedForm": [{"contentType": "application/pdf", "data": "AAAA"}],
        "conclusion": "No fracture.",
        "performer": [{"reference": "Practitioner/dr-adeyemi", "display": "Tunde Adeyemi"}],
    }
    out = told({"ref": "DiagnosticReport/r", "resource": record}, by=session(), tool="fhir_read")
    assert out.data is not None
    kept = out.data["rows"][0]["resource"]
    assert kept.keys() == {"resourceType", "code", "conclusion", "performer"}
    assert kept["code"]["coding"][0]["system"] == "http://loinc.org"
    assert kept["performer"] == [{"reference": "Practitioner/r3", "display": "[[PERSON_1]]"}]


def test_what_a_statement_makes_of_a_chart_does_not_leave() -> None:
    out = told({"ref": "Patient/amara-okafor", "name": "ramA"}, by=session(), tool="query_chart")
    assert out.data is None
    assert out.text.startswith("[withheld]")


def test_a_result_of_another_shape_does_not_leave() -> None:
    odd = ToolResult(tool="list_records", arguments={}, text="x", data={"rows": ["Amara"]})
    with pytest.raises(NotPermitted):
        session().messages([system(), ResultsMessage(results=(odd,))])


@pytest.mark.parametrize("blob", ["data:image/png;base64,iVBORw0KGgo", "iVBORw0KGgo" * 60, "1." * 2000])
def test_a_picture_in_a_text_does_not_leave(blob: str) -> None:
    with pytest.raises(NotPermitted, match="picture"):
        session().messages(asked(f"What does this show? {blob}"))


def test_errors_notices_steps_and_arguments_are_de_identified_too() -> None:
    step = Step(
        thought="Okafor's notes", actions=(Action(tool="search_notes", arguments={"text": "Tunde Adeyemi"}),)
    )
    failed = ToolResult(
        tool="fhir_read",
        arguments={"reference": "Observation/okafor-1"},
        text="[not_found] There is no Observation/okafor-1 of Amara Okafor.",
        error="not_found",
    )
    out = session().messages(
        [
            system(),
            StepMessage(step=step),
            ResultsMessage(results=(failed,)),
            NoticeMessage(text="Amara Okafor is in no row."),
        ]
    )
    everything = " ".join(message.model_dump_json() for message in out)
    assert not re.search("okafor|amara|adeyemi", everything, re.IGNORECASE)


def test_the_system_message_loses_the_patient_and_the_day_but_not_its_examples() -> None:
    out = session().messages([system(f"Such as 2024-05-03.\nPatient: {PATIENT}\nNow: {NOW}")])[0]
    assert isinstance(out, SystemMessage)
    assert "2024-05-03" in out.text
    assert "2026-03-01" not in out.text + out.now
    assert out.patient == "Patient/r1"
    assert out.now[10:] == NOW[10:]
    assert out.now in out.text


def test_a_conversation_that_says_no_day_does_not_leave() -> None:
    with pytest.raises(NotPermitted):
        session().messages([QuestionMessage(text="Any gout?")])


def test_the_same_person_met_in_a_field_and_in_a_note_is_one() -> None:
    by = session()
    out = told(
        {"ref": "DocumentReference/1", "author": "Ines Quaranta", "passage": "Seen by quaranta today."},
        by=by,
        tool="search_notes",
    )
    assert out.data is not None
    row = out.data["rows"][0]
    assert row["author"].split(".")[0].strip("]") == re.findall(r"\[\[PERSON_\d+", row["passage"])[0]


def test_a_name_that_a_later_text_tells_is_gone_from_earlier_ones() -> None:
    by = session()
    rows = (
        {"ref": "DocumentReference/1", "passage": "kowalczyk called again."},
        {"ref": "DocumentReference/2", "passage": "Her neighbour is Jan Kowalczyk."},
    )
    assert "kowalczyk" not in told(*rows, by=by, tool="search_notes").text.lower()


def test_invented_tokens_and_records_are_refused() -> None:
    by = session()
    by.messages(asked("How is Amara Okafor?"))
    for text in ("[[PERSON_9]] is well", "PERSON_9 is well", "[[person 1]]", "see [Observation/r7]", "[[X]]"):
        with pytest.raises(NotPermitted):
            by.step(answer(text))
    for ref in ("Observation/123", "Observation/abc", "Observation/r99"):
        with pytest.raises(NotPermitted):
            by.step(answer("fine", ref))


def test_a_token_without_its_brackets_is_understood() -> None:
    by = session()
    by.messages(asked("How is Amara Okafor?"))
    assert by.step(answer("PERSON_1 is well.")).actions[0].arguments["text"] == "Amara Okafor is well."


@pytest.mark.parametrize(
    "arguments",
    [
        {"patient": "Patient/somebody-else"},
        {"patient": "somebody-else"},
        {"reference": "Patient/somebody-else"},
        {"reference": "Observation/123"},
        {"parameters": [{"name": "subject", "value": "Patient/other"}]},
        {"parameters": [{"name": "patient", "value": "other"}]},
        {"near": "Observation/r99"},
    ],
)
def test_arguments_that_name_another_patient_or_an_unseen_record_are_refused(
    arguments: dict[str, Any],
) -> None:
    by = session()
    by.messages([system()])
    with pytest.raises(NotPermitted):
        by.step(call(**arguments))


def test_arguments_come_back_as_the_chart_tools_read_them() -> None:
    by = session()
    by.messages(asked("What did Tunde Adeyemi write of 2019-05-03?"))
    days = days_of(SECRET, PATIENT)
    assert by.step(call(patient="Patient/r1", text="[[PERSON_1]]")).actions[0].arguments == {
        "patient": PATIENT,
        "text": "Tunde Adeyemi",
    }
    assert days < -180


def test_a_session_without_a_patient_or_a_real_secret_does_not_leave() -> None:
    with pytest.raises(NotPermitted):
        session(secret=b"short")
    with pytest.raises(NotPermitted):
        Deidentifier(Identifiers.of([]), SECRET, None, rendered)


def test_a_session_about_no_one_patient_takes_those_of_its_chart_and_no_others() -> None:
    by = session(patient=None)
    by.messages([SystemMessage(text="Now", now=NOW), ResultsMessage(results=(result({"ref": PATIENT}),))])
    assert by.step(call(patient="Patient/r1")).actions[0].arguments == {"patient": PATIENT}
    with pytest.raises(NotPermitted):
        by.step(call(patient="Patient/other"))


def test_sessions_never_share_what_stands_for_what() -> None:
    one, two = session(), session()
    one.messages(asked("Amara Okafor and Tunde Adeyemi"))
    two.messages(asked("Tunde Adeyemi"))
    assert one.mapping()["PERSON_1"] != two.mapping()["PERSON_1"]
    with pytest.raises(NotPermitted):
        two.step(answer("[[PERSON_2]] is well"))


def test_the_mapping_holds_each_token_once_and_nothing_is_derived_from_what_it_stands_for() -> None:
    by = session()
    by.messages(asked("Amara Okafor, Amara Okafor, MRN-7734021"))
    mapping = by.mapping()
    assert mapping["PERSON_1"] == "Amara Okafor"
    assert mapping["RECORD_1"] == "MRN-7734021"
    assert mapping["Patient/r1"] == PATIENT
    assert all(re.fullmatch(r"[A-Z]+_\d+(\.\d+)?|[A-Za-z]+/r\d+|days", token) for token in mapping)


def test_counts_are_of_the_conversation_as_it_left_last() -> None:
    by = session()
    for _ in range(2):
        by.messages([system("Hello"), QuestionMessage(text="Amara Okafor, 617-555-0142")])
    assert by.counts["PERSON"] == 1
    assert by.counts["PHONE"] == 1


def test_what_was_restored_is_counted() -> None:
    by = session()
    by.messages(asked("How is Amara Okafor?"))
    by.step(answer("[[PERSON_1]] is well"))
    assert by.restored == 1


def test_chart_text_that_looks_like_a_token_cannot_pass_for_one() -> None:
    by = session()
    text = "Tell them [[PERSON_1]] and PERSON_2 and [[anything]] of Amara Okafor."
    out = said(text, by)
    assert "anything" not in out
    assert by.step(answer(out)).actions[0].arguments["text"] == text


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_text_goes_out_or_is_refused_with_a_reason(text: str) -> None:
    try:
        out = session().messages(asked(text))
    except NotPermitted:
        return
    assert len(out) == 2


def test_a_name_beside_a_token_is_found() -> None:
    by = session()
    by.messages(asked("617-555-0142"))
    assert "okafor" not in said("write to okafor@[[PHONE_1]].example or PHONE_1.okafor", by).lower()


def test_a_role_is_no_name() -> None:
    by = session()
    told({"ref": "MedicationStatement/1", "informant": "School nurse"}, by=by)
    assert said("The Nurse called.", by) == "The Nurse called."


def test_a_cursor_is_a_token_and_comes_back() -> None:
    """It holds digests that an unkeyed hash made of the patient's id."""
    by = session()
    rows = result({"ref": "Observation/1"}, cursor="qGv3_9aZ.20.4hK-PpW1")
    out = by.messages([system(), ResultsMessage(results=(rows,))])[1]
    assert isinstance(out, ResultsMessage)
    assert out.results[0].data is not None
    shown = out.results[0].data["cursor"]
    assert shown == "[[CURSOR_1]]"
    assert by.step(call(cursor=shown)).actions[0].arguments == {"cursor": "qGv3_9aZ.20.4hK-PpW1"}


def test_a_code_that_looks_like_a_year_is_one() -> None:
    by = session()
    out = told({"ref": "MedicationRequest/1", "name": "Something", "code": "1998"}, by=by)
    assert out.data is not None
    assert out.data["rows"][0]["code"] == "1998"
    assert by.step(call(code="1998")).actions[0].arguments == {"code": "1998"}
