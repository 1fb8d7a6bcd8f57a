"""What a real HAPI answered: the committed recording that the embedded store is held against."""

import json
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from tests.contract.exchange import Answer, Case

FILE = Path(__file__).with_name("hapi_recording.json")


@dataclass(frozen=True)
class Recording:
    """The HAPI version, the digest of the charts it held, and its answers.

    `reads` are requests that change nothing, with their answers; `writes` the answers of each scenario, by
    the number and name of the request.
    """

    hapi: str
    charts: str
    reads: list[tuple[Case, Answer]]
    writes: dict[str, dict[str, Answer]]


@cache
def recorded() -> Recording:
    """The committed recording."""
    kept = json.loads(FILE.read_text("utf-8"))
    return Recording(
        hapi=kept["hapi"],
        charts=kept["charts"],
        reads=[(_case(entry["request"]), entry["answer"]) for entry in kept["reads"]],
        writes=kept["writes"],
    )


def write(recording: Recording) -> None:
    """Replaces the committed recording; one line a request, so that changes can be read."""
    reads = ",\n".join(
        _line({"request": request(case), "answer": answer}) for case, answer in recording.reads
    )
    writes = ",\n".join(
        f"{_line(scenario)}: {{\n{_members(answers)}\n}}" for scenario, answers in recording.writes.items()
    )
    head = f'"hapi": {_line(recording.hapi)},\n"charts": {_line(recording.charts)}'
    FILE.write_text(f'{{\n{head},\n"reads": [\n{reads}\n],\n"writes": {{\n{writes}\n}}\n}}\n', "utf-8")


def _members(answers: dict[str, Answer]) -> str:
    return ",\n".join(f"{_line(name)}: {_line(answer)}" for name, answer in answers.items())


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def request(case: Case) -> dict[str, Any]:
    """The request without what is as usual, and without what plain Python expects of it."""
    usual = {field.name: field.default for field in fields(Case)}
    return {
        name: value for name, value in asdict(case).items() if name != "expected" and value != usual[name]
    }


def _case(request: dict[str, Any]) -> Case:
    headers = tuple((name, value) for name, value in request.pop("headers", ()))
    return Case(**request, headers=headers)
