"""How sentences mean what they mention: a table of cases, and the rules for several mentions at once."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.fhir.notes.mentions import meanings

TABLE = tomllib.loads(Path(__file__).with_name("mention_cases.toml").read_text("utf-8"))
CASES = [(kind, case) for kind, table in TABLE.items() for case in table["cases"]]


def marked(case: str) -> tuple[str, list[tuple[int, int]]]:
    """A sentence without its brackets, and where they were."""
    before, _, rest = case.partition("[")
    mention, _, after = rest.partition("]")
    return before + mention + after, [(len(before), len(before) + len(mention))]


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_a_mention_means_what_the_table_says(kind: str, case: str) -> None:
    expected = {} if kind == "plain" else dict.fromkeys(kind.split("_"), True)
    assert meanings(*marked(case), None) == expected


@pytest.mark.parametrize(
    ("heading", "sentence", "expected"),
    [
        ("Family History", "Diabetes.", {"family": True}),
        ("FHx", "Diabetes.", {"family": True}),
        ("Patient denies", "Patient denies:\nDiabetes", {"negated": True}),
        ("Patient denies", "- Diabetes", {"negated": True}),
        ("Patient denies", "She has Diabetes.", {}),
        ("Return precautions", "- Diabetes", {"hypothetical": True}),
        ("Past Medical History", "Diabetes.", {}),
        ("Family meeting", "Diabetes.", {}),
        (None, "- Diabetes", {}),
    ],
)
def test_a_heading_tells_of_what_stands_under_it(
    heading: str | None, sentence: str, expected: dict[str, bool]
) -> None:
    at = sentence.index("Diabetes")
    assert meanings(sentence, [(at, at + 8)], heading) == expected


def test_a_sentence_that_denies_one_mention_and_states_another_does_so_in_part() -> None:
    sentence = "Denies pain at rest but has pain on walking."
    assert meanings(sentence, [(7, 11), (28, 32)], None) == {"negated": "in part"}


def test_of_very_many_mentions_some_are_looked_at_and_the_others_not_claimed() -> None:
    sentence = "no pain " * 30
    mentions = [(at + 3, at + 7) for at in range(0, 240, 8)]
    assert meanings(sentence, mentions[:20], None) == {"negated": True}
    assert meanings(sentence, mentions, None) == {"negated": "in part"}


@given(st.text(max_size=80), st.integers(0, 80), st.integers(0, 80), st.one_of(st.none(), st.text()))
def test_any_sentence_can_be_read(sentence: str, start: int, length: int, heading: str | None) -> None:
    start = min(start, len(sentence))
    assert set(meanings(sentence, [(start, start + length)], heading).values()) <= {True}
