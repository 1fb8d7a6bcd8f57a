"""What a person typed: a question, a patient, a file of questions (JSONL, one a line)."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from agent.errors import UsageError

MAX_QUESTION = 4_000  # characters; a question, not a document
Text = Annotated[str, StringConstraints(min_length=1)]


def check_question(question: str) -> None:
    """Raise UsageError for a question that cannot be one."""
    if any("\ud800" <= character <= "\udfff" for character in question):
        raise UsageError("The question holds bytes that are no UTF-8 text; type it again.")
    if not question.strip():
        raise UsageError('The question is empty; ask something like "What was the last HbA1c?".')
    if len(question) > MAX_QUESTION:
        raise UsageError(f"The question has {len(question):,} characters; ask in at most {MAX_QUESTION:,}.")


def patient_reference(text: str) -> str:
    """`Patient/id` from what a person typed. Raises UsageError for what cannot be a patient's id."""
    identifier = text.removeprefix("Patient/")
    if not re.fullmatch(r"[A-Za-z0-9.\-]{1,64}", identifier):
        raise UsageError(f"{text!r} is no patient reference; give Patient/id, or use --find-patient NAME.")
    return f"Patient/{identifier}"


class Asked(BaseModel):
    """One line: whom it is about, what is asked, and on which date (default today)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Text
    patient: Text
    question: str
    now: str | None = None


def read_questions(path: Path) -> list[Asked]:
    """The questions of a JSONL file; other keys are left alone. Raises UsageError naming the line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    asked = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            asked.append(Asked.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(
                f"{path}, line {number}: {'.'.join(map(str, first['loc']))} {first['msg']}; a line is like "
                '{"id": "1", "patient": "Patient/x", "question": "..."}'
            ) from None
    return asked
