"""A file of questions: JSONL, one a line."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from agent.errors import UsageError

Text = Annotated[str, StringConstraints(min_length=1)]


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
