"""Conversions between UCUM units, and between mass, substance and charge of the analytes that are known.

units.json holds what the UCUM registry says of the units that charts and people use most. Of any other unit
the registry is asked, which takes two seconds to build: call from a thread. conversions.json holds the units
that charts write otherwise than UCUM does, molar masses (IUPAC 2021 atomic weights; what the mass is reported
as, where that is not the molecule: urea nitrogen, phosphorus, triolein), valences, and the line between the
HbA1c of NGSP and of IFCC.
"""

import json
import math
import re
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from mcp_servers.fhir.charts.elements import Resource, plain
from mcp_servers.fhir.charts.errors import UnusableUnit
from mcp_servers.fhir.charts.measurement_names import known_as

LONGEST_UNIT = 40
LEAST_DIGITS, MOST_DIGITS = 4, 6
# A factor's digits that rounding in binary leaves as they are: 1 mg/L is 1 ug/mL, not 1.0000000000000002.
_EXACT = 12

# Two threads that built the registry at once would define every unit twice.
_ONE_AT_A_TIME = Lock()
_ANNOTATION = re.compile(r"\{[^}]*\}")
# An annotation that divides by itself stands for what is divided by: a body surface, a day's volume.
_DIVISOR = re.compile(r"/(\{[^}]*\})")
# International and other arbitrary units: UCUM says that they are commensurable with nothing else.
_ARBITRARY = re.compile(r"\[[^\]]*U\]")
# 10*999999999 would be computed.
_HUGE_EXPONENT = re.compile(r"\d{4}|[*^\]A-Za-z][+-]?\d{3}")


class Substance(NamedTuple):
    """What an analyte weighs (g/mol) and its charge; `line` is a published equation between two units."""

    name: str
    molar_mass: float | None
    valence: int | None
    line: "Line | None"
    between: tuple[str, str] | None


class Line(NamedTuple):
    """`slope * value + intercept`, and how it is told to a person."""

    slope: float
    intercept: float
    how: str

    def at(self, value: float) -> float:
        """The value in the other unit, to as many digits as it was recorded with, but four to six.

        Charts hold results of a computation with 16 digits, which no device measured.
        """
        recorded = len(re.sub(r"e.*|\D", "", plain(value)).lstrip("0"))
        digits = min(max(LEAST_DIGITS, recorded), MOST_DIGITS)
        return significant(self.slope * value + self.intercept, digits)


class Unit(NamedTuple):
    """One of a unit is `slope * n + intercept` in base units of its dimensions; a logarithm has no slope.

    `molar`: it counts moles. `charges` is the exponent of equivalents, which pint takes for moles.
    """

    slope: float
    intercept: float
    dimensions: dict[str, float]
    molar: bool
    charges: float


def significant(value: float, digits: int = LEAST_DIGITS) -> float:
    """A number rounded to so many significant digits."""
    return float(f"{value:.{digits}g}")


def ucum(written: str) -> str:
    """A unit as UCUM writes it, where charts are known to write it otherwise."""
    tidy = written.strip().replace("µ", "u").replace("μ", "u")
    return _table()[0].get(tidy, tidy)


def checked_unit(written: str) -> str:
    """The UCUM unit that an argument names. Raises UnusableUnit."""
    code = ucum(written)
    with _ONE_AT_A_TIME:
        known = _read(code)
    if known is None:
        raise UnusableUnit("`unit` must be a UCUM unit, such as mmol/L, mg/dL, kg, [lb_av], Cel or mm[Hg]")
    return code


@lru_cache(maxsize=1000)
def _known_conversion(source: str, target: str, substances: frozenset[Substance]) -> Line | None:
    published = [_published(source, target, one) for one in substances if one.between]
    if published:
        return published[0] or _commensurable(source, target)
    plain_line = _commensurable(source, target)
    if plain_line is not None or not substances:
        return plain_line
    lines = {_through_moles(source, target, one) for one in substances}
    return lines.pop() if len(lines) == 1 else None


def conversion(source: str, target: str, concept: object) -> Line | None:
    """The way from one unit to another for what `concept` measures; None where none is known for certain.

    What is measured counts by its LOINC code, else by its name; it is needed between mass, substance and
    charge. Units with different divisors (`{1.73_m2}`), arbitrary units and mole fractions convert only to
    their like.
    """
    written, source, target = source, ucum(source), ucum(target)
    if source == target:
        return Line(1.0, 0.0, f"{written} = {target}")
    by_name, names = _table()[1], known_as(concept)
    known = frozenset(by_name[name] for name in names if name in by_name)
    with _ONE_AT_A_TIME:
        return _known_conversion(source, target, known)


@cache
def _table() -> tuple[dict[str, str], dict[str, Substance]]:
    """Units as charts write them, to UCUM; and substances by the everyday names of their measurements."""
    raw: Resource = json.loads(Path(__file__).with_name("conversions.json").read_text("utf-8"))
    by_name: dict[str, Substance] = {}
    for one in raw["substances"]:
        line = one.get("line")
        substance = Substance(
            one["name"],
            one.get("molar_mass"),
            one.get("valence"),
            line and Line(line["slope"], line["intercept"], line["source"]),
            line and (line["from"], line["to"]),
        )
        by_name.update((name, substance) for name in one["measurements"])
    return raw["written"], by_name


def substances() -> dict[str, Substance]:
    """The substances whose molar mass or equation is known, by the everyday names of their measurements."""
    return _table()[1]


def _published(source: str, target: str, substance: Substance) -> Line | None:
    ends = (_ANNOTATION.sub("", source), _ANNOTATION.sub("", target))
    line = substance.line
    if line is None or substance.between is None:
        return None
    start, end = substance.between
    how = f"{end} = {line.slope} x {start} + {line.intercept}, {line.how}"
    if ends == (start, end):
        return Line(line.slope, line.intercept, how)
    if ends == (end, start):
        return Line(1 / line.slope, -line.intercept / line.slope, how)
    return None


@cache
def _registry() -> Any:
    from ucumvert import PintUcumRegistry  # type: ignore[import-untyped]

    return PintUcumRegistry()


@cache
def _usual() -> dict[str, Unit]:
    raw: Resource = json.loads(Path(__file__).with_name("units.json").read_text("utf-8"))
    return {code: Unit(*of) for code, of in raw.items()}


def _read(code: str) -> Unit | None:
    return _usual().get(code) or worked_out(code)


@lru_cache(maxsize=1000)
def worked_out(code: str) -> Unit | None:
    """A UCUM unit as the registry has it; None for what is no unit, or only an annotation."""
    bare = _ANNOTATION.sub("", code)
    if not bare or len(code) > LONGEST_UNIT or not code.isascii() or _HUGE_EXPONENT.search(bare):
        return None
    try:
        one = _registry().from_ucum(code)
        dimensions = {name: float(exponent) for name, exponent in one.dimensionality.items()}
        items = list(one.unit_items())
    except Exception:  # lark, pint and arithmetic each raise their own for what they cannot read
        return None
    molar = any("[substance]" in _registry().get_dimensionality(name) for name, _ in items)
    charges = float(sum(exponent for name, exponent in items if "equivalent" in name))
    try:
        values = [float(type(one)(n * one.magnitude, one.units).to_base_units().magnitude) for n in (0, 1, 2)]
    except Exception:  # pint's own, for units that have no sum or power, and arithmetic's
        return Unit(0.0, 0.0, dimensions, molar, charges)
    zero, first, second = values
    linear = all(map(math.isfinite, values)) and math.isclose(second - first, first - zero, rel_tol=1e-9)
    return Unit(first - zero if linear else 0.0, zero if linear else 0.0, dimensions, molar, charges)


def _alike(source: str, target: str) -> bool:
    """Whether what pint does not see is the same in both units: divisors in words, arbitrary units."""
    return all(
        sorted(part.casefold() for part in pattern.findall(source))
        == sorted(part.casefold() for part in pattern.findall(target))
        for pattern in (_DIVISOR, _ARBITRARY)
    )


def _commensurable(source: str, target: str) -> Line | None:
    """Units of one dimension: a factor, or a line for temperatures; logarithms are no line."""
    one, other = _read(source), _read(target)
    if (
        one is None
        or other is None
        or not _alike(source, target)
        or not (one.slope and other.slope)
        or one[2:] != other[2:]
    ):
        return None
    return _line(source, target, one.slope / other.slope, (one.intercept - other.intercept) / other.slope, "")


def _through_moles(source: str, target: str, substance: Substance) -> Line | None:
    one, other = _read(source), _read(target)
    if one is None or other is None or not _alike(source, target):
        return None
    if not (one.slope and other.slope) or one.intercept or other.intercept:
        return None
    factor = one.slope / other.slope
    said = []
    charges = one.charges - other.charges
    if charges:
        if substance.valence is None:
            return None
        factor *= substance.valence**-charges
        said.append(f"valence {substance.valence}")
    dimensions, wanted = one.dimensions, other.dimensions
    apart = {name: dimensions.get(name, 0) - wanted.get(name, 0) for name in {*dimensions, *wanted}}
    mass = apart.pop("[mass]", 0)
    if mass:
        if substance.molar_mass is None or abs(mass) != 1 or apart.pop("[substance]", 0) != -mass:
            return None
        factor *= (substance.molar_mass * _usual()["g/mol"].slope) ** -mass
        said.append(f"{substance.molar_mass:g} g/mol")
    if not said or any(apart.values()):
        return None
    return _line(source, target, factor, 0.0, f" ({substance.name}, {', '.join(said)})")


def _line(source: str, target: str, slope: float, intercept: float, why: str) -> Line:
    slope, intercept = significant(slope, _EXACT), significant(intercept, _EXACT)
    if abs(intercept) < 1e-9:
        return Line(slope, 0.0, f"1 {source} = {significant(slope):g} {target}{why}")
    sign = "+" if intercept > 0 else "-"
    said = f"{target} = {significant(slope):g} x {source} {sign} {significant(abs(intercept)):g}{why}"
    return Line(slope, intercept, said)
