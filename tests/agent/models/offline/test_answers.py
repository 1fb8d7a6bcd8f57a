"""What the planner answers over the sample charts, where each hard case has one right answer."""

import pytest

from agent.grounding import check
from agent.models.offline import OfflinePlanner
from fhir_fixtures import charts as samples
from tests.agent.models.offline.sample_charts import NOW, ask

PLANNER = OfflinePlanner()
AMARA, LUCIA, HENRIK = "hard-amara-okafor", "hard-lucia-fernandes", "hard-henrik-olsen"
MEI, NOOR = "hard-mei-tanaka", "hard-noor-haddad"
RENAE, JOHN = "renae-homenick", "john-wilson"
ELDER, YOUNGER, NOBODY = "hard-john-smith-1950", "hard-john-smith-1987", "hard-unknown-trauma"

ANSWERED, ABSENT = "answered", "not_in_chart"
CASES = [
    # patient, question, status, what the answer says, and what it must not say
    (AMARA, "What was the last HbA1c?", ANSWERED, ["7.1 % on 2026-09-14", "interpretation High"], ["11.9"]),
    (AMARA, "all A1c results", ANSWERED, [": 4 results", "62 mmol/mol on 2025-01-20", "amended"], ["11.9"]),
    (AMARA, "How many A1c results since 2026?", ANSWERED, [": 1 result since 2026, on 2026-09-14"], []),
    (AMARA, "highest glucose", ANSWERED, ["142 mg/dL on 2026-03-02", "8.1 mmol/L on 2026-06-03"], []),
    (AMARA, "first A1c", ANSWERED, ["8.2 % on 2024-05-06", "62 mmol/mol"], []),
    (AMARA, "average systolic blood pressure", ANSWERED, ["144.5 mmHg", "of 2 results"], []),
    (AMARA, "previous A1c", ANSWERED, ["7.4 % on 2025-11-04 (status amended)"], ["7.1"]),
    (AMARA, "latest bp", ANSWERED, ["138/84 mmHg on 2026-09-14"], []),
    ("markus-jacobi", "last blood pressure?", ANSWERED, ["169.4/101.1 mmHg on 2025-01-27"], ["161.4"]),
    (AMARA, "last creatinine", ABSENT, ["No creatinine result is recorded"], []),
    (AMARA, "active problems", ANSWERED, ["6 active problems", "Gout (recurrence"], ["Pneumonia"]),
    (AMARA, "does she have COPD?", ANSWERED, ["No, recorded as ruled out", "refuted"], []),
    (AMARA, "does she have breast cancer?", ANSWERED, ["Not as an active problem", "remission"], []),
    (AMARA, "has she ever had pneumonia?", ANSWERED, ["Yes, in the past", "ended 2019-02-01"], []),
    (AMARA, "does she have sleep apnea?", ANSWERED, ["not confirmed", "provisional"], ["Yes"]),
    (AMARA, "does she have hypothyroidism?", ABSENT, ["No problem record matches", "(10 checked)"], []),
    (RENAE, "when was she diagnosed with diabetes?", ANSWERED, ["2008-05-22", "of 8 records"], ["2017"]),
    (RENAE, "Was she ever on birth control?", ANSWERED, ["Ortho Tri-Cyclen 28 Day Pack"], ["No "]),
    (JOHN, "Is he on penicillin?", ANSWERED, ["Yes: Amoxicillin/Clavulanate"], ["No "]),
    (JOHN, "current meds?", ANSWERED, ["7 current medications by name (16 records"], ["others"]),
    (AMARA, "Is she allergic to amoxicillin?", ANSWERED, ["Yes, to its class of drugs: Penicillin"], ["egg"]),
    (AMARA, "Was she seen in October 2026?", ANSWERED, ["No visit is recorded as held", "cancelled"], []),
    (AMARA, "How many visits this year?", ANSWERED, ["1 visit in 2026"], []),
    (LUCIA, "How many weights in 2022?", ANSWERED, [": 1 result in 2022", "undated"], []),
    (LUCIA, "How many weights on 2019-05-03?", ANSWERED, ["2019-05-03 or dated too coarsely"], []),
    (LUCIA, "weights on 2019-05-03", ANSWERED, ["3 results on 2019-05-03 or dated too coarsely"], []),
    (LUCIA, "Is she pregnant?", ABSENT, ["No problem record matches"], []),
    (HENRIK, "last creatinine before 2026-02-12", ANSWERED, ["2.6 mg/dL on 2026-02-08"], []),
    (AMARA, "does she have diabetes?", ANSWERED, ["Yes: Diabetes mellitus type 2 (active, onset 2012"], []),
    (AMARA, "when was she diagnosed with diabetes?", ANSWERED, ["Diabetes mellitus type 2", "2012"], ["Yes"]),
    (AMARA, "current medications", ANSWERED, ["3 current", "On hold: glipizide", "given: pio"], ["zide]"]),
    (AMARA, "How many medications is she on?", ANSWERED, ["3 current medication records"], []),
    (AMARA, "is she on metformin?", ANSWERED, ["Yes: metformin", "1000 mg by mouth", "of 2023"], ["500"]),
    (AMARA, "is she on glipizide?", ANSWERED, ["Not currently, on hold", "Hypoglycaemia"], ["Yes"]),
    (AMARA, "what dose of metformin does she take?", ANSWERED, ["1000 mg by mouth twice a day"], ["Yes"]),
    (AMARA, "what blood thinner is she on?", ANSWERED, ["Current: aspirin"], ["Yes"]),
    (AMARA, "is she on semaglutide?", ANSWERED, ["Only proposed or planned"], ["Yes"]),
    (AMARA, "is she on Lantus?", ANSWERED, ["Only proposed or planned", "draft"], ["Yes"]),
    (AMARA, "is she on pioglitazone", ANSWERED, ["Recorded as not to be given"], ["Yes"]),
    (AMARA, "is she on allopurinol", ABSENT, ["No medication record matches", "all were searched"], []),
    (AMARA, "any antibiotics?", ABSENT, ['"antibiotics" or the drugs of that class known by name here'], []),
    (AMARA, "any blood thinner?", ANSWERED, ["Yes: aspirin 81 MG", "active statement of 2018"], []),
    (AMARA, "allergies", ANSWERED, ["1 recorded allergy: Penicillin", "Anaphylaxis (severe)"], ["latex"]),
    (AMARA, "is she allergic to eggs?", ANSWERED, ["not as an active allergy", "resolved"], ["Yes"]),
    (AMARA, "sulfa allergy?", ANSWERED, ["ruled out", "refuted"], ["Yes"]),
    (AMARA, "is she allergic to latex?", ANSWERED, ["No record of an allergy to latex"], ["Yes"]),
    (AMARA, "last visit", ANSWERED, ["ambulatory on 2026-09-14", "Diabetes follow-up"], ["2026-1"]),
    (AMARA, "number of encounters in 2026?", ANSWERED, ["1 visit in 2026", "1 record dated after now"], []),
    (AMARA, "how often was A1c measured in 2025?", ANSWERED, [": 2 results in 2025"], []),
    (AMARA, "how many vaccinations are recorded?", ANSWERED, ["immunization"], []),
    (AMARA, "last flu shot", ANSWERED, ["on 2025-10-15"], ["2026-10-20"]),
    (AMARA, "has she had a flu shot in 2026?", ANSWERED, ["not-done", "Declined"], ["Yes"]),
    (AMARA, "how old is she?", ANSWERED, ["58 years old [Patient/hard-amara-okafor]"], []),
    (AMARA, "weight at age 50", ABSENT, ["at age 50 from 2018-03-14 to 2019-03-13"], ["unverified"]),
    (ELDER, "any allergies?", ANSWERED, ["having no known allergies"], []),
    (ELDER, "is he allergic to penicillin?", ANSWERED, ["having no known allergies"], []),
    (YOUNGER, "any allergies?", ABSENT, ["not the same as no allergies"], []),
    (YOUNGER, "is he allergic to penicillin?", ABSENT, ["not the same as no allergies"], []),
    (YOUNGER, "problem list", ANSWERED, ["Recorded as none: No current problems"], []),
    (YOUNGER, "last potassium", ANSWERED, ["4.6 mmol/L"], ["3.2"]),
    (NOOR, "allergies", ANSWERED, ["1 recorded allergy: ", 'beside the others: "No known drug allergy"'], []),
    (LUCIA, "is she alive?", ANSWERED, ["Deceased on 2024-02-29"], []),
    (LUCIA, "how old is she?", ANSWERED, ["born 1942", "2024-02-29, the age depends"], ["not recorded,"]),
    (LUCIA, "latest weight", ANSWERED, ["63.8 kg on 2024-01-09"], []),
    (LUCIA, "does she have asthma?", ANSWERED, ["onset at age 7"], []),
    (LUCIA, "has she had a cardioversion?", ANSWERED, ["not-done"], ["Yes"]),
    (LUCIA, "last hip replacement", ANSWERED, ["in 2010-11"], []),
    (LUCIA, "when was she last hospitalized?", ANSWERED, ["2024-02-27", "in-progress"], []),
    (HENRIK, "troponin", ANSWERED, ["<0.01 ng/mL"], []),
    (HENRIK, "highest troponin", ABSENT, ["recorded, but with no exact value", "1 with a"], ["No tro"]),
    (HENRIK, "sodium", ANSWERED, ["no value (Sample haemolysed)"], []),
    (HENRIK, "lactate", ANSWERED, ["2.1 mmol/L", "2.4 mmol/L"], []),
    (HENRIK, "is he still alive?", ANSWERED, ["recorded as deceased"], []),
    (MEI, "is she on warfarin?", ANSWERED, ["Yes: warfarin sodium 5 MG"], []),
    (MEI, "is she on heparin", ANSWERED, ["Not currently", "completed"], ["Yes"]),
    (MEI, "last visit", ANSWERED, ["inpatient encounter on 2026-07-01", "reason: Deep venous"], []),
    (MEI, "current medications", ANSWERED, ["Status unknown: simvastatin"], []),
    (MEI, "is she on simvastatin", ANSWERED, ["Not currently", "unknown"], ["Yes"]),
    (MEI, "last 2 INRs", ANSWERED, ["2 results", ">8.0 on 2026-09-01", "2.6"], ["1.4"]),
    (NOBODY, "last A1c", ABSENT, ["No hemoglobin A1c result is recorded"], []),
    (NOBODY, "is he on metformin?", ABSENT, ["no medications are recorded"], []),
    (NOBODY, "does he have diabetes?", ABSENT, ["no problems are recorded"], []),
    (NOBODY, "last visit", ABSENT, ["No visits are recorded"], []),
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("patient", "question", "status", "said", "unsaid"),
    CASES,
    ids=lambda part: part if isinstance(part, str) else "",
)
async def test_a_hard_case_has_its_right_answer(
    patient: str, question: str, status: str, said: list[str], unsaid: list[str]
) -> None:
    answer, results = await ask(PLANNER, f"Patient/{patient}", question)
    text = answer["text"].casefold()
    assert answer["status"] == status, answer["text"]
    assert [part for part in said if part.casefold() not in text] == [], answer["text"]
    assert [part for part in unsaid if part.casefold() in text] == [], answer["text"]
    report = check(answer["text"], answer["citations"], results, question, NOW)
    assert report.grounding.unsupported == ()


@pytest.mark.anyio
@pytest.mark.parametrize("patient", [one.id for one in samples.patients() if one.set != "life-long"][::6])
async def test_every_everyday_question_has_a_grounded_answer_on_every_chart(patient: str) -> None:
    for question in (
        "latest blood pressure", "how many creatinine results?", "highest weight", "active problems",
        "current medications", "is she on a statin?", "any allergies?", "last visit", "how many ER visits?",
        "how many visits since 2015?", "immunizations", "last flu shot", "procedures", "who is this patient?",
        "all weights", "lisinopril?",
    ):  # fmt: skip
        answer, results = await ask(PLANNER, f"Patient/{patient}", question)
        assert len(answer["text"]) <= 4000
        assert len(answer["citations"]) <= 40
        assert answer["citations"] or answer["status"] != "answered"
        report = check(answer["text"], answer["citations"], results, question, NOW)
        assert report.grounding.unsupported == (), f"{question}: {answer['text']}"


@pytest.mark.anyio
async def test_a_follow_up_is_answered_from_the_chart() -> None:
    answer, _ = await ask(PLANNER, f"Patient/{AMARA}", "last A1c", "and the one before that?")
    assert "7.4 % on 2025-11-04" in answer["text"]
    answer, _ = await ask(PLANNER, f"Patient/{AMARA}", "last A1c", "and weight?")
    assert "81.5 kilos on 2026-09-14" in answer["text"]


@pytest.mark.anyio
async def test_a_follow_up_about_the_one_before_cites_only_that_one() -> None:
    answer, _ = await ask(PLANNER, f"Patient/{AMARA}", "last A1c", "and the one before?")
    assert answer["citations"] == ["Observation/hard-amara-okafor-hba1c-2025-11"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("patient", "question", "now", "said"),
    [
        (AMARA, "latest weight", "2010-01-01", "No body weight result is recorded up to 2010-01-01"),
        (AMARA, "how many weights?", "2010-01-01", "3 dated after now left out"),
        (AMARA, "how many HbA1c results?", "2026-09-14", "4 results"),
        (LUCIA, "last weight", "2022-12-31", "dated after now left out"),
        (AMARA, "current medications", "2010-01-01", "Dated after now, so not current"),
        (AMARA, "does she have diabetes?", "2010-01-01", "Not up to now, but dated later"),
        (AMARA, "how many visits?", "2010-01-01", "recorded in this chart up to 2010-01-01"),
        (AMARA, "any flu shots?", "2010-01-01", "flu"),
    ],
)
async def test_what_is_dated_after_now_is_told_apart(
    patient: str, question: str, now: str, said: str
) -> None:
    moment = f"{now}T23:59:59Z"
    answer, results = await ask(PLANNER, f"Patient/{patient}", question, now=moment)
    assert said in answer["text"]
    report = check(answer["text"], answer["citations"], results, question, moment)
    assert report.grounding.unsupported == (), report.text


@pytest.mark.anyio
async def test_a_corrected_word_is_told() -> None:
    answer, _ = await ask(PLANNER, f"Patient/{HENRIK}", "latest creatinin")
    assert answer["text"].endswith('(I read "creatinin" as "creatinine".)')
