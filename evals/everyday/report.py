"""What came of the everyday questions: by intent, with coverage and risk together, and each wrong answer."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from agent.messages import Answer
from evals.everyday.questions import Everyday
from evals.judging import Judgement, judge

Row = tuple[Everyday, Answer, Judgement]


def judged(asked: Sequence[Everyday], given: Sequence[Answer]) -> list[Row]:
    """Each question with its answer and what it is worth."""
    return [(one, answer, judge(answer, one.expected)) for one, answer in zip(asked, given, strict=True)]


def wrong(rows: Sequence[Row], *, refused: bool = False) -> list[str]:
    """Each wrong answer with its reason; the refused questions too, where they are asked for."""
    lines = []
    for one, answer, judgement in rows:
        if judgement.outcome == "wrong" or (refused and judgement.outcome == "refused"):
            said = " / ".join(answer.answer.splitlines())
            lines.append(f"{judgement.outcome.upper():<8}{one.intent}  {one.patient}  {one.text}")
            lines += [f"        {judgement.fault}"] if judgement.fault else []
            lines.append(f"        {said[:240]}")
    return lines


def table(rows: Sequence[Row]) -> list[str]:
    """A line an intent: right, wrong, refused, precision and recall of the citations; then all of them."""
    by_intent: defaultdict[str, list[Judgement]] = defaultdict(list)
    for one, _, judgement in rows:
        by_intent[one.intent].append(judgement)
    lines = [
        f"{'intent':<28}{'asked':>6}{'right':>7}{'wrong':>7}{'refused':>9}{'precision':>11}{'recall':>8}"
    ]
    lines += [_line(intent, found) for intent, found in by_intent.items()]
    everything = [judgement for _, _, judgement in rows]
    lines.append(_line("all", everything))
    shares = {name: share(rows, name) for name in ("right", "wrong", "refused")}
    answered = shares["right"] + shares["wrong"]
    risk = 100 * shares["wrong"] / answered if answered else 0
    lines.append(", ".join(f"{outcome} {part:.1f} %" for outcome, part in shares.items()))
    lines.append(f"coverage {answered:.1f} % (answered), risk {risk:.1f} % (wrong, of the answered)")
    return lines


def kinds(rows: Sequence[Row]) -> list[str]:
    """A line a kind: how many were asked, and of these how many came out as they must."""
    by_kind: defaultdict[str, list[bool]] = defaultdict(list)
    for one, _, judgement in rows:
        by_kind[one.intent].append(judgement.outcome == "right")
    return [f"{kind:<28}{sum(found):>5} of {len(found)}" for kind, found in by_kind.items()]


def share(rows: Sequence[Row], outcome: str) -> float:
    """Per cent of the questions that came out so."""
    return 100 * sum(judgement.outcome == outcome for _, _, judgement in rows) / len(rows)


def _line(intent: str, found: Sequence[Judgement]) -> str:
    counts = [sum(one.outcome == name for one in found) for name in ("right", "wrong", "refused")]
    precision = [one.precision for one in found if one.precision is not None]
    recall = [one.recall for one in found if one.recall is not None]
    cells = f"{counts[0]:>7}{counts[1]:>7}{counts[2]:>9}"
    return f"{intent:<28}{len(found):>6}{cells}{_mean(precision):>11}{_mean(recall):>8}"


def _mean(values: list[float]) -> str:
    return f"{fmean(values):.3f}" if values else "-"
