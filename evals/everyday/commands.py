"""What the commands `everyday` and `chains` of `python -m evals` do: ask, judge, tell."""

import argparse
import asyncio
import tempfile

from agent.messages import Answer
from evals.everyday import asking, report
from evals.everyday.questions import SETS, questions
from evals.gold.chart import charts

WRONG = 0.02  # the share of answers that may be wrong


def everyday(arguments: argparse.Namespace) -> tuple[str, int]:
    """The report on the everyday questions of a set; 1 when more than 2 % are wrong."""
    samples = asking.Everyone(asking.fresh(arguments.seed))
    asked = questions(charts(samples.resources(), asking.NOW), arguments.set)
    given = _answers(arguments, samples, [(one.patient, [one.text]) for one in asked])
    rows = report.judged(asked, [answers[0] for answers in given])
    told = arguments.set == "development" or arguments.show
    lines = [*(report.wrong(rows, refused=arguments.show) if told else []), *report.table(rows)]
    return "\n".join(lines), int(sum(one.outcome == "wrong" for _, _, one in rows) > WRONG * len(rows))


def _answers(
    arguments: argparse.Namespace, samples: asking.Everyone, asked: list[tuple[str, list[str]]]
) -> list[list[Answer]]:
    async def ask() -> list[list[Answer]]:
        with tempfile.TemporaryDirectory() as folder:
            settings = asking.settings_of(folder, arguments.model, arguments.fhir)
            async with asking.navigator(settings, samples) as opened:
                return await asking.answers(opened, asked)

    return asyncio.run(ask())


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options that the commands share."""
    command.add_argument("--set", choices=SETS, default="development", help="default: development")
    command.add_argument("--show", action="store_true", help="print each wrong and each refused question")
    command.add_argument("--seed", type=int, default=asking.SEED, help="of the fresh charts")
    command.add_argument("--model", help="as for ehr-navigator ask")
    command.add_argument("--fhir", help="FHIR base that holds the charts (default: the embedded store)")
