"""The commands of `ehr-navigator audit`: the trail of what was read."""

import argparse
import json
import re
import sys
from datetime import datetime

from agent import auditing, reconciling, rendering
from agent.config import Settings

OK, FAILED = 0, 1


def add_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    general: argparse.ArgumentParser,
    who: argparse.ArgumentParser,
    server: argparse.ArgumentParser,
) -> None:
    """The parser of `audit`; `general`, `who` and `server` bring the flags that other commands have too."""
    audit = commands.add_parser("audit", help="the trail of what was read")
    trails = audit.add_subparsers(title="commands", required=True, metavar="COMMAND")
    sessions = trails.add_parser("list", parents=[general], help="the sessions on record")
    sessions.set_defaults(run=_list)
    show = trails.add_parser("show", parents=[general], help="every record of one session")
    show.add_argument("session", help="a session's id, as `audit list` prints it")
    show.set_defaults(run=_show)
    verify = trails.add_parser(
        "verify", parents=[general, server], help="is the journal whole and unaltered?"
    )
    verify.add_argument(
        "--delivered", action="store_true", help="also: is each AuditEvent in the FHIR store?"
    )
    verify.set_defaults(run=_verify)
    reconcile = trails.add_parser(
        "reconcile", parents=[general, server], help="do our trail and the EMR's own agree? (exit 0: yes)"
    )
    reconcile.add_argument(
        "--since", type=_time, required=True, metavar="T", help="a date or a time, such as 2026-11-23T08:00"
    )
    reconcile.add_argument("--until", type=_time, metavar="T", help="until before this (default: now)")
    reconcile.add_argument("--json", action="store_true", help="a JSON object a line, the summary last")
    reconcile.set_defaults(run=_reconcile)
    rotate = trails.add_parser("rotate-key", parents=[general], help="sign with a new key from now on")
    rotate.set_defaults(run=_rotate_key)
    erase = trails.add_parser(
        "erase", parents=[general], help="destroy what was said (who asked and read what stays)"
    )
    erase.add_argument("--before", type=_month, required=True, metavar="YYYY-MM", help="in the months before")
    erase.set_defaults(run=_erase)


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        found = None
    if found is None or not 2000 <= found.year < 3000:
        raise argparse.ArgumentTypeError(f"{text!r} is no date or time such as 2026-11-23T08:00")
    return found


def _month(text: str) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is not a month such as 2026-11")
    return text


def _list(settings: Settings, _: argparse.Namespace) -> int:
    print(
        rendering.table(
            auditing.audited_sessions(settings), ("session", "user", "patient", "first", "last", "calls")
        )
    )
    return OK


def _show(settings: Settings, arguments: argparse.Namespace) -> int:
    for record in auditing.audit_records(settings, arguments.session):
        print(json.dumps(record, ensure_ascii=False))
    return OK


def _verify(settings: Settings, arguments: argparse.Namespace) -> int:
    sound, report = auditing.verify_audit(settings, delivered=arguments.delivered)
    print(report)
    return OK if sound else FAILED


def _reconcile(settings: Settings, arguments: argparse.Namespace) -> int:
    agreed = reconciling.reconcile_audit(
        settings, arguments.since, arguments.until, as_json=arguments.json, out=sys.stdout
    )
    return OK if agreed else FAILED


def _rotate_key(settings: Settings, _: argparse.Namespace) -> int:
    print(auditing.rotate_key(settings))
    return OK


def _erase(settings: Settings, arguments: argparse.Namespace) -> int:
    print(auditing.erase(settings, arguments.before))
    return OK
