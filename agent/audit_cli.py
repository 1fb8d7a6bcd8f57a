"""The commands of `ehr-navigator audit`: ask the trail, prove it, keep it."""

import argparse
import json
import re
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from agent import audit_reading, auditing, reconciling, rendering
from agent.config import Settings
from agent.replay import replay

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
    reads = [general, who, server, sealed()]

    sessions = trails.add_parser("list", parents=[*reads, _filters()], help="the sessions on record")
    sessions.add_argument("--json", action="store_true", help="a JSON object a line")
    sessions.add_argument(
        "--undelivered",
        action="store_true",
        help="instead: AuditEvents that are not in the FHIR store, and why",
    )
    sessions.set_defaults(run=_list)

    show = trails.add_parser("show", parents=reads, help="what happened in a session, step by step")
    show.add_argument("session", help="a session's id, as `audit list` prints it")
    show.add_argument("--json", action="store_true", help="a JSON object a line, with all there is")
    show.set_defaults(run=_show)

    export = trails.add_parser(
        "export", parents=[*reads, _filters()], help="write acts into a file: JSON lines with proofs, or CSV"
    )
    export.add_argument("file", type=Path, help="a new file, its name ending with .jsonl or .csv")
    export.set_defaults(run=_export)

    disclosures = trails.add_parser(
        "disclosures", parents=reads, help="an accounting of disclosures (45 CFR 164.528) for a patient"
    )
    disclosures.add_argument("file", type=Path, help="a new file, its name ending with .html or .csv")
    disclosures.add_argument("--patient", required=True, metavar="REF", help="Patient/id or id")
    _add_times(disclosures)
    disclosures.set_defaults(run=_disclosures)

    verify = trails.add_parser(
        "verify", parents=[general, server], help="is the journal whole and unaltered?"
    )
    verify.add_argument(
        "--delivered", action="store_true", help="also: is each AuditEvent in the FHIR store?"
    )
    verify.add_argument(
        "--public-key", type=_public_key, metavar="HEX", help="the key that signed it, for who has no secret"
    )
    verify.add_argument("--export", type=Path, metavar="FILE", help="instead: is this export as it was made?")
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

    deliver = trails.add_parser(
        "deliver",
        parents=[general, server],
        help="send at once the AuditEvents that wait (exit 0: all arrived)",
    )
    deliver.add_argument(
        "--refused", action="store_true", help="also those that were refused, once the cause is mended"
    )
    deliver.set_defaults(run=_deliver)

    rotate = trails.add_parser("rotate-key", parents=[general, who], help="sign with a new key from now on")
    rotate.set_defaults(run=_rotate_key)

    erase = trails.add_parser(
        "erase", parents=[general, who], help="destroy what was said (who asked and read what stays)"
    )
    erase.add_argument("--before", type=_month, required=True, metavar="YYYY-MM", help="in the months before")
    erase.add_argument(
        "--undelivered", action="store_true", help="also where AuditEvents of that time still wait"
    )
    erase.set_defaults(run=_erase)


def times() -> argparse.ArgumentParser:
    """The flags that say of which time."""
    flags = argparse.ArgumentParser(add_help=False)
    _add_times(flags)
    return flags


def sealed() -> argparse.ArgumentParser:
    """The flag for reading the trail without opening what was said."""
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument(
        "--sealed",
        action="store_true",
        help="leave what was said sealed; works without the key too, and is then not recorded",
    )
    return flags


def _filters() -> argparse.ArgumentParser:
    flags = argparse.ArgumentParser(add_help=False)
    wanted = flags.add_argument_group("which acts")
    wanted.add_argument("--patient", metavar="REF", help="about this patient: Patient/id or id")
    wanted.add_argument("--person", metavar="NAME", help="by this person, as --user named them")
    wanted.add_argument("--session", metavar="ID", help="of this session")
    # Not `model`, which is a setting.
    wanted.add_argument(
        "--model", dest="of_model", metavar="TEXT", help="with this in a model's name or digest"
    )
    wanted.add_argument("--act", metavar="ACT", help="such as tool_call, question, escalation, audit_read")
    wanted.add_argument(
        "--outcome",
        choices=("ok", "refused", "failed", "unknown", "open"),
        help="with this outcome (unknown: the program ended before; open: not completed)",
    )
    _add_times(wanted)
    return flags


def _add_times(parser: "argparse._ActionsContainer") -> None:
    parser.add_argument("--since", type=_time, metavar="T", help="begun at this time or later")
    parser.add_argument("--until", type=_time, metavar="T", help="begun before this time")


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


def _public_key(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text.lower()):
        raise argparse.ArgumentTypeError("a public key has 64 hex digits; `audit verify` prints it")
    return text.lower()


def _asked(arguments: argparse.Namespace) -> dict[str, Any]:
    """The filters that were given."""
    names = ("patient", "person", "session", "of_model", "since", "until", "act", "outcome")
    return {name: getattr(arguments, name) for name in names if getattr(arguments, name, None) is not None}


def _list(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.undelivered:
        return _undelivered(settings, as_json=arguments.json)
    found = audit_reading.sessions(settings, _asked(arguments), sealed=arguments.sealed)
    if arguments.json:
        for session in found:
            print(json.dumps(asdict(session), ensure_ascii=False))
    else:
        rows = map(audit_reading.session_row, found)
        print(rendering.table(rows, audit_reading.SESSION_COLUMNS))
    return OK


def _undelivered(settings: Settings, *, as_json: bool) -> int:
    events = audit_reading.undelivered(settings)
    if as_json:
        for event in events:
            print(json.dumps(event, ensure_ascii=False))
        return OK
    for depth in audit_reading.depths(settings):
        age = f", the oldest for {depth['oldest_s'] / 3600:.1f} h" if depth["pending"] else ""
        print(
            f"{depth['destination']}: {depth['pending']} AuditEvents wait{age};"
            f" {depth['refused']} were refused."
        )
    if events:
        print(rendering.table(events, ("id", "session", "state", "attempts", "diagnostics")))
    else:
        print("Every AuditEvent arrived.")
    return OK


def _show(settings: Settings, arguments: argparse.Namespace) -> int:
    acts = audit_reading.show(settings, arguments.session, sealed=arguments.sealed)
    lines = (json.dumps(act, ensure_ascii=False) for act in acts) if arguments.json else replay(acts)
    for line in lines:
        print(line)
    return OK


def _export(settings: Settings, arguments: argparse.Namespace) -> int:
    print(audit_reading.export(settings, _asked(arguments), arguments.file, sealed=arguments.sealed))
    return OK


def _disclosures(settings: Settings, arguments: argparse.Namespace) -> int:
    print(audit_reading.disclosures(settings, _asked(arguments), arguments.file, sealed=arguments.sealed))
    return OK


def _verify(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.export:
        sound, report = auditing.verify_export(settings, arguments.export, arguments.public_key)
    else:
        sound, report = auditing.verify_audit(
            settings, delivered=arguments.delivered, public_key=arguments.public_key
        )
    print(report)
    return OK if sound else FAILED


def _reconcile(settings: Settings, arguments: argparse.Namespace) -> int:
    agreed = reconciling.reconcile_audit(
        settings, arguments.since, arguments.until, as_json=arguments.json, out=sys.stdout
    )
    return OK if agreed else FAILED


def _deliver(settings: Settings, arguments: argparse.Namespace) -> int:
    arrived, report = auditing.deliver(settings, refused=arguments.refused)
    print(report)
    return OK if arrived else FAILED


def _rotate_key(settings: Settings, _: argparse.Namespace) -> int:
    print(auditing.rotate_key(settings))
    return OK


def _erase(settings: Settings, arguments: argparse.Namespace) -> int:
    print(auditing.erase(settings, arguments.before, undelivered=arguments.undelivered))
    return OK
