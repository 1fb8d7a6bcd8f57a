import json
import resource
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent.errors import Failed
from agent.messages import Action, QuestionMessage, ResultsMessage, Step, StepMessage, ToolResult
from agent.session import Session, save


def example() -> Session:
    return Session(
        patient="Patient/a",
        user="dr",
        now=datetime(2026, 1, 2, tzinfo=UTC),
        messages=[
            QuestionMessage(text="What was the last HbA1c?"),
            StepMessage(step=Step(actions=(Action(tool="observations", arguments={"name": "HbA1c"}),))),
            ResultsMessage(
                results=(ToolResult(tool="observations", arguments={}, text="", data={"rows": []}),)
            ),
        ],
    )


def saved(path: Path) -> dict[str, Any]:
    head, *messages = map(json.loads, path.read_text().splitlines())
    return Session.model_validate({**head, "messages": messages}).model_dump()


def test_a_saved_session_reads_back_equal(tmp_path: Path) -> None:
    path = save(example_session := example(), tmp_path / "sessions")
    assert saved(path) == example_session.model_dump()


def test_a_session_is_readable_by_its_user_alone(tmp_path: Path) -> None:
    path = save(example(), tmp_path / "sessions")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_saving_again_adds_what_was_said_since_and_writes_nothing_again(tmp_path: Path) -> None:
    session = example()
    before = save(session, tmp_path).read_text()
    session.messages.append(QuestionMessage(text="And before?"))
    path = save(session, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert path.read_text().startswith(before)
    assert saved(path) == session.model_dump()


def test_what_a_full_disk_does_not_take_leaves_no_part_of_a_line(tmp_path: Path) -> None:
    session = example()
    path = save(session, tmp_path)
    size = path.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, limits[1]))
    try:
        session.messages.append(QuestionMessage(text="And before that one?"))
        with pytest.raises(Failed, match="Free some space"):
            save(session, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.stat().st_size == size
    save(session, tmp_path)
    assert saved(path) == session.model_dump()


def test_a_folder_that_cannot_be_written_fails_with_what_to_do(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(Failed, match="EHR_NAVIGATOR_DATA_DIR"):
        save(example(), blocked / "sessions")
