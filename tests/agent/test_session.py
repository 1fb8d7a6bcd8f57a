from datetime import UTC, datetime

from agent.messages import Action, QuestionMessage, ResultsMessage, Step, StepMessage, ToolResult
from agent.session import Session


def test_a_session_tells_what_was_asked_and_what_every_call_brought_in_order() -> None:
    first, second = (ToolResult(tool="observations", arguments={}, text=text) for text in ("one", "two"))
    session = Session(
        patient="Patient/a",
        user="dr",
        now=datetime(2026, 1, 2, tzinfo=UTC),
        messages=[
            QuestionMessage(text="What was the last HbA1c?"),
            StepMessage(step=Step(actions=(Action(tool="observations", arguments={"name": "HbA1c"}),))),
            ResultsMessage(results=(first,)),
            QuestionMessage(text="And before?"),
            ResultsMessage(results=(second,)),
        ],
    )
    assert session.questions == ["What was the last HbA1c?", "And before?"]
    assert session.results == [first, second]
