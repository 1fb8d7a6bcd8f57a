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
    """Takes resources one by one or in transactions, and answers 201, or 200 where it had them.

    With `chance` it fails at times: before it took what came, or after.
    """

    def __init__(self, path: Path, chance: random.Random | None = None) -> None:
        self._path = path
        self._chance = chance

    def client(self) -> httpx.AsyncClient:
        """A client whose base is this store."""
        return httpx.AsyncClient(transport=self, base_url=BASE)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a transaction, a PUT or a GET of one resource, or a search by site and date."""
        where, content = request.url.path.removeprefix("/fhir").strip("/"), await request.aread()
        if request.method == "GET":
            status, answer = self._search(request.url.params) if where == "AuditEvent" else self._read(where)
        elif request.method == "POST":
            status, answer = self._take([entry["resource"] for entry in json.loads(content)["entry"]])
        else:
            status, answer = self._take([json.loads(content)])
        return httpx.Response(status, stream=httpx.ByteStream(json.dumps(answer).encode()))

    def _take(self, resources: list[Any]) -> tuple[int, Any]:
        fails = self._chance is not None and self._chance.random() < FAILS
        if fails and self._chance and self._chance.random() < 0.5:
            return 503, None
        with closing(self._open()) as db:
            db.execute("BEGIN IMMEDIATE")
            for resource in resources:
                place = f"{resource['resourceType']}/{resource['id']}"
                db.execute(
                    "INSERT INTO arrival (place, resource) VALUES (?, ?)", (place, json.dumps(resource))
                )
            db.execute("COMMIT")
        entries = [{"response": {"status": "201 Created"}} for _ in resources]
        return (500, None) if fails else (200, {"resourceType": "Bundle", "entry": entries})

    def _read(self, place: str) -> tuple[int, Any]:
        with closing(self._open()) as db:
            known = db.execute("SELECT resource FROM arrival WHERE place = ?", (place,)).fetchone()
        return (200, json.loads(known[0])) if known else (404, None)

    def _search(self, query: httpx.QueryParams) -> tuple[int, Any]:
        found = {
            place: resource
            for place, resource in self.arrivals()
            if place.startswith("AuditEvent/")
            and resource["source"]["site"] == query["site"]
            and "ge" + resource["recorded"] >= query["date"]
        }
        return 200, {"resourceType": "Bundle", "entry": [{"resource": one} for one in found.values()]}

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
