import pytest

from agent.egress.deidentification import Deidentifier, Identifiers
from tests.agent.egress.deidentification.charts import PATIENT, SECRET, rendered, said


def about(*names: dict[str, object]) -> Deidentifier:
    """A session about somebody with these FHIR names."""
    chart = Identifiers.of([{"resourceType": "Patient", "id": "p", "name": list(names)}])
    return Deidentifier(chart, SECRET, PATIENT, rendered)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Her neighbour Kowalczyk found her.", "Kowalczyk"),
        ("Spoke with her pastor, John Young.", "John Young"),
        ("Sister Karen visits.", "Karen"),
        ("daughter Hope will drive", "Hope"),
        ("Mr. Brown next door", "Brown"),
        ("mrs. jones called", "jones"),
        ("Discussed with Priya Raghunathan.", "Priya Raghunathan"),
        ("Electronically signed by Lena Voss, RN", "Lena Voss"),
        ("per T. Okonkwo", "T. Okonkwo"),
        ("cc: O'Brien", "O'Brien"),
        ("SMITH, JOHN was seen", "SMITH, JOHN"),
        ("Interpreter María de la Cruz present", "María de la Cruz"),
        ("Preferred name: Shiv", "Shiv"),
        ('Robert "Bobby" has pain', "Bobby"),
        ("works at Lakefront Crane & Rig", "Lakefront Crane & Rig"),
        ("moved here from Dover last year", "Dover"),
        ("care at Harbor Ridge Family Practice", "Harbor Ridge Family Practice"),
        ("met on Hertel Avenue", "Hertel Avenue"),
    ],
)
def test_names_that_no_record_tells_are_found(text: str, name: str) -> None:
    assert name not in said(text)


@pytest.mark.parametrize(
    "text",
    [
        "Parkinson's disease, Crohn disease and Hodgkin lymphoma.",
        "Foley catheter placed; Romberg negative; Babinski sign absent.",
        "Started on Metoprolol and Lisinopril with Tylenol as needed.",
        "Staphylococcus aureus and Escherichia coli grew.",
        "Chief Complaint: chest pain. History of Present Illness: none.",
        "Whipple procedure, Billroth II, Glasgow Coma Scale 15.",
        "Wilson's disease; Wegener's granulomatosis; Graves disease.",
        "Patient denies fever. Mother had diabetes. Sister has asthma.",
        "Transferred to the Intensive Care Unit from the Emergency Department.",
        "Deauville 2 after two cycles. Breslow 0.4 mm.",
        "Speaks Spanish and Vietnamese. From California.",
        "BMI 31, HbA1c 7.2 %, eGFR 58, BP 138/84.",
        "Will follow up. May need dialysis. Mark the site.",
    ],
)
def test_medicine_and_plain_english_stay(text: str) -> None:
    assert said(text) == text


def test_a_patient_called_may_or_will_keeps_the_month_and_the_verb() -> None:
    by = about({"family": "Will", "given": ["May"]})
    kept = "Will continue metformin. It may help. May need dialysis. She will return in "
    assert said(kept + "May.", by) == kept + "[[DATE_1]]."
    gone = said("May reports pain. Spoke with Will. May Will agrees. Mrs. Will left. MAY WILL", by)
    assert "May" not in gone
    assert "Will" not in gone
    assert "WILL" not in gone


@pytest.mark.parametrize("name", ["Li", "Ng", "Bo", "Ann"])
def test_short_names_are_found_where_they_stand_as_names(name: str) -> None:
    by = about({"family": "Vance", "given": [name]})
    assert name not in said(f"Spoke with {name} today. {name} agrees. {name} Vance. {name.upper()} VANCE", by)


def test_a_patient_called_after_a_disease_keeps_the_disease() -> None:
    by = about({"family": "Wilson", "given": ["Ada"]})
    assert said("Wilson's disease was excluded; Wilson reports tremor.", by).startswith(
        "Wilson's disease was"
    )
    assert said("Wilson's disease was excluded; Wilson reports tremor.", by).count("Wilson") == 1


@pytest.mark.parametrize(
    "written",
    [
        "José Ñandú-Pérez", "JOSE NANDU PEREZ", "Nandu-Perez, Jose", "J. Ñandú-Pérez", "Pérez", "nandu",
        "josenandu",
        "José's", "the Pérezes", "Jose  Nandu", "J.N.P.", "Pepe",
    ],
)  # fmt: skip
def test_a_recorded_name_is_found_in_every_form(written: str) -> None:
    by = about({"family": "Ñandú-Pérez", "given": ["José"]}, {"use": "nickname", "given": ["Pepe"]})
    out = said(f"we saw {written} here", by)
    assert "[[PERSON_1" in out
    assert not any(part in out.lower() for part in ("nand", "perez", "pérez", "jos", "pepe"))


def test_a_person_met_in_several_forms_is_one() -> None:
    by = about({"family": "Quillfeather", "given": ["Tamsin"]})
    out = said("Tamsin Quillfeather came. Quillfeather left. TAMSIN spoke.", by)
    assert [f"[[PERSON_1{form}]]" in out for form in ("", ".1", ".2")] == [True, True, True]
