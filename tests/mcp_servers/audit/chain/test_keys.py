"""The keys: where they come from, what they sign and seal, and what is said of one that is no use."""

import stat
from pathlib import Path

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend

from mcp_servers.audit.chain.errors import KeyUnusable
from mcp_servers.audit.chain.keys import (
    Key,
    add_to_file,
    add_to_keyring,
    new_secret,
    ring_of,
    ring_of_file,
    ring_of_keyring,
    seal,
    signed,
    unseal,
)

KEY, OTHER = Key(b"k" * 32), Key(b"o" * 32)


def test_a_signature_holds_for_its_facts_its_purpose_and_its_key_alone() -> None:
    signature = KEY.sign("head", 7, "ab")
    assert signed(KEY.public, signature, "head", 7, "ab")
    assert not signed(KEY.public, signature, "head", 8, "ab")
    assert not signed(KEY.public, signature, "checkpoint", 7, "ab")
    assert not signed(OTHER.public, signature, "head", 7, "ab")
    assert not signed(KEY.public, "no signature", "head", 7, "ab")
    assert not signed("no key", signature, "head", 7, "ab")


@given(st.binary(max_size=200), st.data())
def test_what_is_sealed_opens_whole_in_its_place_or_not_at_all(content: bytes, data: st.DataObject) -> None:
    sealed = seal(b"s" * 32, "here", content)
    assert unseal(b"s" * 32, "here", sealed) == content
    with pytest.raises(KeyUnusable):
        unseal(b"s" * 32, "there", sealed)
    with pytest.raises(KeyUnusable):
        unseal(b"t" * 32, "here", sealed)
    at = data.draw(st.integers(0, len(sealed) - 1))
    changed = sealed[:at] + data.draw(st.sampled_from("Ab0+*")) + sealed[at + 1 :]
    if changed.rstrip("=")[:-1] != sealed.rstrip("=")[:-1]:  # base64's last letter has spare bits
        with pytest.raises(KeyUnusable):
            unseal(b"s" * 32, "here", changed)


def test_a_key_file_is_made_once_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "audit.key"
    (first,) = ring_of_file(path, create=True)
    (again,) = ring_of_file(path, create=True)
    assert first.public == again.public
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["audit.key"]


def test_a_secret_that_is_added_to_a_file_is_the_last_of_its_ring(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    before = ring_of_file(path, create=True)
    add_to_file(path, secret := new_secret())
    after = ring_of_file(path)
    assert [key.public for key in after] == [before[0].public, ring_of(secret, "here")[0].public]


def test_a_secret_is_added_to_a_file_whose_last_line_has_no_end(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    path.touch(mode=0o600)
    path.write_text(new_secret().strip())
    (first,) = ring_of_file(path)
    add_to_file(path, new_secret())
    assert [key.public for key in ring_of_file(path)][:1] == [first.public]


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    ring_of_file(path, create=True)
    path.chmod(0o640)
    with pytest.raises(KeyUnusable, match="can be read by others"):
        ring_of_file(path)


def test_a_missing_key_file_says_to_bring_it_back(tmp_path: Path) -> None:
    with pytest.raises(KeyUnusable, match="is missing; bring it back"):
        ring_of_file(tmp_path / "audit.key")


@pytest.mark.parametrize("text", ["", "short", "ä" * 44, "A" * 43, "A" * 88])
def test_what_is_no_key_says_what_one_is(text: str) -> None:
    with pytest.raises(KeyUnusable, match="from here is unusable: it must be 32 random bytes"):
        ring_of(text, "here")


class MemoryKeyring(KeyringBackend):
    """A keyring of this process, for the systems that have none."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


def test_the_systems_keyring_keeps_a_ring() -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(MemoryKeyring())
    try:
        with pytest.raises(KeyUnusable, match="no audit key in the system's keyring"):
            ring_of_keyring()
        (first,) = ring_of_keyring(create=True)
        add_to_keyring(secret := new_secret())
        assert [key.public for key in ring_of_keyring()] == [first.public, ring_of(secret, "here")[0].public]
    finally:
        keyring.set_keyring(before)
