"""What a record's own text denies is not affirmed, nor the other way round."""

import pytest

from agent.grounding import check
from tests.agent.grounding.test_check import NOW, found

NOTE = {
    "ref": "DocumentReference/n",
    "name": "Progress note",
    "passage": "Denies fever, dyspnea or vomiting. Wound healing. No rash, mild edema of both ankles.",
}
SCAN = {"ref": "ImagingStudy/s", "name": "CT head without contrast", "date": "2026-03-01"}


def marked(text: str) -> tuple[str, ...]:
    return check(text, [], [found(NOTE, SCAN)], "What do the notes say?", NOW).grounding.unsupported


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("The progress note reports dyspnea [DocumentReference/n].", "dyspnea"),
        ("The last scan was a CT head with contrast [ImagingStudy/s].", "contrast"),
        ("The note calls the wound not healing [DocumentReference/n].", "not"),
    ],
)
def test_a_denial_that_is_left_out_or_put_in_is_marked(text: str, wrong: str) -> None:
    assert marked(text) == (wrong,)


@pytest.mark.parametrize(
    "text",
    [
        "The progress note denies fever, dyspnea and vomiting [DocumentReference/n].",
        "Dyspnea was denied; edema of both ankles was mild [DocumentReference/n].",
        "No rash, but edema [DocumentReference/n].",
        "CT head without contrast on 2026-03-01 [ImagingStudy/s].",
    ],
)
def test_a_denial_stands_as_the_text_has_it(text: str) -> None:
    assert marked(text) == ()
