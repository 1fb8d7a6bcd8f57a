"""The command line: ehr-navigator ask | chat | mcp | fixtures | audit | egress | cost | config."""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from agent import (
    app,
    audit_access,
    audit_cli,
    chores,
    doctor,
    egress_cli,
    fhir_access,
    models_cli,
    rendering,
    serving,
)
from agent.attaching import read_images
from agent.config import Settings, load
from agent.consent import consent
from agent.errors import NavigatorError, Refused, UsageError
from agent.questions import Asked, read_questions

OK, FAILED, USAGE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Exit codes: 0 answered or not in chart, 1 failed, 2 usage, 3 refused or for review."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    try:
        settings, origin = load(
            {name: getattr(arguments, name, None) for name in Settings.model_fields}, file=arguments.config
        )
        arguments.origin = origin
        if getattr(arguments, "opens_charts", False) and fhir_access.charts_missing(settings):
            rendering.Progress(sys.stderr).preparing()
        code: int = arguments.run(settings, arguments)
        return code
    except UsageError as error:
        print(f"ehr-navigator: {error}", file=sys.stderr)
        return USAGE
    except Refused as error:
        print(f"ehr-navigator: {error}", file=sys.stderr)
        return REFUSED
    except NavigatorError as error:
        print(f"ehr-navigator: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("\nStopped. What was asked and read is on the audit trail.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away: nothing is left to say to it
        return FAILED
    except OSError as error:
        print(f"ehr-navigator: {error.strerror}; the output is incomplete.", file=sys.stderr)
        return FAILED


def build_parser() -> argparse.ArgumentParser:
    """All commands and flags; flags that set a setting carry its name."""
    parser = argparse.ArgumentParser(
        prog="ehr-navigator",
        description="Ask a FHIR chart a question; get a short, cited, audited answer.",
        epilog="Answers are preliminary and need checking against the cited records; "
        "they are not for diagnosis or treatment decisions.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    general = argparse.ArgumentParser(add_help=False)
    general.add_argument(
        "--config", type=Path, metavar="FILE", help="TOML settings (default: user config folder)"
    )
    general.add_argument(
        "--data-dir", metavar="DIR", help="where the audit journal and the embedded store live"
    )
    who = argparse.ArgumentParser(add_help=False)
    who.add_argument("--user", metavar="NAME", help="who acts, for the audit trail (default: the account)")
    who.add_argument(
        "--purpose",
        metavar="CODE",
        help="what for, an HL7 v3-PurposeOfUse code (default: TREAT; for the trail HCOMPL)",
    )
    server = argparse.ArgumentParser(add_help=False)
    server.add_argument("--fhir", metavar="URL", help="FHIR R4 base (default: the embedded sample charts)")
    offered = argparse.ArgumentParser(add_help=False)
    offered.add_argument(
        "--tools", metavar="PROFILE", help="core (the simplest few, for small models) | full (default)"
    )
    planner = argparse.ArgumentParser(add_help=False, parents=[offered])
    planner.add_argument(
        "--model",
        metavar="NAME",
        help="offline (default) | local[:NAME] | openai[:NAME][@URL] | scripted:FILE",
    )
    planner.add_argument(
        "--offline-first",
        action="store_true",
        default=None,
        help="try the offline planner before the model, which takes what that refuses",
    )
    planner.add_argument(
        "--second-opinion",
        action="store_true",
        default=None,
        help="compare the model's answer with the offline planner's, and show what differs",
    )
    planner.add_argument(
        "--openai-url", metavar="URL", help="OpenAI-compatible endpoint, on loopback or a clinic host"
    )
    planner.add_argument(
        "--now", metavar="DATE", help="the date on which the question is asked (default: today)"
    )
    whom = argparse.ArgumentParser(add_help=False)
    patient = whom.add_mutually_exclusive_group()
    patient.add_argument("--patient", metavar="REF", help="Patient/id or id; the session is locked to it")
    patient.add_argument(
        "--find-patient", metavar="TEXT", help="name, birth date or identifier of one patient"
    )

    asked = argparse.ArgumentParser(add_help=False)
    asked.add_argument(
        "--image",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a PNG, JPEG or DICOM file, or Media/ID of the chart",
    )
    asked.add_argument(
        "--hosted", action="store_true", help="ask the hosted model, where policy lets anything leave"
    )

    ask = commands.add_parser(
        "ask",
        parents=[general, who, server, planner, whom, asked],
        help="ask a question, or a file of them",
    )
    ask.add_argument("question", nargs="?", help="in plain words, such as 'What was the last HbA1c?'")
    ask.add_argument("--json", action="store_true", help="print the whole Answer object on stdout")
    ask.add_argument(
        "--questions", type=Path, metavar="FILE", help="JSONL: {id, patient, question, now?} a line"
    )
    ask.add_argument(
        "--concurrency", type=_positive, default=1, metavar="N", help="questions at once (default 1)"
    )
    ask.set_defaults(run=_ask, opens_charts=True)

    chat = commands.add_parser(
        "chat", parents=[general, who, server, planner, whom], help="ask and follow up, in the terminal"
    )
    chat.set_defaults(run=_chat, opens_charts=True)

    mcp = commands.add_parser("mcp", help="serve the chart tools, or the audit trail, to an MCP client")
    servers = mcp.add_subparsers(title="servers", required=True, metavar="SERVER")
    served = argparse.ArgumentParser(add_help=False)
    transport = served.add_mutually_exclusive_group(required=True)
    transport.add_argument("--stdio", action="store_true", help="speak MCP on stdin and stdout")
    transport.add_argument(
        "--http", type=_address, metavar="HOST:PORT", help="speak streamable HTTP here (port 0: a free one)"
    )
    served.add_argument(
        "--path-prefix", type=_prefix, default="", metavar="/PATH", help="serve HTTP at /PATH/mcp"
    )
    fhir = servers.add_parser(
        "fhir", parents=[general, who, server, offered, served], help="the chart tools over a FHIR server"
    )
    fhir.add_argument("--patient", metavar="REF", help="lock the server to this patient")
    fhir.add_argument("--now", metavar="DATE", help="the date that counts as today")
    fhir.set_defaults(run=_mcp_fhir, opens_charts=True)
    officer = servers.add_parser(
        "audit", parents=[general, who, server, served], help="the audit trail, for a privacy officer"
    )
    officer.set_defaults(run=_mcp_audit, opens_charts=True)

    fixtures = commands.add_parser("fixtures", help="the synthetic sample charts")
    chores = fixtures.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listed = chores.add_parser("list", parents=[general], help="the sample patients")
    listed.set_defaults(run=_fixtures_list)
    serve = chores.add_parser("serve", parents=[general], help="serve them from the embedded FHIR store")
    serve.add_argument(
        "--port", type=int, default=8090, help="on loopback (default 8090; 0 picks a free one)"
    )
    serve.set_defaults(run=_fixtures_serve, opens_charts=True)
    loading = chores.add_parser("load", parents=[general], help="load them into a FHIR R4 server")
    loading.add_argument(
        "--fhir", metavar="URL", required=True, help="FHIR R4 base of the server to write to"
    )
    loading.set_defaults(run=_fixtures_load)

    audit_cli.add_commands(commands, general, who, server)
    models_cli.add_commands(commands, [general, who])
    doctor.add_commands(commands, [general, who, server, planner])
    egress_cli.add_commands(commands, [general, who, server, audit_cli.sealed()], audit_cli.times())

    config = commands.add_parser(
        "config", parents=[general, who, server, planner], help="the settings, and where each came from"
    )
    config.set_defaults(run=_config)
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8765")
    return host.strip("[]"), int(port)


def _prefix(text: str) -> str:
    path = text.strip("/")
    if not re.fullmatch(r"([\w.~-]+(/[\w.~-]+)*)?", path, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is not a path such as /ehr")
    return path and f"/{path}"


def _ask(settings: Settings, arguments: argparse.Namespace) -> int:
    if (arguments.questions is None) == (arguments.question is None):
        raise UsageError('Ask one question ("What was the last HbA1c?"), or give --questions FILE.')
    if arguments.questions is not None:
        if arguments.patient or arguments.find_patient or arguments.image or arguments.hosted:
            raise UsageError(
                "With --questions each line names its own patient, and has no image: leave out --patient,"
                " --image and --hosted."
            )
        asked = read_questions(arguments.questions)
        return asyncio.run(_ask_many(settings, asked, arguments.concurrency))
    return asyncio.run(_ask_one(settings, arguments))


async def _ask_one(settings: Settings, arguments: argparse.Namespace) -> int:
    progress = rendering.Progress(sys.stderr)
    images = read_images(arguments.image)
    async with app.open_navigator(settings, on_result=progress.result, consent=consent) as navigator:
        answer = await navigator.ask(
            arguments.question,
            patient=arguments.patient,
            find=arguments.find_patient,
            images=images,
            hosted=arguments.hosted,
            on_patient=progress.patient,
        )
    if arguments.json:
        print(answer.model_dump_json(indent=2))
    else:
        print(rendering.answer(answer, audit_access.journal_path(settings)))
    progress.undelivered(navigator.delivery)
    return rendering.EXIT[answer.status]


async def _ask_many(settings: Settings, asked: list[Asked], concurrency: int) -> int:
    worst = OK
    async with (
        app.open_navigator(settings, workflow="batch") as navigator,
        aclosing(navigator.ask_many(asked, concurrency)) as answers,
    ):
        async for one, answer in answers:
            line = {"id": one.id, **answer.model_dump(mode="json")}
            print(json.dumps(line, ensure_ascii=False), flush=True)
            worst = FAILED if answer.status == "failed" else worst
    rendering.Progress(sys.stderr).undelivered(navigator.delivery)
    return worst


def _chat(settings: Settings, arguments: argparse.Namespace) -> int:
    if not (arguments.patient or arguments.find_patient):
        raise UsageError("Say whom the chat is about: --patient ID or --find-patient TEXT.")
    return asyncio.run(_converse(settings, arguments))


async def _converse(settings: Settings, arguments: argparse.Namespace) -> int:
    progress = rendering.Progress(sys.stderr)
    async with app.open_navigator(
        settings, workflow="chat", on_result=progress.result, consent=consent
    ) as navigator:
        async with navigator.conversation(
            patient=arguments.patient, find=arguments.find_patient, on_patient=progress.patient
        ) as conversation:
            print("Ask about this chart. An empty line or Ctrl-D ends the chat.", file=sys.stderr)
            if settings.hosted_model:
                print("Begin a question with ! to ask the hosted model.", file=sys.stderr)
            while question := (await asyncio.to_thread(_read_line)).strip():
                hosted = bool(settings.hosted_model) and question.startswith("!")
                try:
                    answer = await conversation.ask(question.removeprefix("!"), hosted=hosted)
                except UsageError as error:
                    print(error, file=sys.stderr)
                    continue
                print(rendering.answer(answer, audit_access.journal_path(settings), brief=True), flush=True)
    return OK


def _read_line() -> str:
    if sys.stdin.isatty():
        print("> ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()


def _mcp_fhir(settings: Settings, arguments: argparse.Namespace) -> int:
    return _serve(settings, arguments, serving.charts(arguments.patient))


def _mcp_audit(settings: Settings, arguments: argparse.Namespace) -> int:
    return _serve(settings, arguments, serving.audit_trail())


def _serve(settings: Settings, arguments: argparse.Namespace, served: serving.Served) -> int:
    if arguments.stdio:
        asyncio.run(serving.serve_stdio(settings, served))
        return OK

    def ready(where: str) -> None:
        print(where, file=sys.stderr, flush=True)

    asyncio.run(serving.serve_http(settings, served, arguments.http, arguments.path_prefix, ready))
    return OK


def _fixtures_list(settings: Settings, _: argparse.Namespace) -> int:
    print(rendering.table(chores.sample_patients(), ("id", "name", "birth_date", "sex", "set", "resources")))
    return OK


def _fixtures_serve(settings: Settings, arguments: argparse.Namespace) -> int:
    chores.serve_fixtures(settings, arguments.port)
    return OK


def _fixtures_load(settings: Settings, arguments: argparse.Namespace) -> int:
    print(asyncio.run(chores.load_fixtures(settings, rendering.Progress(sys.stderr).loaded)))
    return OK


def _config(settings: Settings, arguments: argparse.Namespace) -> int:
    rows: list[dict[str, Any]] = [
        {"setting": name, "value": str(getattr(settings, name)), "from": arguments.origin[name]}
        for name in Settings.model_fields
    ]
    print(rendering.table(rows, ("setting", "value", "from")))
    if settings.fhir_client_id:
        print(asyncio.run(fhir_access.scopes_shown(settings)))
    return OK


if __name__ == "__main__":
    sys.exit(main())
