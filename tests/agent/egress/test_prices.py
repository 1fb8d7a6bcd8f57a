"""The price table: what a model costs on a day, and what a table of a clinic's own may hold."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.egress.prices import price_table
from agent.errors import UsageError

DAY = date(2026, 11, 23)
ROW = """
[[price]]
model = "large-1"
vendor = "V"
input = 0.1
output = 0.3
seen = 2026-11-01
source = "our contract"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    return path


def test_every_price_of_ours_has_a_source_and_a_day_that_is_past() -> None:
    for row in price_table().rows:
        assert row.source.startswith("https://")
        assert row.seen <= DAY
        assert row.output > row.input > (row.cached or 0)


def test_a_sum_of_many_small_prices_is_exact(tmp_path: Path) -> None:
    price = price_table(written(tmp_path, ROW)).of("large-1", DAY)
    assert price
    assert sum((price.cost(1, 1) for _ in range(10)), Decimal(0)) == Decimal("0.000004")


def test_cached_tokens_cost_what_is_known_of_them_or_as_much_as_others(tmp_path: Path) -> None:
    opus = price_table().of("claude-opus-5-5", DAY)
    assert opus
    assert opus.cost(1_000_000, 0) == 4
    assert opus.cost(1_000_000, 0, 500_000) == Decimal("2.1")
    unknown = price_table(written(tmp_path, ROW)).of("large-1", DAY)
    assert unknown
    assert unknown.cost(1_000_000, 0, 500_000) == unknown.cost(1_000_000, 0)


def test_a_long_prompt_makes_the_whole_request_dearer() -> None:
    haiku = price_table().of("claude-haiku-5-5", DAY)
    assert haiku
    assert haiku.cost(100_000, 1_000_000) == Decimal("0.51")
    assert haiku.cost(100_001, 1_000_000) == Decimal("2.5500005")


def test_a_price_holds_to_its_last_day_and_the_next_one_from_then_on() -> None:
    prices = price_table()
    last, first = (prices.of("gemini-4-argon", day) for day in (date(2026, 11, 30), date(2026, 12, 1)))
    assert last
    assert first
    assert [last.input, first.input] == [Decimal(2), Decimal(4)]
    assert prices.models.count("gemini-4-argon") == 1


def test_a_price_that_ran_out_is_not_known_any_more(tmp_path: Path) -> None:
    prices = price_table(written(tmp_path, ROW + "until = 2026-11-22\n"))
    assert prices.of("large-1", DAY) is None


@pytest.mark.parametrize(
    "name", ["claude-haiku-4-5-20251001", "Claude-Haiku-4-5", "claude-haiku-4-5-2025-10-01"]
)
def test_a_dated_snapshot_costs_what_its_model_costs(name: str) -> None:
    assert price_table().of(name, DAY) == price_table().of("claude-haiku-4-5", DAY)


@pytest.mark.parametrize("name", ["", "medgemma-27b-it", "claude-haiku", "claude-haiku-4-5-preview"])
def test_a_model_that_is_not_in_the_table_has_no_price(name: str) -> None:
    assert price_table().of(name, DAY) is None


@given(prompt=st.integers(0, 2_000_000), cached=st.integers(0, 3_000_000), completion=st.integers(0, 200_000))
def test_what_is_cached_never_costs_more_and_nothing_costs_less_than_nothing(
    prompt: int, cached: int, completion: int
) -> None:
    for price in price_table().rows:
        assert 0 <= price.cost(prompt, completion, cached) <= price.cost(prompt, completion)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "cannot be read as TOML"),
        ("", r"write a table \[\[price\]\]"),
        ("price = 3", r"write a table \[\[price\]\]"),
        ("price = [3]", "price 1: the row"),
        (ROW + "[other]", r"write a table \[\[price\]\]"),
        (ROW.replace("0.1", "-0.1"), "price 1: input"),
        (ROW.replace("0.1", "nan"), "price 1: input"),
        (ROW.replace("0.1", '"much"'), "price 1: input"),
        (ROW.replace("input = 0.1\n", ""), "price 1: input: Field required"),
        (ROW.replace("source", "sauce"), "price 1: s"),
        (ROW + "long = { over = 5, input = 1 }", "price 1: long.output"),
        (ROW + ROW, "price 2: a second one for large-1"),
    ],
)
def test_a_table_that_is_none_says_where_it_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        price_table(written(tmp_path, text))


def test_a_table_that_is_not_there_or_no_text_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"prices\.toml cannot be read"):
        price_table(tmp_path / "prices.toml")
    (tmp_path / "prices.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read as TOML"):
        price_table(tmp_path / "prices.toml")
