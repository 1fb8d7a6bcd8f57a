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
    """Takes each `PUT Type/id`, alone or in a transaction.

    With `chance` it fails at times: before it took the resource, or after.
    """

    def __init__(self, path: Path, chance: random.Random | None = None) -> None:
        self._path = path
        self._chance = chance

    def client(self) -> httpx.AsyncClient:
        """A client whose base is this store."""
        return httpx.AsyncClient(transport=self, base_url=BASE)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a PUT or a GET of one resource, or a transaction: all of its PUTs or none."""
        where, content = request.url.path.removeprefix("/fhir").strip("/"), await request.aread()
        body: Any = json.loads(content) if content else None
        resources = [entry["resource"] for entry in body["entry"]] if not where else [body]
        fails = self._chance is not None and self._chance.random() < FAILS
        if fails and self._chance and self._chance.random() < 0.5:
            return _response(503, None)
        with closing(self._open()) as db:
            if request.method == "GET":
                known = db.execute("SELECT resource FROM arrival WHERE place = ?", (where,)).fetchone()
                return _response(200, json.loads(known[0])) if known else _response(404, None)
            rows = [(f"{one['resourceType']}/{one['id']}", json.dumps(one)) for one in resources]
            db.execute("BEGIN")
            db.executemany("INSERT INTO arrival (place, resource) VALUES (?, ?)", rows)
            db.execute("COMMIT")
        if fails:
            return _response(500, None)
        if where:
            return _response(201, body)
        answers = [{"response": {"status": "201"}}] * len(rows)
        return _response(200, {"resourceType": "Bundle", "type": "transaction-response", "entry": answers})

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
