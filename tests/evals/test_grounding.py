"""The pairs that measure the grounding check: enough of them, half planted, each error really there."""

from collections import Counter

from evals.grounding import RIGHT, SETS, Pair, flagged, pairs, table

PAIRS = [one for which in SETS for one in pairs(which)]


def test_there_are_three_hundred_pairs_and_half_of_them_hold_an_error() -> None:
    planted = sum(one.kind != RIGHT for one in PAIRS)
    assert len(PAIRS) >= 300
    assert abs(2 * planted - len(PAIRS)) <= len(PAIRS) // 20


def test_an_error_is_planted_in_a_right_answer_of_its_case_and_changes_it() -> None:
    right = {one.text for one in PAIRS if one.kind == RIGHT}
    assert all(one.base in right and one.text not in right for one in PAIRS if one.kind != RIGHT)


def test_every_answer_stands_once() -> None:
    again = [text for text, n in Counter(one.text for one in PAIRS).items() if n > 1]
    assert again == []


def test_an_answer_without_evidence_is_marked() -> None:
    bare = Pair(RIGHT, "What was the last HbA1c?", (), "It was 7.1 % [Observation/a1].", "")
    assert flagged(bare)


def test_the_table_counts_every_planted_error_by_kind() -> None:
    report, _ = table("development")
    lines = [line.rsplit(maxsplit=3) for line in report.splitlines()[1:-2]]
    planted = Counter(one.kind for one in pairs("development") if one.kind != RIGHT)
    assert {kind.strip(): int(n) for kind, n, *_ in lines} == planted
