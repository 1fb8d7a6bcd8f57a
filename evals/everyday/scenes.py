"""What a question can be about: the slots of its sentence, and what its right answer is worked out from."""

import hashlib
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from evals.gold.chart import Chart
from evals.gold.expected import Expected

Scene = dict[str, Any]  # slots of the sentence (texts), and what the gold needs (results, days, records)
Names = Mapping[str, Mapping[str, Sequence[str]]]  # kind -> concept -> what people call it


@dataclass(frozen=True)
class Intent:
    """An intent: the scenes of a chart in which it can be asked for, and the right answer in one."""

    scenes: Callable[[Chart, Names], Iterator[Scene]]
    answer: Callable[[Scene], Expected | None]


@cache
def concepts() -> dict[str, Any]:
    """What concepts.toml holds."""
    return tomllib.loads((files("evals") / "concepts.toml").read_text(encoding="utf-8"))


def drawn(*about: object) -> int:
    """A number that is the same in every run, and differs from one subject to the next."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, about)).encode()).digest()[:6])


def pick(options: Sequence[Any], *about: object) -> Any:
    """One of the options, the same in every run."""
    return options[drawn(*about) % len(options)]


def dates(day: date, name: str = "date") -> Scene:
    """A day as sentences write it: `{date}`, `{date_iso}`, `{date_us}`."""
    return {
        name: f"{day.day} {day:%B} {day.year}",
        f"{name}_iso": day.isoformat(),
        f"{name}_us": f"{day:%b} {day.day}, {day.year}",
    }


def person(chart: Chart) -> Scene:
    """The pronouns of the patient: `{she}`, `{her}`, `{hers}`."""
    gender = chart.patient.get("gender")
    if gender == "male":
        return {"she": "he", "her": "him", "hers": "his"}
    if gender == "female":
        return {"she": "she", "her": "her", "hers": "her"}
    return {"she": "the patient", "her": "the patient", "hers": "the patient's"}
