"""A scripted FHIR store that keeps what it took in a file, so that it outlives the processes that deliver."""

import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

BASE = "http://ehr.example/fhir"
FAILS = 0.1  # of the requests


class Shelf(httpx.AsyncBaseTransport):
    """Takes each `PUT Type/id` and answers 201, or 200 where it had it.

    With `chance` it fails at times: before it took the resource, or after.
    """

    def __init__(self, path: Path, chance: random.Random | None = None) -> None:
        self._path = path
        self._chance = chance

    def client(self) -> httpx.AsyncClient:
        """A client whose base is this store."""
        return httpx.AsyncClient(transport=self, base_url=BASE)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a PUT or a GET of one resource, or a batch of them."""
        where, content = request.url.path.removeprefix("/fhir").strip("/"), await request.aread()
        if not where:
            entries = [
                self._answer(entry["request"]["method"], entry["request"]["url"], entry.get("resource"))
                for entry in json.loads(content)["entry"]
            ]
            answers = [
                {"response": {"status": str(status)}, **({"resource": found} if found else {})}
                for status, found in entries
            ]
            return _response(200, {"resourceType": "Bundle", "type": "batch-response", "entry": answers})
        status, found = self._answer(request.method, where, json.loads(content) if content else None)
        return _response(status, found)

    def _answer(self, method: str, where: str, resource: Any) -> tuple[int, Any]:
        fails = self._chance is not None and self._chance.random() < FAILS
        if fails and self._chance and self._chance.random() < 0.5:
            return 503, None
        with closing(self._open()) as db:
            known = db.execute("SELECT resource FROM arrival WHERE place = ?", (where,)).fetchone()
            if method == "PUT":
                db.execute(
                    "INSERT INTO arrival (place, resource) VALUES (?, ?)", (where, json.dumps(resource))
                )
        if fails:
            return 500, None
        if method == "PUT":
            return 200 if known else 201, resource
        return (200, json.loads(known[0])) if known else (404, None)

    def arrivals(self) -> list[tuple[str, Any]]:
        """What was put, in the order in which it came: `Type/id` and the resource, again and again."""
        with closing(self._open()) as db:
            rows = db.execute("SELECT place, resource FROM arrival ORDER BY number").fetchall()
        return [(place, json.loads(resource)) for place, resource in rows]

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, timeout=30)
        db.execute("PRAGMA synchronous = OFF")
        db.execute(
            "CREATE TABLE IF NOT EXISTS arrival (number INTEGER PRIMARY KEY, place TEXT, resource TEXT)"
        )
        db.execute("CREATE INDEX IF NOT EXISTS arrival_place ON arrival (place)")
        return db


def _response(status: int, content: Any) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(json.dumps(content).encode()))
