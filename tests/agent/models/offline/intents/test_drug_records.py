"""Drugs in charts of more medication records than are read for one question."""

from typing import Any

import pytest

import dictionary
from agent.grounding import check
from agent.messages import ToolResult
from agent.models.offline import OfflinePlanner
from agent.models.offline.concepts import load_lexicon
from agent.models.offline.intents.drug_records import searched
from mcp_servers.fhir import terminology
from tests.agent.models.offline.sample_charts import NOW, ask_of, call_on

PLANNER = OfflinePlanner()
PATIENT = "Patient/long"


def order(number: int, name: str, date: str, status: str = "stopped", **more: Any) -> dict[str, Any]:
    """A medication order as R4 has it, with `more` elements."""
    return {
        "resourceType": "MedicationRequest",
        "id": f"m{number}",
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": {"text": name},
        "subject": {"reference": PATIENT},
        "authoredOn": date,
        **more,
    }


# Newest first, 1,200 of them: of the last ones only those tell that are asked for.
FILLING = [order(n, f"Aspirin {n} MG", f"2020-01-{1 + n % 28:02}") for n in range(1150)]
LONG = [
    *FILLING,
    order(2000, "Metformin 500 MG", "2003-05-01"),
    order(2001, "Warfarin 5 MG", "2002-01-01", "active", doNotPerform=True),
    order(2002, "Simvastatin 20 MG", "2001-02-03", "active"),
    *(order(3000 + n, f"Amoxicillin {n} MG", f"1999-01-{1 + n % 28:02}") for n in range(50)),
]


async def _asked(chart: list[dict[str, Any]], question: str) -> tuple[dict[str, Any], list[ToolResult]]:
    answer, results = await ask_of(
        lambda action: call_on(chart, {}, PATIENT, action, NOW), PLANNER, PATIENT, question
    )
    report = check(answer["text"], answer["citations"], results, question, NOW)
    assert report.grounding.unsupported == (), answer["text"]
    return answer, results


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("question", "status", "said"),
    [
        ("is she on metformin?", "answered", "Not currently: Metformin 500 MG"),
        ("when was metformin started?", "answered", "First recorded on 2003-05-01"),
        ("is she on warfarin?", "answered", "Recorded as not to be given: Warfarin"),
        ("what dose of metformin was she on before?", "answered", "No other dose is recorded: Metformin"),
        ("is she on lisinopril?", "not_in_chart", "all were searched"),
        ("is she on a statin?", "answered", "Yes: Simvastatin 20 MG"),
        ("why is she on a statin?", "answered", "Simvastatin 20 MG"),
        ("is she on a penicillin?", "answered", "Not currently: Amoxicillin"),
        ("is she on a beta blocker?", "not_in_chart", "known by name here; all were searched"),
        ("when was an antiplatelet started?", "needs_review", "still to be read"),
        ("when was aspirin started?", "needs_review", "still to be read"),
        ("was she ever on aspirin?", "needs_review", "Aspirin"),
    ],
)
async def test_a_drug_is_found_behind_many_other_records(question: str, status: str, said: str) -> None:
    answer, _ = await _asked(LONG, question)
    assert answer["status"] == status, answer["text"]
    assert said in answer["text"]


@pytest.mark.anyio
async def test_an_event_of_a_drug_is_found_behind_many_other_records() -> None:
    weight = {
        "resourceType": "Observation",
        "id": "weight",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}], "text": "Body weight"},
        "subject": {"reference": PATIENT},
        "effectiveDateTime": "2003-05-02",
        "valueQuantity": {"value": 80, "unit": "kg", "code": "kg", "system": "http://unitsofmeasure.org"},
    }
    answer, _ = await _asked([*LONG, weight], "weight when metformin was started")
    assert "on 2003-05-02, after it" in answer["text"]


@pytest.mark.anyio
async def test_of_one_drug_only_its_own_records_are_asked_for() -> None:
    _, results = await _asked(LONG, "is she on metformin?")
    assert [(one.data or {})["total"] for one in results] == [1, 1]


@pytest.mark.anyio
async def test_a_class_is_found_by_its_drugs_and_by_every_name_of_its_own() -> None:
    _, results = await _asked(LONG, "is she on a statin?")
    assert [(one.data or {})["total"] for one in results] == [1, 1]
    chart = [*LONG, order(4000, "ICS/LABA inhaler", "2020-01-01")]
    answer, _ = await _asked(chart, "was she ever on a beta agonist?")
    assert "ICS/LABA inhaler" in answer["text"]


@pytest.mark.parametrize("entry", dictionary.entries("class"), ids=lambda entry: entry.name)
def test_the_chart_tools_read_every_word_that_a_class_is_asked_for_by(entry: dictionary.Entry) -> None:
    lexicon = load_lexicon()
    concept = lexicon.concepts[lexicon.key(entry.name)]["drug"]
    text = searched(concept)["text"]
    read = terminology.wording(text, ("drug", "class"))
    assert read is not None
    assert (read.words, len(text) <= 200) == ((), True)
    assert entry.name in read.said


@pytest.mark.anyio
async def test_a_record_that_bears_only_the_code_of_a_drug_is_told() -> None:
    code = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "6809"}
    coded = order(1, "Diabetes tablet", "2020-01-01", "active")
    coded["medicationCodeableConcept"]["coding"] = [code]
    answer, _ = await _asked([coded], "is she on metformin?")
    assert (answer["status"], answer["citations"]) == ("needs_review", ["MedicationRequest/m1"])
    assert 'Found for "metformin" by code' in answer["text"]
