"""Units as people and as charts write them: which are the same, and which convert."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files

_PER = re.compile(r"\s*/\s*|\s+per\s+", re.IGNORECASE)
_SPELLING = str.maketrans("µμ^²³", "uu*23", "[]{}_ °")
_WHOLE = {"bpm": "beat/min", "mmhg": "mmhg"}
_POWER = r"(?:[x×]\s?)?10[*^]\d+(?:\s?/\s?\w+)?"
_WORD = r"[A-Za-zµμ°\[{][\w\[\]{}*^°.²³µμ]*"
_PLACE = re.compile(
    rf"\s?(?P<power>{_POWER})|[\s-]?(?:%|(?P<first>degrees\s+\w+|mm\s+Hg\b|millimet(?:er"
    rf"|re)s\s+of\s+mercury|{_WORD})?"
    rf"(?:(?:\s?/\s?|\s+per\s+)(?:1\.73\s?(?:{_WORD})|\{{?1\.73_m2\}}?|{_WORD}))*)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Unit:
    """A unit in one spelling; `base` turns a value of it into its dimension's own unit."""

    key: str
    dimension: str
    factor: Decimal = Decimal(1)
    offset: Decimal = Decimal(0)

    def base(self, value: Decimal) -> Decimal:
        return value * self.factor + self.offset

    @property
    def is_time(self) -> bool:
        return self.dimension == "time"


@cache
def _known() -> dict[str, Unit]:
    known: dict[str, Unit] = {}
    for line in files("agent.grounding").joinpath("units.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            key, dimension, factor, offset, *others = line.split()
            unit = Unit(key, dimension, Decimal(factor), Decimal(offset))
            known |= {spelling.replace("_", ""): unit for spelling in (key, *others)}
    return known


@cache
def unit_of(written: str) -> Unit | None:
    """The unit that is written so (`mm[Hg]`, `mmHg`; `10*3/uL`, `x10^3/µL`; `milligrams per deciliter`).

    A compound of parts that are not known is a unit of its own; None where nothing says that it is one.
    """
    text = re.sub(r"\{(?!1\.73)[^}]*\}", "", written.strip().lower()).strip(" .,;:")
    text = _WHOLE.get(text, text)
    parts = [part.translate(_SPELLING) for part in _PER.split(text)]
    units = [_known().get(part) for part in parts]
    if len(parts) == 1:
        opaque = bool(re.search(r"[\[*^°]", text)) and parts[0]
        return units[0] or (Unit(re.sub(r"^[x×](?=10)", "", parts[0]), parts[0]) if opaque else None)
    if all(units):
        found = [unit for unit in units if unit]
        factor = found[0].factor
        for unit in found[1:]:
            factor /= unit.factor
        key = "/".join(unit.key for unit in found).removeprefix("beat")
        return Unit(key, "/".join(unit.dimension for unit in found).removeprefix("one"), factor)
    if parts[0] == "" and units[1]:
        return Unit(f"/{units[1].key}", f"/{units[1].dimension}", 1 / units[1].factor)
    if not any(parts):
        return None
    key = "/".join(unit.key if unit else part for unit, part in zip(units, parts, strict=True))
    key = re.sub(r"^[x×](?=10)", "", key)
    return Unit(key, key)


def unit_at(text: str, at: int) -> tuple[Unit | None, int]:
    """The unit written in the text right at a place (after a number), and where it ends."""
    match = _PLACE.match(text, at)
    if not match or not match.group().strip(" -"):
        return None, at
    if match["power"]:
        return unit_of(match["power"]), match.end()
    said = match.group()
    while said.strip(" -"):
        last = re.search(r"(?:\s?/\s?|\s+per\s+)[^/]*?$", said)
        compound = bool(last)
        unit = unit_of(said.strip(" -"))
        # An "a" in prose is no year: "2 a day".
        if unit and (not compound or _sound(unit)) and said.strip(" -") != "a":
            return unit, at + len(said.rstrip(" .,;:"))
        if not last:
            return None, at
        said = said[: last.start()]
    return None, at


def _sound(unit: Unit) -> bool:
    """Whether the first part of a compound is a unit: `and/or` is none."""
    first = unit.key.split("/")[0]
    return first in _known() or first == "" or bool(re.search(r"[\d*]", first))


def same(value: Decimal, unit: Unit | None, other: Decimal, of: Unit | None, places: int) -> bool:
    """Whether a value in one unit is another in its own, as far as `places` decimals tell.

    Of units with one dimension that are not the same, the converted value may be rounded.
    """
    if unit is None or of is None or unit.key == of.key:
        return value == other
    if unit.dimension != of.dimension:
        return False
    converted = (of.base(other) - unit.offset) / unit.factor
    off = abs(converted - value)
    return off <= Decimal("0.5").scaleb(-places) + abs(converted) * Decimal("0.000001")
