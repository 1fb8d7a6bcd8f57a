"""What hosted models charge: a dated table, and what so many tokens cost by it, in US dollars."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.errors import UsageError

MILLION = 1_000_000
# Vendors serve a model under its name and under that of a dated snapshot, at one price.
_SNAPSHOT = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2})$")


class Rates(BaseModel):
    """US dollars a million tokens. Where `cached` is not known, such tokens count as `input`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)
    cached: Decimal | None = Field(None, ge=0)

    def cost(self, prompt: int, completion: int, cached: int) -> Decimal:
        """US dollars for a request; `cached` of the prompt's tokens the vendor still held."""
        held = self.input if self.cached is None else self.cached
        cached = min(cached, prompt)
        return ((prompt - cached) * self.input + cached * held + completion * self.output) / MILLION


class LongRates(Rates):
    """What a request costs, all of it, whose prompt has more than `over` tokens."""

    over: int = Field(gt=0)


class Price(Rates):
    """What a vendor charges for a model, to the day `until` if any; `seen` is when `source` said so."""

    model: str = Field(min_length=1)
    vendor: str = Field(min_length=1)
    long: LongRates | None = None
    until: date | None = None
    seen: date
    source: str = Field(min_length=1)
    note: str = ""

    def cost(self, prompt: int, completion: int, cached: int = 0) -> Decimal:
        """US dollars for one request to the model."""
        if self.long and prompt > self.long.over:
            return self.long.cost(prompt, completion, cached)
        return super().cost(prompt, completion, cached)


@dataclass(frozen=True)
class PriceTable:
    """The prices of several models, some of them for a time."""

    rows: tuple[Price, ...]

    def of(self, model: str, on: date) -> Price | None:
        """What a model costs on a day; None where that is not known, which is not to be taken for nothing."""
        wanted = _SNAPSHOT.sub("", model.strip().lower())
        of_model = [row for row in self.rows if row.model.lower() == wanted]
        in_force = [row for row in of_model if row.until is None or on <= row.until]
        return min(in_force, key=lambda row: row.until or date.max, default=None)

    @property
    def models(self) -> list[str]:
        """The names of the models, in the table's order."""
        return list(dict.fromkeys(row.model for row in self.rows))


def price_table(path: Path | None = None) -> PriceTable:
    """The prices in a TOML file, or those that come with this program.

    Raises UsageError for a file that cannot be read, is no TOML or holds what is no price.
    """
    where = str(path) if path else "the price table"
    try:
        text = (path or files("agent") / "egress" / "prices.toml").read_text(encoding="utf-8")
        found = tomllib.loads(text, parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"prices_file {where} cannot be read as TOML: {error}") from None
    rows = found.get("price")
    if found.keys() != {"price"} or not isinstance(rows, list) or not rows:
        raise UsageError(f"prices_file {where}: write a table [[price]] for each model, and nothing else.")
    return PriceTable(tuple(_checked(where, rows)))


def _checked(where: str, rows: Iterable[object]) -> Iterable[Price]:
    seen: set[tuple[str, date | None]] = set()
    for number, row in enumerate(rows, 1):
        try:
            price = Price.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            what = ".".join(map(str, first["loc"])) or "the row"
            raise UsageError(f"prices_file {where}, price {number}: {what}: {first['msg']}") from None
        if (key := (price.model.lower(), price.until)) in seen:
            raise UsageError(f"prices_file {where}, price {number}: a second one for {price.model}.")
        seen.add(key)
        yield price
