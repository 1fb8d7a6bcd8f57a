"""What a measurement's name means in a chart, and when it is not guessed."""

import pytest

from mcp_servers.fhir.charts import (
    Ambiguous,
    code_token,
    measures_of,
    not_understood,
    observations,
)
from tests.mcp_servers.fhir.charts.records import NOW, Resource, amount, concept, observation

HBA1C = ("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood")
HEMOGLOBIN = ("718-7", "Hemoglobin [Mass/volume] in Blood")
GLUCOSE = ("2345-7", "Glucose [Mass/volume] in Serum or Plasma")
URINE_GLUCOSE = ("5792-7", "Glucose [Mass/volume] in Urine by Test strip")
CREATININE = ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma")
SATURATION = ("2708-6", "Oxygen saturation in Arterial blood")
OXYGEN_FLOW = ("3151-8", "Inhaled oxygen flow rate")
ALKALINE = ("6768-6", "Alkaline phosphatase [Enzymatic activity/volume] in Serum or Plasma")


def _chart(*codes: tuple[str, str]) -> list[Resource]:
    return [
        observation(code, "2026-01-01", concept(None, (code, display)), valueQuantity=amount(1, "g"))
        for code, display in codes
    ]


def _read(name: str, chart: list[Resource]) -> list[str]:
    return sorted(row["code"] for row in observations(chart, name=name, mode="series", now=NOW).rows)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("4548-4", HBA1C),
        ("http://loinc.org|4548-4", HBA1C),
        ("HbA1c", HBA1C),
        ("A1C", HBA1C),
        ("hemoglobin a1c", HBA1C),
        ("Hemoglobin A1c/Hemoglobin.total in Blood", HBA1C),
        ("haemoglobin", HEMOGLOBIN),
        ("Hb", HEMOGLOBIN),
        ("blood sugar", GLUCOSE),
        ("glucose", GLUCOSE),
        ("urine glucose", URINE_GLUCOSE),
        ("creatinin", CREATININE),
        ("Kreatinine", CREATININE),
        ("SpO2", SATURATION),
        ("oxygen flow", OXYGEN_FLOW),
        ("phosphatase", ALKALINE),
        ("A1C level", HBA1C),
        ("last A1c result", HBA1C),
        ("most recent Kreatinine", CREATININE),
    ],
)
def test_codes_displays_everyday_names_and_misspellings_find_their_measurement(
    name: str, code: tuple[str, str]
) -> None:
    chart = _chart(HBA1C, HEMOGLOBIN, GLUCOSE, URINE_GLUCOSE, CREATININE, SATURATION, OXYGEN_FLOW, ALKALINE)
    assert _read(name, chart) == [code[0]]


@pytest.mark.parametrize(
    ("name", "code", "display"),
    [
        ("protein-c", "27818-4", "Protein C actual/normal in Platelet poor plasma by Chromogenic method"),
        ("ecg", "11524-6", "EKG study"),
        ("ana", "5048-4", "Nuclear Ab [Titer] in Serum"),
        ("band cells", "764-1", "Band form neutrophils/100 leukocytes in Blood"),
    ],
)
def test_everyday_names_of_what_few_charts_hold_find_it(name: str, code: str, display: str) -> None:
    assert _read(name, _chart((code, display), CREATININE)) == [code]


def test_what_a_name_was_read_as_is_noted() -> None:
    found = observations(_chart(HBA1C), name="a1c", now=NOW)
    assert found.notes == ["`a1c` read as code 4548-4."]


@pytest.mark.parametrize(
    ("name", "chart"),
    [
        ("hemoglobin", _chart(HBA1C)),
        ("glucose", _chart(URINE_GLUCOSE)),
        ("phosphate", _chart(ALKALINE)),
        ("phosphatase", _chart(("2777-1", "Phosphate [Mass/volume] in Serum or Plasma"))),
        ("creatine", _chart(CREATININE)),
        ("creatine", _chart(("13969-1", "Creatine kinase.MB [Mass/volume] in Serum or Plasma"))),
        ("protein-c", _chart(("1988-5", "C reactive protein [Mass/volume] in Serum or Plasma"))),
        ("4548-4", _chart(HEMOGLOBIN)),
        ("temperature", _chart(("60832-3", "Room temperature"))),
        ("zonulin", _chart(HBA1C)),
        ("al", _chart(ALKALINE)),
        ("", _chart(HBA1C)),
        ("hemoglobin", [observation("1", "2026", concept("Hemoglobin A1c"), valueInteger=7)]),
    ],
)
def test_one_analyte_never_answers_for_another(name: str, chart: list[Resource]) -> None:
    found = observations(chart, name=name, now=NOW)
    assert (found.rows, found.finding) == ([], "nothing_recorded")
    assert found.notes


def test_names_that_come_near_are_offered_when_nothing_fits() -> None:
    found = observations(_chart(URINE_GLUCOSE), name="glucose", now=NOW)
    assert "Glucose [Mass/volume] in Urine by Test strip (code 5792-7)" in found.notes[0]


def test_words_around_a_name_are_a_part_of_it_where_the_chart_has_them() -> None:
    assert _read("last menses", _chart(("8665-2", "Last menses"), ("3146-8", "Menses"))) == ["8665-2"]


def test_the_name_of_a_group_lists_what_the_chart_has_of_it() -> None:
    ldl, hdl = ("13457-7", "LDL"), ("2085-9", "HDL")
    assert _read("lipids", _chart(ldl, HBA1C)) == ["13457-7"]
    with pytest.raises(Ambiguous, match="code 13457-7"):
        _read("lipids", _chart(ldl, hdl))
    ratio = ("14959-1", "Microalbumin/Creatinine [Mass Ratio] in Urine")
    assert _read("microalbumin", _chart(ratio, HBA1C)) == ["14959-1"]


@pytest.mark.parametrize(("name", "not_of_it"), [("BMP", "718-7"), ("complete blood count", "2345-7")])
def test_the_name_of_a_panel_lists_what_the_chart_has_of_it(name: str, not_of_it: str) -> None:
    platelets = ("777-3", "Platelets [#/volume] in Blood")
    with pytest.raises(Ambiguous) as raised:
        _read(name, _chart(GLUCOSE, CREATININE, HEMOGLOBIN, platelets))
    assert len(raised.value.candidates) == 2
    assert not_of_it not in {one.code for one in raised.value.candidates}


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("zonulin", "known as `zonulin`; chart_overview names what is measured"),
        ("oxygen of the arteries", "Oxygen saturation in Arterial blood (code 2708-6)"),
        ("INR", None),
        ("last INR", None),
        ("prothrombine time", None),
        ("HbA1c", None),
        ("99999-9", None),
    ],
)
def test_only_a_name_that_nobody_knows_is_not_understood(name: str, offered: str | None) -> None:
    known = measures_of(_chart(HBA1C, SATURATION))
    said = not_understood(name, known)
    assert said is None if offered is None else offered in str(said)
    assert not_understood(name, {}) is None


def test_several_measurements_that_fit_equally_well_are_listed_not_picked() -> None:
    with pytest.raises(Ambiguous) as raised:
        observations(_chart(SATURATION, OXYGEN_FLOW), name="oxygen", now=NOW)
    assert {one.code for one in raised.value.candidates} == {"2708-6", "3151-8"}
    assert "code 3151-8, 1 record)" in str(raised.value)


def test_an_everyday_name_of_two_analytes_is_ambiguous_only_when_both_are_there() -> None:
    troponin_i = ("10839-9", "Troponin I.cardiac [Mass/volume] in Serum or Plasma")
    troponin_t = ("6598-7", "Troponin T.cardiac [Mass/volume] in Serum or Plasma")
    assert _read("troponin", _chart(troponin_i)) == ["10839-9"]
    with pytest.raises(Ambiguous):
        _read("troponin", _chart(troponin_i, troponin_t))


def test_one_analyte_under_several_codes_is_read_together() -> None:
    blood = ("2339-0", "Glucose [Mass/volume] in Blood")
    assert _read("glucose", _chart(GLUCOSE, blood, URINE_GLUCOSE)) == ["2339-0", "2345-7"]


def test_the_charts_own_name_beats_an_everyday_one() -> None:
    fever = observation("f", "2026", concept("Fever", ("45701-0", "Fever")), valueString="since Monday")
    chart = [*_chart(("8310-5", "Body temperature")), fever]
    assert _read("fever", chart) == ["45701-0"]
    assert _read("temperature", chart) == ["8310-5"]


def test_an_everyday_name_is_found_in_local_codes() -> None:
    local = {"coding": [{"system": "urn:lab", "code": "CREA", "display": "Creatinine, serum"}]}
    chart = [observation("1", "2026", local, valueInteger=1)]
    assert _read("creatinine", chart) == ["CREA"]
    assert _read("crea", chart) == ["CREA"]


def test_a_measurement_without_a_code_is_found_by_its_text() -> None:
    chart = [observation("1", "2026", concept("Peak flow (home)"), valueInteger=420)]
    assert observations(chart, name="peak flow (home)", now=NOW).rows[0]["value"] == 420


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("4548-4", "4548-4"),
        ("http://snomed.info/sct|304251008", "http://snomed.info/sct|304251008"),
        ("HbA1c", None),
        ("a|b,c|d", None),
        ("|4548-4", None),
    ],
)
def test_only_a_code_is_fit_for_the_server(name: str, token: str | None) -> None:
    assert code_token(name) == token
