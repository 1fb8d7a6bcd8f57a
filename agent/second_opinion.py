"""Two answers to one question compared: status, records cited, numbers and dates."""

from collections.abc import Iterator

from agent.grounding.written import CITATION, blank, dates_in, numbers_in
from agent.messages import Answer, SecondOpinion

_TELLING = ("answered", "not_in_chart", "needs_review")


def second_opinion(answer: Answer, other: Answer) -> SecondOpinion:
    """`other`, the offline planner's, beside a model's answer to the same question.

    Of numbers and dates, each may tell more than the other; where both tell what the other does not, they
    differ. The records cited differ where they have none in common.
    """
    comparable = answer.status in _TELLING and other.status in _TELLING
    differences = tuple(_differences(answer, other)) if comparable else ()
    return SecondOpinion(
        model=other.model,
        status=other.status,
        answer=other.answer,
        citations=other.citations,
        agrees=not differences if comparable else None,
        differences=differences,
    )


def _differences(answer: Answer, other: Answer) -> Iterator[str]:
    if {answer.status, other.status} == {"answered", "not_in_chart"}:
        yield f"status {answer.status} against {other.status}"
    cited = {citation.ref for citation in answer.citations}
    cited_there = {citation.ref for citation in other.citations}
    if cited and cited_there and not cited & cited_there:
        yield f"records {_said(cited)} against {_said(cited_there)}"
    for what, read in (("numbers", _numbers), ("dates", _dates)):
        told, there = read(answer.answer), read(other.answer)
        only = {one for one in told if not _is_among(one, there)}
        only_there = {one for one in there if not _is_among(one, told)}
        if only and only_there:
            yield f"{what} {_said(only)} against {_said(only_there)}"


def _dates(text: str) -> set[str]:
    """Dates as ISO, full or partial."""
    days = [day for dated in dates_in(CITATION.sub(" ", text)) for day in dated.readings if day.year]
    return {
        "-".join([f"{day.year:04d}", *(f"{part:02d}" for part in (day.month, day.day) if part)])
        for day in days
    }


def _numbers(text: str) -> set[str]:
    text = CITATION.sub(" ", text)
    for dated in list(dates_in(text)):
        text = blank(text, dated.start, dated.end)
    return {f"{one.number.op}{one.number.value.normalize():f}" for one in numbers_in(text)}


def _is_among(one: str, others: set[str]) -> bool:
    """Whether it is told there too; of a date, at that precision or a coarser one."""
    return one in others or any(
        one.startswith(f"{other}-") or other.startswith(f"{one}-") for other in others
    )


def _said(these: set[str]) -> str:
    return ", ".join(sorted(these))
