"""What left the building, as the audit trail has it: each `escalation` act is a line of the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Sent:
    """Something that went, or may have gone, to a hosted model.

    `policy` is the form in which it went, `fields` how many values of each class were replaced in it. What is
    not on record is empty or, of a number, None: then it is not known, and not nothing. `cost` is in US
    dollars. `outcome` is the act's: only `ok` is certain to have arrived.
    """

    id: str
    at: str
    session: str
    user: str
    workflow: str
    recipient: str
    host: str
    model: str
    policy: str
    policy_version: str
    agreement: str
    retention: str
    region: str
    data_classes: tuple[str, ...]
    fields: Mapping[str, int]
    tokens_in: int | None
    tokens_out: int | None
    cost: Decimal | None
    payload_sha256: str
    payload_bytes: int | None
    consent: str
    replied: bool | None
    outcome: str


def sent(act: Mapping[str, Any]) -> Sent:
    """The ledger's line of an escalation (as `mcp_servers.audit.asking.acts.opened` gives it)."""

    def text(name: str) -> str:
        return str(act.get(name) or "")

    fields = act.get("fields")
    replied = act.get("replied")
    recipient = text("recipient")
    return Sent(
        id=act["id"],
        at=act["at"],
        session=act["session"],
        user=act["user"],
        workflow=text("workflow") or NOT_KNOWN,
        recipient=recipient,
        host=text("host") or host_of(recipient),
        model=model_name(act),
        policy=text("policy") or NOT_KNOWN,
        policy_version=text("policy_version"),
        agreement=text("agreement"),
        retention=text("retention"),
        region=text("region"),
        data_classes=tuple(map(str, act.get("data_classes") or ())),
        fields={str(name): int(count) for name, count in fields.items()}
        if isinstance(fields, Mapping)
        else {},
        tokens_in=whole(act.get("tokens_in")),
        tokens_out=whole(act.get("tokens_out")),
        cost=dollars(act.get("cost")),
        payload_sha256=text("payload_sha256"),
        payload_bytes=whole(act.get("bytes")),
        consent=text("consent"),
        replied=replied if isinstance(replied, bool) else None,
        outcome=act["outcome"],
    )


def model_name(act: Mapping[str, Any]) -> str:
    """The name of the model that took part in an act; empty where none is on record."""
    meta = act.get("meta")
    model = act.get("model") or (meta.get("model") if isinstance(meta, Mapping) else None)
    return str(model.get("name") or "") if isinstance(model, Mapping) else str(model or "")


def whole(value: object) -> int | None:
    """A number of tokens or bytes as it was recorded; None where none was."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def dollars(value: object) -> Decimal | None:
    """A sum as it was recorded, by its digits and not by the bits of a float; None where none was."""
    try:
        found = None if value is None else Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def host_of(url: str) -> str:
    """The machine that a URL names, or NOT_KNOWN."""
    try:
        return urlsplit(url).hostname or NOT_KNOWN
    except ValueError:
        return NOT_KNOWN
