"""What the chart tools need of the audit trail: a durable intent before a call, a completion after it."""

from typing import Any, Literal, Protocol

Outcome = Literal["ok", "refused", "failed"]


class Call(Protocol):
    """One tool call in the trail; the FHIR server gets its `id` as `X-Request-ID`, its `user` as `From`."""

    @property
    def id(self) -> str: ...

    @property
    def user(self) -> str: ...

    def request(
        self, method: str, url: str, status: int | None, ms: float, entries: int | None = None
    ) -> None:
        """Note one FHIR request as it was sent: `status` is None when no answer came.

        `entries` is how many records the Bundle that came holds; None where none came.
        """
        ...

    def withheld(self, count: int) -> None:
        """Note how many records and mentions of others came with the patient's own, and were not shown."""
        ...

    def complete(
        self,
        outcome: Outcome,
        *,
        rows: int,
        refs: list[str],
        patients: list[str],
        result_sha256: str,
        error: str | None,
    ) -> object:
        """Close the call, once. `refs` and `patients` are `Type/id`; `error` is an error kind.

        Raises mcp_servers.audit.chain.errors.JournalUnavailable; the result is then withheld.
        """
        ...


class Recorder(Protocol):
    """Where calls are recorded; it knows the user, the purpose and the session by itself."""

    def begin(
        self, tool: str, arguments: dict[str, Any], patient: str | None, meta: dict[str, Any] | None
    ) -> Call:
        """Write the intent durably, or raise mcp_servers.audit.chain.errors.JournalUnavailable.

        `meta` is what the client claims about itself.
        """
        ...
