"""The Merkle tree is RFC 6962's, held against that document's recursive definition."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from mcp_servers.audit.chain.merkle import Levels, Tree, leaf, node, root_of_proof

LEAVES = st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=40)


def tree_hash(leaves: list[str]) -> bytes:
    """MTH of RFC 6962, 2.1."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaf(leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node(tree_hash(leaves[:split]), tree_hash(leaves[split:]))


@given(LEAVES, st.integers(0, 40))
def test_the_root_is_that_of_the_definition_however_the_leaves_came(leaves: list[str], first: int) -> None:
    tree = Tree()
    tree.extend(leaves[:first])
    tree.extend(leaves[first:])
    assert (tree.size, tree.root) == (len(leaves), tree_hash(leaves).hex())


@given(LEAVES.filter(len), st.data())
def test_a_proof_leads_from_its_leaf_to_the_root_and_from_no_other(
    leaves: list[str], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = Levels(leaves).proof(index)
    root = tree_hash(leaves).hex()
    assert root_of_proof(leaves[index], index, len(leaves), path) == root
    assert root_of_proof("00" * 32, index, len(leaves), path) != root or leaves[index] == "00" * 32
    assert root_of_proof(leaves[index], index, len(leaves), [*path, "00" * 32]) is None
    if path:
        assert root_of_proof(leaves[index], index, len(leaves), path[:-1]) is None


def test_an_index_outside_the_tree_has_no_path() -> None:
    assert root_of_proof("00" * 32, 1, 1, []) is None
    assert root_of_proof("00" * 32, -1, 1, []) is None
