"""Values told with their own time stand though newer ones exist; words of change agree with their numbers."""

from tests.agent.grounding.test_check import ask, found

TETANUS = {"ref": "Immunization/t", "name": "Tdap", "date": "2019-05-06", "status": "completed"}
FLU = {"ref": "Immunization/flu", "name": "Influenza", "date": "2024-10-01", "status": "completed"}
HEAVY = {"ref": "Observation/w1", "name": "Body weight", "date": "2024-01-06", "value": 81.5, "unit": "kg"}
LIGHT = {"ref": "Observation/w2", "name": "Body weight", "date": "2024-05-06", "value": 78.5, "unit": "kg"}
STATIN = {"ref": "MedicationRequest/s", "name": "simvastatin 20 mg", "date": "2024-01-10"}
STAY = {"ref": "Encounter/e", "name": "Stay", "date": "2024-01-20", "end": "2024-01-25"}
CHART = [
    found(TETANUS, FLU, tool="list_records"),
    found(HEAVY, LIGHT),
    found(STATIN, STAY, tool="list_records"),
]


def stands(text: str, question: str = "How is she?") -> bool:
    return ask(text, question, CHART).grounding.unsupported == ()


def test_the_last_of_a_name_is_the_last_of_that_name_alone() -> None:
    assert stands("The last Tdap was on 2019-05-06 [Immunization/t].", "What immunizations has she had?")
    assert not stands("The last immunization was on 2019-05-06 [Immunization/t].", "What immunizations?")


def test_an_older_value_stands_where_more_than_the_latest_was_asked_for() -> None:
    older = "In January 2024 it was 81.5 kg [Observation/w1]."
    assert stands(older, "What is her weight today and last time?")
    assert stands(older, "Show the last two weights")
    assert not stands("Body weight 81.5 kg [Observation/w1].", "What is her weight now?")


def test_gained_and_lost_agree_with_the_values_told() -> None:
    assert stands("She lost 3.0 kg, from 81.5 kg [Observation/w1] to 78.5 kg [Observation/w2].")
    assert not stands("She gained 3.0 kg, from 81.5 kg [Observation/w1] to 78.5 kg [Observation/w2].")


def test_a_record_may_be_cited_for_its_value_beside_another_that_is_named() -> None:
    assert stands("She weighed 81.5 kg, 4 days before simvastatin [Observation/w1] [MedicationRequest/s].")
    assert not stands("Tdap 81.5 kg before simvastatin [Observation/w1] [MedicationRequest/s].")


def test_two_days_of_one_month_are_two_dates() -> None:
    assert stands("From 20 to 25 January 2024, that is 5 days [Encounter/e].")
    assert not stands("From 21 to 25 January 2024 [Encounter/e].")


def test_the_first_of_a_drug_is_none_of_another_drug_of_the_same_salt() -> None:
    orders = [
        {"ref": f"MedicationRequest/{ref}", "name": f"{name} 80 MG", "date": day, "status": "active"}
        for ref, name, day in (
            ("m", "metformin hydrochloride", "2012-06-15"),
            ("v1", "verapamil hydrochloride", "2025-03-08"),
            ("v2", "verapamil hydrochloride", "2026-03-08"),
        )
    ]
    for ref, day, right in (("v1", "2025-03-08", True), ("v2", "2026-03-08", False)):
        text = f"First recorded on {day}: verapamil hydrochloride 80 MG [MedicationRequest/{ref}]."
        given = ask(text, "When was verapamil started?", [found(*orders, tool="list_records")])
        assert (given.grounding.unsupported == ()) is right


def test_the_newest_of_each_name_is_none_of_all() -> None:
    told = "2 immunizations by name (the newest of each name is given): Tdap on 2019-05-06 [Immunization/t]; "
    assert stands(f"{told}Influenza on 2024-10-01 [Immunization/flu].", "Which immunizations has she had?")


def test_an_order_that_is_over_is_no_answer_while_another_of_the_drug_is_in_force() -> None:
    old = {"ref": "MedicationRequest/o", "name": "metformin 500 MG Oral Tablet", "status": "stopped"}
    new = {"ref": "MedicationRequest/n", "name": "metformin 1000 MG Oral Tablet", "status": "active"}
    for text, right in (
        ("1000 mg [MedicationRequest/n].", True),
        ("500 mg [MedicationRequest/o].", False),
        ("It was 500 mg until 2023, since then 1000 mg [MedicationRequest/o] [MedicationRequest/n].", True),
    ):
        told = found({**old, "end": "2023-02-10"}, {**new, "date": "2023-02-10"}, tool="list_records")
        assert (ask(text, "What is her dose of metformin?", [told]).grounding.unsupported == ()) is right
