"""The journal's keys: one secret signs what was written, and wraps the keys that seal what was said.

A secret is 32 random bytes, written as base64url. Several together (whitespace between them) are a ring: a
journal takes the one it was last rotated to, and a new journal the last of the ring.
"""

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mcp_servers.audit.chain.errors import KeyUnusable

SECRET_BYTES = 32
NONCE_BYTES = 12
KEYRING_SERVICE = "ehr-navigator"
KEYRING_NAME = "audit-key"


class Key:
    """What one secret gives: an Ed25519 signature, AES-256-GCM for the keys of months, and `dates`, the
    secret by which dates that leave are moved (agent.egress.deidentification)."""

    def __init__(self, secret: bytes) -> None:
        self._signer = Ed25519PrivateKey.from_private_bytes(
            _derived(secret, b"ehr-navigator audit signature")
        )
        self._wrapping = _derived(secret, b"ehr-navigator audit content")
        self.dates = _derived(secret, b"ehr-navigator date shift")
        self.public = self._signer.public_key().public_bytes_raw().hex()

    def sign(self, purpose: str, *facts: object) -> str:
        """An Ed25519 signature (hex) of facts, which `signed` checks for the same purpose alone."""
        return self._signer.sign(_message(purpose, facts)).hex()

    def wrap(self, month: str, content_key: bytes) -> str:
        """A month's key, sealed."""
        return seal(self._wrapping, month, content_key)

    def unwrap(self, month: str, wrapped: str) -> bytes:
        """A month's key. Raises KeyUnusable where another secret wrapped it."""
        return unseal(self._wrapping, month, wrapped)


Ring = Sequence[Key]


def signed(public: str, signature: str, purpose: str, *facts: object) -> bool:
    """Whether the key with this public half (hex) signed these facts for this purpose."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), _message(purpose, facts))
    except (ValueError, InvalidSignature):
        return False
    return True


def new_content_key() -> bytes:
    """A key for what is said in a month."""
    return AESGCM.generate_key(bit_length=256)


def seal(key: bytes, place: str, content: bytes) -> str:
    """AES-256-GCM, as base64 of nonce and ciphertext; `place` binds it to where it stands."""
    nonce = os.urandom(NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, content, place.encode())).decode()


def unseal(key: bytes, place: str, sealed: str) -> bytes:
    """What was sealed. Raises KeyUnusable for another key, another place or a changed text."""
    try:
        data = base64.b64decode(sealed, validate=True)
        return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], place.encode())
    except (ValueError, InvalidTag):  # binascii.Error is a ValueError
        raise KeyUnusable("It was sealed with another key, or changed since.") from None


def new_secret() -> str:
    """A fresh secret in base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def ring_of(text: str, source: str) -> Ring:
    """The keys in `text`; `source` names where it came from. Raises KeyUnusable."""
    try:
        found = [base64.urlsafe_b64decode(word.encode("ascii")) for word in text.split()]
    except (ValueError, binascii.Error):
        found = []
    if not found or any(len(secret) != SECRET_BYTES for secret in found):
        raise KeyUnusable(
            f"The audit key from {source} is unusable: it must be {SECRET_BYTES} random bytes in base64url,"
            " or several such words, the newest last."
        )
    return [Key(secret) for secret in found]


def ring_of_file(path: Path, *, create: bool = False) -> Ring:
    """The keys in a file, which is made (for its user alone, durably) if `create` and it is not there.

    Raises KeyUnusable for a missing or unreadable file, or one that others may read.
    """
    try:
        if create and not path.exists():
            _create(path, new_secret())
        if path.stat().st_mode & 0o077:
            raise KeyUnusable(f"The audit key {path} can be read by others; `chmod 600` it, then rotate it.")
        return ring_of(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise KeyUnusable(
            f"The audit key {path} is missing; bring it back from where it is kept: without it the journal"
            " can neither be written nor read."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise KeyUnusable(f"The audit key {path} cannot be read ({type(error).__name__}).") from None


def add_to_file(path: Path, secret: str) -> None:
    """Put a new secret at the end of a file of keys, durably. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND)
    with os.fdopen(handle, "ab") as file:
        file.write(f"\n{secret}\n".encode())  # the last line may have no end
        file.flush()
        os.fsync(file.fileno())


def ring_of_keyring(*, create: bool = False) -> Ring:
    """The keys in the operating system's keyring; made there if `create`. Raises KeyUnusable."""
    import keyring
    import keyring.errors

    where = f"the system's keyring ({KEYRING_SERVICE}, {KEYRING_NAME})"
    try:
        text = keyring.get_password(KEYRING_SERVICE, KEYRING_NAME)
        if text is None and create:
            text = new_secret()
            keyring.set_password(KEYRING_SERVICE, KEYRING_NAME, text)
    except (keyring.errors.KeyringError, RuntimeError) as error:
        raise KeyUnusable(f"There is no audit key in {where}: {type(error).__name__}.") from None
    if text is None:
        raise KeyUnusable(f"There is no audit key in {where}; bring it back from where it is kept.")
    return ring_of(text, where)


def add_to_keyring(secret: str) -> None:
    """Put a new secret after those in the system's keyring. Raises keyring.errors.KeyringError."""
    import keyring

    before = keyring.get_password(KEYRING_SERVICE, KEYRING_NAME) or ""
    keyring.set_password(KEYRING_SERVICE, KEYRING_NAME, f"{before} {secret}".strip())


def _create(path: Path, secret: str) -> None:
    """Make the file whole or not at all: another process may make it at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(f"{secret}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)  # fails where the other was first: its key is the one
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(secret)


def _message(purpose: str, facts: Sequence[object]) -> bytes:
    return hashlib.sha256("\n".join(map(str, (purpose, *facts))).encode()).digest()
