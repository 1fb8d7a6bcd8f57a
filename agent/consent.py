"""Asks the person at the terminal whether something may leave the building."""

import asyncio
import json
import sys
from typing import TYPE_CHECKING

from agent.rendering import plain

if TYPE_CHECKING:  # the quick commands must not pay for HTTP
    from agent.escalation import Leaving

_ASKED = "Send it? [y]es, [s]how it first, anything else: no > "


async def consent(leaving: "Leaving") -> bool:
    """Whether the person says yes; where nobody is there to ask, nobody does."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return await asyncio.to_thread(_asked, leaving)


def _asked(leaving: "Leaving") -> bool:
    print("\n".join(summary(leaving)), file=sys.stderr)
    while (said := input_line().strip().lower()) in ("s", "show"):
        print(plain(_readable(leaving.payload)), file=sys.stderr)
    return said in ("y", "yes")


def summary(leaving: "Leaving") -> list[str]:
    """What would leave, to whom, in which form and under which agreement, in lines."""
    vendor = leaving.vendor
    replaced = ", ".join(f"{count} {name}" for name, count in leaving.fields.items() if count) or "nothing"
    form = f"without what identifies ({replaced} replaced)" if leaving.form == "deidentified" else "as it is"
    terms = [
        f"agreement {vendor.agreement}" if vendor.agreement else "no agreement",
        f"kept {vendor.retention}" if vendor.retention else "",
        f"in {vendor.region}" if vendor.region else "",
    ]
    return [
        f"This question would go to {vendor.model} at {vendor.url}, outside the building:",
        f"  {', '.join(leaving.classes)}, {form}; {len(leaving.payload.encode())} bytes",
        f"  {', '.join(filter(None, terms))}",
    ]


def input_line() -> str:
    """A line from the terminal, asked for on stderr: stdout is the answer's."""
    print(_ASKED, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()


def _readable(payload: str) -> str:
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except ValueError:
        return payload
