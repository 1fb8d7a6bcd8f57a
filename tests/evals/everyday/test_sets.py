"""The two sets of sentences, the questions out of reach and the chains: whole, and apart."""

import tomllib
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest

from evals.everyday.beyond import beyond
from evals.everyday.chains import chains
from evals.everyday.questions import INTENTS, questions, wordings
from evals.gold.chart import Chart, charts
from fhir_fixtures.charts import resources

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def held() -> list[Chart]:
    return list(charts(resources(), NOW))


def told(name: str) -> dict[str, Any]:
    return tomllib.loads((files("evals") / f"{name}.toml").read_text(encoding="utf-8"))


def test_every_intent_has_sentences_in_both_sets_and_none_is_in_both() -> None:
    development, sealed = (wordings(which)["intents"] for which in ("development", "sealed"))
    assert set(development) == set(sealed) == set(INTENTS)
    assert min(len(sentences) for sentences in sealed.values()) >= 5
    plain = [
        {one.lower().strip(" ?.") for sentences in said.values() for one in sentences}
        for said in (development, sealed)
    ]
    assert not plain[0] & plain[1]


@pytest.mark.parametrize("which", ["development", "sealed"])
def test_a_set_asks_five_hundred_questions_over_the_sample_charts(held: list[Chart], which: str) -> None:
    asked = questions(held, which)
    assert len(asked) >= 500
    assert {one.intent for one in asked} == set(INTENTS)
    assert len({one.id for one in asked}) == len(asked)
    assert not [one.text for one in asked if "{" in one.text]


def test_two_hundred_questions_are_out_of_reach(held: list[Chart]) -> None:
    asked = [*beyond(held, "development"), *beyond(held, "sealed")]
    assert len(asked) == len({one.text.lower() for one in asked}) == 200
    assert {one.expected.status for one in asked} == {"refused"}


def test_chains_have_two_to_five_turns(held: list[Chart]) -> None:
    of_set = {which: chains(held, which) for which in ("development", "sealed")}
    asked = [*of_set["development"], *of_set["sealed"]]
    assert len(of_set["sealed"]) == 30
    assert len(of_set["development"]) > 100
    assert {len(chain.texts) for chain in asked} <= {2, 3, 4, 5}
    assert all(len(chain.texts) == len(chain.expected) for chain in asked)


@pytest.mark.parametrize("name", ["wordings", "beyond", "chains"])
@pytest.mark.parametrize("which", ["development", "sealed"])
def test_every_file_has_its_authors_note(name: str, which: str) -> None:
    assert told(f"{which}_{name}")["note"].strip().startswith("Author's note.")
