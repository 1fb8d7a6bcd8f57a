"""Cursors: where a result goes on, in a text that any process can read.

`<query>.<skip>.<digest>`: the digest of the query it belongs to, how many rows of the result were shown,
and their digest. A cursor holds no secret and nothing of a chart, and nothing in it is trusted: the result is
read anew, under the lock, and what was shown before is skipped.
"""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from typing import Any, NamedTuple

from mcp_servers.fhir.errors import InvalidRequest

Row = dict[str, Any]

_CURSOR = re.compile(r"(?P<query>[\w-]{8})\.(?P<skip>\d{1,6})\.(?P<shown>[\w-]{8})", re.ASCII)


class Place(NamedTuple):
    """Where a result goes on: behind its first `skip` rows, which had this digest when they were shown."""

    skip: int = 0
    digest: str = ""

    def cursor(self, query: str) -> str:
        """This place in the result of `query` (tool, patient and arguments, as one string)."""
        return f"{_digest(query)}.{self.skip}.{self.digest}"


def after(rows: list[Row]) -> Place:
    """The place behind these rows of a result."""
    return Place(len(rows), _digest(json.dumps(rows, sort_keys=True)))


def place_of(query: str, cursor: str | None) -> Place:
    """The place that a cursor names, the beginning without one. Raises InvalidRequest for another query's."""
    if cursor is None:
        return Place()
    found = _CURSOR.fullmatch(cursor)
    if found is None or found["query"] != _digest(query):
        raise InvalidRequest(
            "This cursor is not one of this query: give the cursor of the last result with the same"
            " arguments, or leave it out to begin again."
        )
    return Place(int(found["skip"]), found["shown"])


def _digest(text: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:6]).decode()
