"""Where the embedded store answers otherwise than HAPI on purpose, and why."""

from dataclasses import dataclass

from tests.contract.exchange import Answer


@dataclass(frozen=True)
class Difference:
    """What the embedded store answers where HAPI does not; fields that are not named here are the same."""

    reason: str
    embedded: Answer


DIFFERENCES: dict[str, Difference] = {}


def deviation(answer: Answer, recorded: Answer) -> Answer:
    """The fields of `answer` that are not as recorded; None stands for one that is missing."""
    return {
        key: answer.get(key) for key in sorted({*answer, *recorded}) if answer.get(key) != recorded.get(key)
    }


def permitted(name: str) -> Answer:
    """The deviation that is listed for the request: no more and no less is accepted."""
    return DIFFERENCES[name].embedded if name in DIFFERENCES else {}
