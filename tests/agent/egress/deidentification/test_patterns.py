import re

import pytest

from agent.egress.deidentification.patterns import shortened
from tests.agent.egress.deidentification.charts import said


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("SSN 078-05-1120", "SSN", "078-05-1120"),
        ("social security number: 078 05 1120", "SSN", "078 05 1120"),
        ("MRN 4412", "RECORD", "4412"),
        ("medical record no. A-4412-7", "RECORD", "A-4412-7"),
        ("member ID WQX-889-20417", "PLAN", "WQX-889-20417"),
        ("Medicare card 1EG4-TE5-MK73", "PLAN", "1EG4-TE5-MK73"),
        ("acct 90044711", "ACCOUNT", "90044711"),
        ("card 4111 1111 1111 1111 on file", "ACCOUNT", "4111 1111 1111 1111"),
        ("IBAN GB29 NWBK 6016 1331 9268 19", "ACCOUNT", "GB29 NWBK 6016 1331 9268 19"),
        ("driver's license S530-460-7213", "LICENCE", "S530-460-7213"),
        ("DEA BV4419820", "LICENCE", "BV4419820"),
        ("VIN 1HGCM82633A004352", "VEHICLE", "1HGCM82633A004352"),
        ("license plate 7ABC123", "VEHICLE", "7ABC123"),
        ("pump serial no. BX-4471-09983", "DEVICE", "BX-4471-09983"),
        ("MAC 00:1B:44:11:3A:B7", "DEVICE", "00:1B:44:11:3A:B7"),
        ("call 617-555-0142 x12", "PHONE", "617-555-0142 x12"),
        ("+44 20 7946 0958", "PHONE", "+44 20 7946 0958"),
        ("pager 4412", "PHONE", "4412"),
        ("a.b@c.example", "EMAIL", "a.b@c.example"),
        ("a.b (at) c.example", "EMAIL", "a.b (at) c.example"),
        ("see www.example.org/a?b=1 now", "URL", "www.example.org/a?b=1"),
        ("from 10.91.3.202", "IP", "10.91.3.202"),
        ("from 2001:db8::ff00:42:8329", "IP", "2001:db8::ff00:42:8329"),
        ("fingerprint FP-40071", "BIOMETRIC", "FP-40071"),
        ("lives at 12 N Main St, Apt 4", "PLACE", "12 N Main St, Apt 4"),
        ("P.O. Box 118", "PLACE", "P.O. Box 118"),
        ("Perrysburg, OH", "PLACE", "Perrysburg"),
        ("Perrysburg, Ohio 43551", "PLACE", "Perrysburg"),
        ("SSN last four 8013", "SSN", "8013"),
        ("of 48 tannery ln", "PLACE", "48 tannery"),
        ("at 42.3601, -71.0589", "PLACE", "42.3601, -71.0589"),
        ("photo IMG_0229.jpg", "ID", "IMG_0229.jpg"),
        ("9f1c2d34-5678-4abc-9def-0123456789ab", "ID", "9f1c2d34-5678-4abc-9def-0123456789ab"),
    ],
)
def test_identifiers_are_found_by_their_look_or_their_label(text: str, kind: str, value: str) -> None:
    out = said(text)
    assert value not in out
    assert f"[[{kind}_1]]" in out


@pytest.mark.parametrize(
    "text",
    [
        "BP 138/84, HR 72, SpO2 98%, T 37.1",
        "platelets 214, WBC 12000, 120 mg/dL",
        "CD4 350, HbA1c 7.2%, FEV1 82%, T90 22%",
        "LOINC 4548-4, ICD-10 E11.65, SNOMED 44054006",
        "http://loinc.org and http://snomed.info/sct",
        "10:30 AM, day 14, 3 x 10, 2 to 4",
        "COVID-19, H1N1, BRCA1, C3-C4, S/P",
        "visit 3 of 5; case 2; chart review",
    ],
)
def test_values_codes_and_times_stay(text: str) -> None:
    assert said(text) == text


@pytest.mark.parametrize(
    ("code", "short"), [("02139", "021"), ("02139-4307", "021"), ("03601", "000"), ("89301", "000")]
)
def test_zip_codes_keep_three_digits_and_none_where_few_people_live(code: str, short: str) -> None:
    assert shortened(code) == short
    assert said(f"ZIP {code}.") == f"ZIP {short}XX."
    assert said(f"in Massachusetts {code}.") == f"in Massachusetts {short}XX."


def test_a_date_behind_a_label_is_a_date() -> None:
    assert re.fullmatch(r"DOB \d{4}-\d\d-\d\d\.\.\d{4}-\d\d-\d\d", said("DOB 1971"))
    assert re.fullmatch(r"EEG \d{4}-\d\d-\d\d", said("EEG 2019-05-03"))
