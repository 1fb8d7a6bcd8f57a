"""Signed checkpoints: the root of the Merkle tree over all records before, so that one record can be proven.

A checkpoint keeps the tree's peaks, and the next one goes on from there: neither writing nor verifying one
needs the records before the last.
"""

import json
import sqlite3
from typing import Any

from mcp_servers.audit.chain.keys import Key, signed
from mcp_servers.audit.chain.merkle import Tree
from mcp_servers.audit.chain.record import Record
from mcp_servers.audit.chain.transaction import Transaction

EVERY = 1000  # records
PURPOSE = "checkpoint"


def last_tree(db: sqlite3.Connection) -> Tree:
    """The tree of the last checkpoint, empty before the first."""
    row = db.execute("SELECT body FROM record WHERE kind = 'checkpoint' ORDER BY seq DESC LIMIT 1").fetchone()
    if row is None:
        return Tree()
    body = json.loads(row[0])
    return Tree(body["size"], [bytes.fromhex(peak) for peak in body["peaks"]])


def covered(db: sqlite3.Connection) -> int:
    """How many records the last checkpoint covers: those before it."""
    (last,) = db.execute("SELECT max(seq) FROM record WHERE kind = 'checkpoint'").fetchone()
    return last - 1 if last else 0


def body_of(tree: Tree, key: Key) -> dict[str, Any]:
    """The body of a checkpoint record of `tree`."""
    return {
        "size": tree.size,
        "root": tree.root,
        "peaks": [peak.hex() for peak in tree.peaks],
        "signature": key.sign(PURPOSE, tree.size, tree.root),
    }


def append(write: Transaction) -> Record:
    """Sign for all records so far, within a transaction."""
    tree = last_tree(write.connection)
    tree.extend(
        digest
        for (digest,) in write.connection.execute(
            "SELECT hash FROM record WHERE seq > ? ORDER BY seq", (tree.size,)
        )
    )
    return write.append("checkpoint", "", body_of(tree, write.key))


def fault(body: dict[str, Any], tree: Tree, public: str) -> str | None:
    """Why a checkpoint is not that of `tree`, signed by the key with this public half; None where it is."""
    if (body["size"], body["root"]) != (tree.size, tree.root):
        return "it is no checkpoint of the records before it"
    if body["peaks"] != [peak.hex() for peak in tree.peaks]:
        return "its peaks are not those of the records before it"
    if not signed(public, body["signature"], PURPOSE, tree.size, tree.root):
        return "the checkpoint was not signed with the journal's key"
    return None
