import stat
from datetime import UTC, datetime
from pathlib import Path

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


def test_a_saved_session_reads_back_equal(tmp_path: Path) -> None:
    path = save(example_session := example(), tmp_path / "sessions")
    assert Session.model_validate_json(path.read_text()) == example_session


def test_a_session_is_readable_by_its_user_alone(tmp_path: Path) -> None:
    path = save(example(), tmp_path / "sessions")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_saving_again_replaces_the_file_and_leaves_no_draft(tmp_path: Path) -> None:
    session = example()
    save(session, tmp_path)
    session.messages.append(QuestionMessage(text="And before?"))
    path = save(session, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert "And before?" in path.read_text()


def test_a_folder_that_cannot_be_written_fails_with_what_to_do(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(Failed, match="EHR_NAVIGATOR_DATA_DIR"):
        save(example(), blocked / "sessions")
