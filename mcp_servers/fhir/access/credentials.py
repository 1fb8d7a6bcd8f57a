"""What a FHIR server is shown of us: a header, a user's name, or a SMART backend service's access token."""

import json
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
import httpx

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_S = 300  # the longest that SMART allows
_DEADLINE_S = 15.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MAX_BYTES = 256 * 1024


class CredentialsRefused(httpx.TransportError):
    """No request could be sent, for want of credentials; `str()` is fit to show."""


class Header(httpx.Auth):
    """One header with every request, such as a bearer token or a gateway's key."""

    def __init__(self, name: str, value: str) -> None:
        self._name = name
        self._value = value

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The request with the header."""
        request.headers[self._name] = self._value
        yield request


class Key(NamedTuple):
    """A private key with its algorithm (RS384 or ES384), and the id under which its public half is known."""

    private: "PrivateKey"
    algorithm: str
    id: str


def read_key(text: str, key_id: str = "") -> Key:
    """The private key in `text`, a PEM or a JWK. Raises ValueError, which quotes nothing of it."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from jwt import PyJWK
    from jwt.exceptions import PyJWTError

    try:
        if text.lstrip().startswith("{"):
            jwk = json.loads(text)
            private, key_id = PyJWK(jwk).key, key_id or str(jwk.get("kid", ""))
        else:
            private = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, PyJWTError):  # TypeError: a key under a password
        raise ValueError("it holds no private key as PEM or JWK without a password") from None
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= 2048:
        return Key(private, "RS384", key_id)
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name == "secp384r1":
        return Key(private, "ES384", key_id)
    raise ValueError("its key is neither RSA of 2048 bits or more (RS384) nor on the curve P-384 (ES384)")


class Granted(NamedTuple):
    """An access token, when to ask for another one (seconds of the clock), and the scopes granted."""

    token: str
    renew_at: float
    scopes: str


class SmartBackend(httpx.Auth):
    """SMART App Launch 2, "Backend Services": an access token for a signed assertion, renewed before it ends.

    Where to get it is asked of the FHIR server's `.well-known/smart-configuration`, over `http`, a client
    that knows no credentials and that someone else closes. The token is kept in memory alone.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        base: str,
        client_id: str,
        key: Key,
        scopes: str,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._base = base.rstrip("/")
        self._client_id = client_id
        self._key = key
        self._clock = clock
        self._granted: Granted | None = None
        self._asking = anyio.Lock()
        self.scopes = scopes

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The request with a token; once more with a new one when the server does not know it any more."""
        granted = await self.granted()
        request.headers["Authorization"] = f"Bearer {granted.token}"
        response = yield request
        if response.status_code == 401:
            # httpx would read the refusal to its end, which may be far.
            assert isinstance(response.stream, httpx.AsyncByteStream)
            await response.stream.aclose()
            response.stream = httpx.ByteStream(b"")
            granted = await self.granted(instead_of=granted)
            request.headers["Authorization"] = f"Bearer {granted.token}"
            yield request

    async def granted(self, instead_of: Granted | None = None) -> Granted:
        """The token in force, another one than `instead_of`. Raises CredentialsRefused."""
        if (kept := self._in_force(instead_of)) is not None:
            return kept
        async with self._asking:
            if (kept := self._in_force(instead_of)) is not None:
                return kept
            self._granted = await self._ask()
            return self._granted

    def _in_force(self, instead_of: Granted | None) -> Granted | None:
        kept = self._granted
        usable = kept is not None and kept is not instead_of and self._clock() < kept.renew_at
        return kept if usable else None

    async def _ask(self) -> Granted:
        """A new token. Raises CredentialsRefused."""
        address = f"{self._base}/.well-known/smart-configuration"
        status, found = await self._send(self._http.build_request("GET", address))
        if status != 200:
            raise CredentialsRefused(
                f"The FHIR server offers no SMART authorization (HTTP {status} at {address});"
                " check the address, or use another kind of credentials."
            )
        endpoint = self._checked(found)
        form = {
            "grant_type": "client_credentials",
            "scope": self.scopes,
            "client_assertion_type": _ASSERTION,
            "client_assertion": self._assertion(endpoint),
        }
        asked = self._clock()
        status, answer = await self._send(self._http.build_request("POST", endpoint, data=form))
        token, lasts = answer.get("access_token"), answer.get("expires_in")
        if status != 200:
            raise CredentialsRefused(
                f"{endpoint} grants no token (HTTP {status}: {_word(answer.get('error'))}); check that"
                f" {self._client_id} is registered there with this key and these scopes: {self.scopes}."
            )
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise CredentialsRefused(f"{endpoint} answered without an access token that can be sent.")
        if str(answer.get("token_type")).lower() != "bearer":
            raise CredentialsRefused(f"{endpoint} gave a token of another type than bearer.")
        seconds = float(lasts) if isinstance(lasts, int) and lasts > 0 else 300.0  # as SMART recommends
        scopes = answer.get("scope")
        renew_at = asked + seconds - min(60.0, seconds / 5)
        return Granted(token, renew_at, scopes if isinstance(scopes, str) else self.scopes)

    def _checked(self, found: dict[str, Any]) -> str:
        """The token endpoint, if a signed assertion may be sent there. Raises CredentialsRefused."""
        endpoint = found.get("token_endpoint")
        try:
            url = httpx.URL(endpoint if isinstance(endpoint, str) else "")
        except httpx.InvalidURL:
            url = httpx.URL("")
        here = url.scheme == httpx.URL(self._base).scheme == "http" and url.host in _LOOPBACK
        if not (url.scheme == "https" or here) or not url.host or url.userinfo:
            raise CredentialsRefused(f"{self._base} names no token endpoint that is protected (https).")
        for listed, needed in (
            ("token_endpoint_auth_methods_supported", "private_key_jwt"),
            ("token_endpoint_auth_signing_alg_values_supported", self._key.algorithm),
        ):
            offered = found.get(listed)
            if isinstance(offered, list) and needed not in offered:
                raise CredentialsRefused(
                    f"{url.host} does not take {needed}; it takes {', '.join(map(_word, offered))[:200]}."
                )
        return str(endpoint)

    def _assertion(self, endpoint: str) -> str:
        import jwt

        now = int(self._clock())
        claims = {
            "iss": self._client_id,
            "sub": self._client_id,
            "aud": endpoint,
            "iat": now,
            "exp": now + _ASSERTION_S,
            "jti": str(uuid.uuid4()),
        }
        headers = {"kid": self._key.id} if self._key.id else None
        return jwt.encode(claims, self._key.private, self._key.algorithm, headers)

    async def _send(self, request: httpx.Request) -> tuple[int, dict[str, Any]]:
        """The status and the JSON object of an answer, empty when it is none. Raises CredentialsRefused."""
        request.headers["Accept"] = "application/json"
        body = bytearray()
        where = request.url.copy_with(query=None)
        try:
            with anyio.fail_after(_DEADLINE_S):
                response = await self._http.send(request, stream=True, auth=None, follow_redirects=False)
                try:
                    async for chunk in response.aiter_bytes():
                        body += chunk
                        if len(body) > _MAX_BYTES:
                            raise CredentialsRefused(f"The answer of {where} does not end.")
                finally:
                    await response.aclose()
        except CredentialsRefused:
            raise
        except (TimeoutError, httpx.HTTPError) as error:
            raise CredentialsRefused(f"{where} cannot be reached ({type(error).__name__}).") from None
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        return response.status_code, answer if isinstance(answer, dict) else {}


def _word(value: object) -> str:
    """What a server says in one word (an OAuth error code, an algorithm), fit to be repeated."""
    text = str(value)[:40]
    return text if text.replace("_", "").replace("-", "").isalnum() else "no reason given"
