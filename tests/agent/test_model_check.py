"""The check of a model that was never at hand. The offline planner and scripts stand in for it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.config import Settings
from agent.messages import Answer, AuditTrail, Image, ModelIdentity
from agent.model_check import Asked, Checked, about_pictures, advice, check, lines, questions, wrong


@dataclass(frozen=True)
class Figure:
    """A step as a healthy GPU would take it, but for what a test changes."""

    prompt: int = 3000
    cached: int = 2500
    written: int = 100
    thinking: int = 40
    forced: int = 30
    first_token: float = 0.5
    tokens_per_second: float = 30.0
    masks: float = 0.1
    writing: float = 3.0


def answer(text: str, status: Any = "answered", hops: int = 1) -> Answer:
    return Answer(
        answer=text,
        status=status,
        model=ModelIdentity(name="m"),
        hops=hops,
        audit=AuditTrail(session="s", events=0),
        disclaimer="",
    )


def settings(data_dir: Path, model: str) -> Settings:
    return Settings.model_validate({"data_dir": data_dir, "model": model})


@pytest.mark.anyio
async def test_every_chart_question_can_be_answered_right_through_the_whole_loop(data_dir: Path) -> None:
    told: list[str] = []
    checked = await check(settings(data_dir, "offline"), questions(), lambda _, why: told.append(why))
    assert wrong(checked) == []
    assert told == [""] * 20
    assert checked.of(images=False) == (20, 20)
    assert (
        dict(lines(checked))["speed and memory"] == "none: the model is behind a server, or finished no step"
    )
    assert list(advice(checked)) == []


@pytest.mark.anyio
async def test_a_model_that_gives_no_steps_is_found_out(tmp_path: Path, data_dir: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"model_failed": "prose"}, {"actions": [{"tool": "dance"}]}] + [
        {"model_failed": "prose"}] * 20))  # fmt: skip
    checked = await check(settings(data_dir, f"scripted:{script}"), questions()[:3])
    assert checked.of(images=False) == (0, 3)
    assert checked.invalid == checked.steps == 4
    assert "Steps did not fit the schema" in next(iter(advice(checked)))


@pytest.mark.anyio
async def test_the_journal_of_the_clinic_is_left_alone(data_dir: Path) -> None:
    await check(settings(data_dir, "offline"), questions()[:1])
    assert not (data_dir / "audit.sqlite").exists()


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("There are 3 white discs, in its left half.", True),
        ("Three discs ⟨unverified⟩ on the left.", True),
        ("There are 13 discs on the left.", False),
        ("There are 3 discs on the right.", False),
    ],
)
def test_a_picture_is_read_right_where_count_and_side_are(said: str, right: bool) -> None:
    third = about_pictures(lambda *_: b"png")[2]
    assert third.image == Image(media_type="image/png", data=b"png")
    assert (third.fault(answer(said, "needs_review")) == "") == right


def test_a_refusal_is_no_right_answer_and_a_forbidden_word_neither() -> None:
    asked = Asked("On warfarin?", "Patient/a", ("answered",), (), ("yes",))
    assert asked.fault(answer("No.", "refused")).startswith("status refused")
    assert asked.fault(answer("Yes, she is.")).startswith("says yes")
    assert asked.fault(answer("No.")) == ""


def healthy(**changes: Any) -> Checked:
    chart, picture = Asked("?"), Asked("?", image=Image(media_type="image/png", data=b""))
    made: dict[str, Any] = {
        "answers": [(chart, answer("a"))] * 20 + [(picture, answer("a"))] * 5,
        "figures": [Figure()] * 50,
        "peak_bytes": 20 * 2**30,
        "thinking_tokens": 256,
        "steps": 50,
        **changes,
    }
    return Checked(**made)


def test_a_healthy_model_needs_nothing() -> None:
    assert list(advice(healthy())) == []
    told = dict(lines(healthy()))
    assert told["chart questions right"] == "20 of 20"
    assert told["tokens a second, written"] == "median 30.0"
    assert told["prompt tokens that needed no reading"] == "83 %"
    assert told["memory at its peak"] == "20.0 GiB"


def off() -> Iterator[tuple[dict[str, Any], str]]:
    chart, picture = Asked("?"), Asked("?", image=Image(media_type="image/png", data=b""))
    yield {"invalid": 1}, "special tokens"
    yield {"faults": [(chart, "wrong")] * 7}, "chat_template"
    yield {"faults": [(picture, "wrong")] * 3}, "preprocessor_config"
    yield {"figures": [Figure(thinking=256)] * 3}, "Thinking runs into its bound"
    yield {"figures": [Figure(thinking=0)] * 3}, "It never thinks"
    yield {"figures": [Figure(tokens_per_second=1)] * 3}, "writes slowly"
    yield {"figures": [Figure(first_token=30)] * 3}, "first token takes long"


@pytest.mark.parametrize(("changes", "says"), list(off()))
def test_each_figure_that_is_off_has_its_advice(changes: dict[str, Any], says: str) -> None:
    (told,) = advice(healthy(**changes))
    assert says in told
