"""`ehr-navigator doctor`: what this installation has, what is amiss, and what to do about it, on one page.

It changes nothing, tells nothing of patients, and hangs nowhere: a check that takes too long is a line too.
"""

import argparse
import asyncio
import json
import textwrap
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial

from agent.config import Settings
from agent.doctor import machine, services, trail
from agent.doctor.findings import Found, in_thread
from agent.errors import NavigatorError
from agent.rendering import plain

__all__ = ["Found", "add_commands", "examine", "page"]

Check = Callable[[Settings], Awaitable[list[Found]]]

MARKS = {"ok": "✓ ok  ", "warn": "! warn", "bad": "✗ bad ", "none": "- none"}
SECONDS = 15.0  # a check; a server that takes longer is not well
LONGEST = 60.0  # seconds: torch comes off a cold disk slowly
WIDTH = 100
INDENT = 22

CHECKS: tuple[tuple[str, Check, float], ...] = (
    ("program", partial(in_thread, machine.program), SECONDS),
    ("GPU", partial(in_thread, machine.gpu), SECONDS),
    ("models", partial(in_thread, machine.models), LONGEST),
    ("planner", services.planner, LONGEST),
    ("FHIR server", services.fhir, SECONDS),
    ("MCP tools", services.mcp, SECONDS),
    ("audit trail", partial(in_thread, trail.journal), LONGEST),
    ("policy", partial(in_thread, machine.policy), SECONDS),
    ("disk", partial(in_thread, machine.disk), SECONDS),
    ("offline", partial(in_thread, machine.offline), SECONDS),
)


def add_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", parents: list[argparse.ArgumentParser]
) -> None:
    """The parser of `doctor`."""
    doctor = commands.add_parser(
        "doctor", parents=parents, help="what is amiss here, and what to do about it"
    )
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    doctor.set_defaults(run=_doctor)


def _doctor(settings: Settings, arguments: argparse.Namespace) -> int:
    found = asyncio.run(examine(settings))
    print(json.dumps([asdict(one) for one in found], indent=2) if arguments.json else page(found))
    return 1 if any(one.state == "bad" for one in found) else 0


async def examine(settings: Settings, checks: tuple[tuple[str, Check, float], ...] = CHECKS) -> list[Found]:
    """Every finding, in the order of the page; the checks run side by side."""
    found = await asyncio.gather(*(_looked(*check, settings) for check in checks))
    return [one for several in found for one in several]


async def _looked(name: str, check: Check, seconds: float, settings: Settings) -> list[Found]:
    try:
        async with asyncio.timeout(seconds):
            return await check(settings)
    except TimeoutError:
        fix = "see whether what it asks (a server, a driver, a network folder) hangs or is overloaded"
        return [Found(name, "bad", f"no answer within {seconds:g} s", fix)]
    except NavigatorError as error:
        return [Found(name, "bad", str(error))]
    except Exception as error:  # a broken check is a finding, and no reason to stop
        said = f"cannot be looked at ({type(error).__name__})"
        return [Found(name, "bad", said, "see whether its files and settings are what they should be")]


def page(found: list[Found]) -> str:
    """The findings for a terminal of 100 columns."""
    lines = []
    for one in found:
        # A server may put control characters into what it says of itself.
        head = f"{MARKS[one.state]}  {one.check:<13} {plain(one.said)}"
        lines += _wrapped(head, "", " " * INDENT)
        if one.fix:
            lines += _wrapped(f"to do: {plain(one.fix)}", " " * INDENT, " " * (INDENT + 7))
    bad, warned = (sum(one.state == state for one in found) for state in ("bad", "warn"))
    lines.append("")
    lines.append(f"{bad} to be mended, {warned} to be looked at." if bad or warned else "All is well.")
    return "\n".join(lines)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
