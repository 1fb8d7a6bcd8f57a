"""The lines of `data`: a file a kind, a concept a line (data/NOTICE.md says whose the codes are)."""

import json
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple, get_args

Kind = Literal[
    "measurement", "panel", "condition", "drug", "class", "procedure", "imaging", "substance", "vaccine"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_FILES: dict[Kind, str] = {
    "measurement": "measurements",
    "panel": "panels",
    "condition": "conditions",
    "drug": "drugs",
    "class": "drug_classes",
    "procedure": "procedures",
    "imaging": "imaging",
    "substance": "substances",
    "vaccine": "vaccines",
}
SYSTEMS = ("loinc", "snomed", "icd10cm", "rxnorm", "cvx", "local")
_DATA = files("dictionary").joinpath("data")


class Entry(NamedTuple):
    """One thing that people name in many ways.

    `said` are names that people use, and that in a record's name may mean otherwise (a stent, a reflux).
    `members` are the names of narrower entries: a drug class's ingredients, a panel's measurements, the
    kinds of a condition, the parts of a blood pressure. `codes` stand with the key of their system (SYSTEMS);
    one of icd10cm is often a category, which stands for all codes that begin so. Of a picture, `modality` is
    DICOM's code (US, CT) and `site` what is looked at.
    """

    name: str
    kind: Kind
    names: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    codes: tuple[tuple[str, str], ...] = ()
    modality: tuple[str, ...] = ()
    site: str = ""


@cache
def entries(kind: Kind) -> tuple[Entry, ...]:
    """The entries of a kind, in the order of its file."""
    lines = _read(f"{_FILES[kind]}.jsonl").splitlines()
    return tuple(_entry(kind, one) for one in json.loads(f"[{','.join(lines)}]"))  # at once is faster


@cache
def other_names() -> tuple[str, ...]:
    """Words that look like a name of the dictionary and mean something else, which has no entry."""
    return tuple(json.loads(_read("other_names.json")))


def _entry(kind: Kind, line: dict[str, Any]) -> Entry:
    return Entry(
        line["name"],
        kind,
        names=tuple(line.get("names", ())),
        said=tuple(line.get("said", ())),
        members=tuple(line.get("members", ())),
        codes=tuple([(system, code) for system in SYSTEMS if system in line for code in line[system]]),
        modality=tuple(line.get("modality", ())),
        site=line.get("site", ""),
    )


def _read(file: str) -> str:
    return _DATA.joinpath(file).read_text("utf-8")
