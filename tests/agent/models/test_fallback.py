import pytest

from agent.errors import ModelFailed, ModelUnavailable
from agent.messages import Action, Step
from agent.models.fallback import Absent, FirstAvailable
from agent.models.scripted import ScriptedModel

STEP = Step(actions=(Action(tool="chart_overview"),))


@pytest.mark.anyio
async def test_the_first_that_can_be_had_takes_the_step_and_nothing_is_said_of_it() -> None:
    models = FirstAvailable([ScriptedModel([STEP], "first"), ScriptedModel([], "second")])
    turn = await models.next_step([], {}, [])
    assert (turn.step, turn.note, models.identity.name) == (STEP, "", "first")


@pytest.mark.anyio
async def test_where_it_cannot_be_had_the_next_takes_it_and_says_why() -> None:
    models = FirstAvailable([Absent("local", "No weights."), ScriptedModel([STEP], "second")])
    turn = await models.next_step([], {}, [])
    assert (turn.note, models.identity.name) == ("taken by second: No weights.", "second")


@pytest.mark.anyio
async def test_one_that_is_back_takes_the_next_step() -> None:
    first = ScriptedModel([ModelUnavailable("Loading."), STEP], "first")
    models = FirstAvailable([first, ScriptedModel([STEP], "second")])
    assert (await models.next_step([], {}, [])).note == "taken by second: Loading."
    assert (await models.next_step([], {}, [])).note == ""


@pytest.mark.anyio
async def test_a_model_that_fails_at_its_work_is_not_passed_over() -> None:
    models = FirstAvailable([ScriptedModel([ModelFailed("prose")], "first"), ScriptedModel([STEP], "second")])
    with pytest.raises(ModelFailed, match="prose"):
        await models.next_step([], {}, [])


@pytest.mark.anyio
async def test_where_none_can_be_had_all_reasons_are_told() -> None:
    with pytest.raises(ModelUnavailable, match=r"No weights\. Down\."):
        await FirstAvailable([Absent("a", "No weights."), Absent("b", "Down.")]).next_step([], {}, [])
