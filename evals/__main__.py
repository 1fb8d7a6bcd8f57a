"""`python -m evals run`: the gold questions; `everyday`: hundreds more; `bench`: speed."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

from agent.app import open_navigator
from agent.config import Settings, load
from agent.messages import Answer
from agent.questions import Asked
from evals import grounding
from evals.bench import audit, commands, session, tools
from evals.bench.calling import open_tools
from evals.bench.serving import measured_server
from evals.deidentification import measuring, utility
from evals.deidentification.notes import notes
from evals.everyday import commands as daily
from evals.graders import grade
from evals.hard_cases import outcomes
from evals.questions import Question, build, out_of_reach
from fhir_fixtures.charts import as_of, resources
from fhir_fixtures.generate.scaled import SIZES


async def answers(settings: Settings, questions: list[Question], concurrency: int) -> dict[str, Answer]:
    """The navigator's answer to each question, by the question's id."""
    asked = [Asked(id=one.id, patient=one.patient, question=one.text) for one in questions]
    async with open_navigator(settings) as navigator:
        return {one.id: answer async for one, answer in navigator.ask_many(asked, concurrency)}


def report(questions: list[Question], given: dict[str, Answer]) -> tuple[str, int]:
    """A line an intent (right, asked), each wrong answer with its reason, and how many are wrong."""
    right: defaultdict[str, int] = defaultdict(int)
    total: defaultdict[str, int] = defaultdict(int)
    wrong = []
    for one in questions:
        fault = grade(given[one.id], one.gold)
        total[one.intent] += 1
        right[one.intent] += not fault
        if fault:
            said = given[one.id].answer.replace("\n", " ")[:160]
            wrong.append(f"{one.id}  {one.patient}  {one.text}\n    {fault}\n    {said}")
    lines = [f"{intent:<28}{right[intent]:>5} of {total[intent]:<5}" for intent in total]
    share = 100 * sum(right.values()) / sum(total.values())
    lines.append(f"{'all':<28}{sum(right.values()):>5} of {sum(total.values()):<5} {share:.1f} %")
    return "\n".join([*wrong, *lines]), len(wrong)


def run(arguments: argparse.Namespace) -> int:
    """Ask, grade, print. Exit 1 when an answer is wrong, or one out of reach was not refused."""
    charts = list(resources())
    now = datetime.fromisoformat(f"{as_of()[:10]}T12:00:00+00:00")
    within = build(charts, now)[: arguments.limit]
    beyond = out_of_reach(sorted({one.patient for one in within}))
    with tempfile.TemporaryDirectory() as folder:
        flags = {"model": arguments.model, "fhir": arguments.fhir, "now": now.isoformat()}
        settings, _ = load({**flags, "data_dir": arguments.data_dir or folder})
        given = asyncio.run(answers(settings, within + beyond, arguments.concurrency))
    if arguments.out:
        lines = [json.dumps({"id": key, **answer.model_dump(mode="json")}) for key, answer in given.items()]
        arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    text, wrong = report(within, given)
    print(text)
    text, unrefused = report(beyond, given)
    print(text)
    return int(unrefused > 0 or wrong > 0)


def measure(arguments: argparse.Namespace) -> int:
    """Print how long each command takes, or what the tools cost. Exit 1 where a limit is not kept."""
    if arguments.what == "commands":
        print(commands.bench())
        return 0
    if arguments.what == "model":
        from evals.bench import model  # needs the extra `local`

        failed = False
        for line in model.measure(arguments.shape):
            print(line, flush=True)
            failed = failed or line.startswith("FAIL")
        return int(failed)
    sizes = tuple(int(size) for size in arguments.sizes.split(","))
    if arguments.what == "session":
        report = session.measure()
    elif arguments.what == "audit":
        report = audit.measure(arguments.fhir, arguments.records, say)
    else:
        report = tools.measure(arguments.fhir, sizes, say, needs_only=arguments.needs_only)
    return asyncio.run(printed(report))


def say(text: str) -> None:
    """Tell what takes long, beside the report."""
    print(text, file=sys.stderr)


async def printed(report: AsyncIterator[str]) -> int:
    """Print a report as it comes; 1 where a limit is not kept."""
    kept = True
    async for line in report:
        print(line, flush=True)
        kept = kept and not line.startswith("FAIL")
    return int(not kept)


def table(arguments: argparse.Namespace) -> int:
    """Print the hard cases with what came of each. Exit 1 when one is wrong."""
    return asyncio.run(hard_case_table(arguments.fhir))


async def hard_case_table(fhir: str | None) -> int:
    """Ask every hard case, printing as answers come."""
    asked = wrong = 0
    async with measured_server(fhir, (), print) as http:
        with tempfile.TemporaryDirectory() as folder:
            async with open_tools(http, Path(folder)) as tools:
                async for one in outcomes(tools.client):
                    asked += 1
                    wrong += one.wrong is not None
                    print(
                        f"{'WRONG' if one.wrong else 'right'}  {one.case.patient or 'any'}: {one.case.case}"
                    )
                    print(f"       asked  {one.case.call}")
                    print(f"       right  {one.case.right}")
                    print(f"       came   {shortened(one.came)}")
                    if one.wrong:
                        print(f"       fault  {one.wrong}")
    print(f"{asked - wrong} of {asked} right, on {fhir or 'the embedded store'}")
    return int(wrong > 0)


def shortened(text: str) -> str:
    """What came on one line."""
    line = " / ".join(text.splitlines()[1:] or text.splitlines())
    return line if len(line) <= 300 else f"{line[:300]}…"


def told(report: str, code: int) -> int:
    """Print a report and give the exit code that goes with it."""
    print(report)
    return code


def strip(arguments: argparse.Namespace) -> int:
    """De-identify the notes of a set, and print how much was taken out."""
    found = measuring.measure(notes(arguments.set))
    if arguments.show:
        print("\n".join(["Missed:", *found.leaks, "Lost:", *found.losses]))
    print(measuring.report(found))
    return 0


def usefulness(arguments: argparse.Namespace) -> int:
    """Ask questions of charts as they are, and de-identified. Exit 1 where an answer differs."""
    now = f"{as_of()[:10]}T12:00:00+00:00"
    asked = build(list(resources()), datetime.fromisoformat(now))
    step = max(1, len(asked) // arguments.limit)
    compared = asyncio.run(utility.compare(asked[::step][: arguments.limit], now))
    told, differing = utility.report(compared, show=arguments.show)
    print(told)
    return 1 if differing else 0


def main() -> int:
    """Choose the command."""
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    parsers = parser.add_subparsers(required=True)
    asking = parsers.add_parser("run", help="ask the gold questions and grade the answers")
    asking.add_argument("--model", help="as for ehr-navigator ask")
    asking.add_argument("--fhir", help="FHIR base that holds the sample charts (default: the embedded store)")
    asking.add_argument(
        "--data-dir", help="keep sessions and journal here (default: a folder that is removed)"
    )
    asking.add_argument("--limit", type=int, help="ask only the first N")
    asking.add_argument("--concurrency", type=int, default=4, help="questions at once (default 4)")
    asking.add_argument("--out", type=Path, help="write every Answer to this JSONL file")
    asking.set_defaults(run=run)
    measuring = parsers.add_parser("bench", help="speed and size, as ratios within one run")
    measuring.add_argument(
        "what", nargs="?", choices=["commands", "tools", "session", "audit", "model"], default="commands"
    )
    measuring.add_argument(
        "--fhir", help="FHIR base that holds the sample charts (default: the embedded store)"
    )
    measuring.add_argument(
        "--shape", choices=["small", "4b", "27b"], default="small", help="of the local model (default small)"
    )
    measuring.add_argument(
        "--sizes", default=",".join(map(str, SIZES)), help="resources of the scaled charts"
    )
    measuring.add_argument(
        "--records", type=int, default=100_000, help="of the audit journal that is verified (default 100000)"
    )
    measuring.add_argument("--needs-only", action="store_true", help="only the list of everyday needs")
    measuring.set_defaults(run=measure)
    hard = parsers.add_parser("hard-cases", help="the hard cases of the sample charts, right or wrong")
    hard.add_argument("--fhir", help="FHIR base that holds the sample charts (default: the embedded store)")
    hard.set_defaults(run=table)
    checking = parsers.add_parser("grounding", help="the grounding check: planted errors found, by kind")
    checking.add_argument("--show", action="store_true", help="print what was missed, and the false alarms")
    checking.add_argument("--set", choices=grounding.SETS, default="development")
    checking.set_defaults(run=lambda given: told(*grounding.table(given.set, show=given.show)))
    stripping = parsers.add_parser(
        "deidentification", help="what is taken out of notes, and what else with it"
    )
    stripping.add_argument("--set", choices=["development", "sealed"], default="development")
    stripping.add_argument("--show", action="store_true", help="print what was missed, and what was lost")
    stripping.set_defaults(run=strip)
    useful = parsers.add_parser("utility", help="are answers from a de-identified chart the same?")
    useful.add_argument("--limit", type=int, default=100, help="questions (default 100)")
    useful.add_argument("--show", action="store_true", help="print the answers that differ")
    useful.set_defaults(run=usefulness)
    for name, (how, about) in daily.COMMANDS.items():
        asking_daily = parsers.add_parser(name, help=about)
        daily.add_arguments(asking_daily)
        asking_daily.set_defaults(run=lambda given, how=how: told(*how(given)))
    arguments = parser.parse_args()
    code: int = arguments.run(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main())
