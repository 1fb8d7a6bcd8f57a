"""Merkle trees as RFC 6962 (2.1) has them, kept as their peaks: appending and the root need log(n) memory.

Leaves are the hashes of records (hex). Hashes of leaves and of nodes are told apart by a prefix byte, so that
neither passes for the other.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

HASH = 32
"""Bytes of a hash."""


def leaf(data: str) -> bytes:
    """The hash of a leaf, `data` in hex."""
    return hashlib.sha256(b"\x00" + bytes.fromhex(data)).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass
class Tree:
    """A growing tree of `size` leaves; `peaks` are the roots of its full subtrees, the largest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def extend(self, leaves: Iterable[str]) -> None:
        """Add leaves, hex."""
        for data in leaves:
            peak, below = leaf(data), self.size
            while below & 1:
                peak = node(self.peaks.pop(), peak)
                below >>= 1
            self.peaks.append(peak)
            self.size += 1

    @property
    def root(self) -> str:
        """The tree's hash, hex; that of nothing where it is empty."""
        if not self.peaks:
            return hashlib.sha256(b"").hexdigest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node(peak, root)
        return root.hex()


class Levels:
    """All hashes of a tree (64 bytes a leaf), for proofs of many of its leaves."""

    def __init__(self, leaves: Iterable[str]) -> None:
        self._levels = [bytearray()]
        for data in leaves:
            self._levels[0] += leaf(data)
        while len(below := self._levels[-1]) > HASH:
            whole = len(below) - len(below) % (2 * HASH)
            above = bytearray()
            for at in range(0, whole, 2 * HASH):
                above += node(bytes(below[at : at + HASH]), bytes(below[at + HASH : at + 2 * HASH]))
            # The last of an odd number rises unpaired: the same tree as RFC 6962's split at a power of two.
            self._levels.append(above + below[whole:])

    def proof(self, index: int) -> list[str]:
        """The audit path (hex, from the leaf up) that shows the leaf at `index` (from 0) to be there."""
        path = []
        for level in self._levels:
            at = (index ^ 1) * HASH
            if at < len(level):
                path.append(level[at : at + HASH].hex())
            index >>= 1
        return path


def root_of_proof(data: str, index: int, size: int, path: Sequence[str]) -> str | None:
    """The root (hex) that `path` leads to from the leaf `data` at `index` of `size`; None for none."""
    found, rest, last = leaf(data), list(path), size - 1
    if not 0 <= index < size:
        return None
    while last:
        if index ^ 1 <= last:
            if not rest:
                return None
            beside = bytes.fromhex(rest.pop(0))
            found = node(beside, found) if index & 1 else node(found, beside)
        index, last = index >> 1, last >> 1
    return None if rest else found.hex()
