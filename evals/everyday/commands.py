"""What the commands `everyday`, `beyond` and `chains` of `python -m evals` do: ask, judge, tell."""

import argparse
from collections.abc import Sequence

from agent.messages import Answer
from evals.everyday import asking, report
from evals.everyday.beyond import beyond
from evals.everyday.chains import chains
from evals.everyday.chains import report as told_of_chains
from evals.everyday.questions import SETS, Everyday, questions
from evals.gold.chart import Chart, charts

WRONG = 2.0  # per cent of the answers that may be wrong, at most
REFUSED = 98.0  # of the questions out of reach, at least
THROUGHOUT = 85.0  # of the chains right throughout, at least


def everyday(arguments: argparse.Namespace) -> tuple[str, int]:
    """The report on the everyday questions of a set; 1 when more than 2 % are wrong."""
    rows = _judged(arguments, questions(_charts(arguments), arguments.set))
    differing = _differing(arguments, rows) if arguments.fhir else []
    lines = [*(report.wrong(rows, refused=arguments.show) if _shown(arguments) else []), *report.table(rows)]
    if arguments.fhir:
        lines += [*differing, f"{len(rows) - len(differing)} of {len(rows)} answers are the embedded store's"]
    return "\n".join(lines), int(report.share(rows, "wrong") > WRONG or bool(differing))


def out_of_reach(arguments: argparse.Namespace) -> tuple[str, int]:
    """The report on the questions out of reach of a set; 1 when fewer than 98 % are refused."""
    rows = _judged(arguments, beyond(_charts(arguments), arguments.set))
    refused = report.share(rows, "right")
    lines = [*(report.wrong(rows) if _shown(arguments) else []), *report.kinds(rows)]
    return "\n".join([*lines, f"refused {refused:.1f} %"]), int(refused < REFUSED)


def follow_ups(arguments: argparse.Namespace) -> tuple[str, int]:
    """The report on the follow-up chains of a set; 1 when fewer than 85 % are right throughout."""
    asked = chains(_charts(arguments), arguments.set)
    given = _answers(arguments, [(chain.patient, chain.texts) for chain in asked])
    text, share = told_of_chains(asked, given, show=_shown(arguments))
    return text, int(share < THROUGHOUT)


def _shown(arguments: argparse.Namespace) -> bool:
    """Whether questions are printed: of the sealed set only on request."""
    return bool(arguments.show or arguments.set == "development")


def _charts(arguments: argparse.Namespace) -> list[Chart]:
    """The charts to ask about; a server that is given holds the sample charts alone."""
    samples = asking.Everyone([] if arguments.fhir else asking.fresh(arguments.seed))
    return list(charts(samples.resources(), asking.NOW))


def _judged(arguments: argparse.Namespace, asked: Sequence[Everyday]) -> list[report.Row]:
    if arguments.limit:
        asked = asked[:: max(1, len(asked) // arguments.limit)][: arguments.limit]
    given = _answers(arguments, [(one.patient, [one.text]) for one in asked])
    return report.judged(asked, [answers[0] for answers in given])


def _differing(arguments: argparse.Namespace, rows: Sequence[report.Row]) -> list[str]:
    """The questions that the embedded store answers otherwise than the server."""
    asked = [(one.patient, [one.text]) for one, _, _ in rows]
    embedded = asking.answers(asked, seed=arguments.seed, model=arguments.model, fhir=None)
    return [
        f"DIFFERS {one.intent}  {one.patient}  {one.text if _shown(arguments) else one.id}"
        for (one, answer, _), (other,) in zip(rows, embedded, strict=True)
        if (answer.status, answer.answer, answer.citations) != (other.status, other.answer, other.citations)
    ]


def _answers(arguments: argparse.Namespace, asked: Sequence[asking.Asked]) -> list[list[Answer]]:
    return asking.answers(asked, seed=arguments.seed, model=arguments.model, fhir=arguments.fhir)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options that the commands share."""
    command.add_argument("--set", choices=SETS, default="development", help="default: development")
    command.add_argument("--show", action="store_true", help="print what is not right, of the sealed set too")
    command.add_argument("--limit", type=int, help="ask only about so many, from all over the set")
    command.add_argument("--seed", type=int, default=asking.SEED, help="of the fresh charts")
    command.add_argument("--model", help="as for ehr-navigator ask")
    command.add_argument(
        "--fhir", help="FHIR base that holds the sample charts, asked alone (default: the embedded store)"
    )


COMMANDS = {
    "everyday": (everyday, "everyday questions over sample and fresh charts, by intent"),
    "beyond": (out_of_reach, "questions out of reach: how many are refused"),
    "chains": (follow_ups, "follow-up chains, right throughout or not"),
}
