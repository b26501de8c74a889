"""Sign-in by the bureau's own identity provider (OIDC), where one is set up: who they are; all else stays ours.

The code flow with PKCE (OpenID Connect Core 1.0 §3.1, RFC 7636). Of the verified token only ``iss`` and ``sub`` are
taken, never a name or an address. The session is ours, so that roles, limits, the lock and disabling hold as ever.
"""

from __future__ import annotations

import secrets
import time
import tomllib
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key
from requests import RequestException

from geo_minzheng.errors import RefusedError, StoreError
from geo_minzheng.services.accounts import is_safe_address

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "oidc.toml"
# What a provider may sign with: never ``none``, and no secret that both sides know.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_ADDRESSES = ("server_metadata_url", "redirect_uri")
_WANTED = ("client_id", "client_secret", *_ADDRESSES)
_MINUTES, _MOST_BEGUN = 10, 1000
_WAIT_S, _LEEWAY_S = 10, 60
_OTHERS = 0o077
_KNOWN_S = 300
_known: dict[Provider, tuple[dict[str, Any], float]] = {}


@dataclass(frozen=True)
class Provider:
    """The bureau's identity provider, as ``oidc.toml`` beside the keys names it.

    Parameters
    ----------
    metadata
        Address of its ``.well-known/openid-configuration``.
    back
        Our own address ``…/door/unified/back``, as it is registered there.
    authority
        File of the internal CA that vouches for its certificate; empty for the system's.
    """

    client: str
    secret: str = field(repr=False)
    metadata: str
    back: str
    authority: str = ""


@dataclass(frozen=True)
class Begun:
    """A sign-in that has begun: what must come back, to which browser, and where it leads."""

    browser: str
    nonce: str
    verifier: str
    wanted: str
    language: str
    until: float


def read_provider(folder: Path) -> Provider | None:
    """Read which provider a district signs in by from the folder of its keys; ``None`` where there is none.

    Raises
    ------
    StoreError
        ``unified.too_open``: others may read its secret; ``unified.damaged``: it lacks something or is no TOML.
    """
    path = folder / FILE
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError("unified.damaged", file=str(path), missing="TOML") from error
    if mode & _OTHERS:
        raise StoreError("unified.too_open", file=str(path))
    auth = told.get("auth")
    if not isinstance(auth, dict):
        raise StoreError("unified.damaged", file=str(path), missing="[auth]")
    given = {name: str(auth.get(name, "")).strip() for name in _WANTED}
    wrong = [name for name, value in given.items() if not value or (name in _ADDRESSES and not is_safe_address(value))]
    if wrong:
        raise StoreError("unified.damaged", file=str(path), missing=wrong[0])
    client, secret, metadata, back = given.values()
    return Provider(client, secret, metadata, back, str(auth.get("ca_file", "")))


class Waiting:
    """The sign-ins that have begun and may still come back; each comes back once, to the browser that began it."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, Begun] = OrderedDict()
        self._lock = Lock()

    def begin(self, wanted: str, language: str) -> tuple[str, str, Begun]:
        """Begin one; give its state, and the word the browser keeps."""
        state, word = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        begun = Begun(
            _digest(word), secrets.token_urlsafe(32), secrets.token_urlsafe(48), wanted, language,
            time.monotonic() + _MINUTES * 60,
        )  # fmt: skip
        with self._lock:
            self._found[state] = begun
            while len(self._found) > _MOST_BEGUN:
                self._found.popitem(last=False)
        return state, word, begun

    def take(self, state: str, word: str) -> Begun:
        """Take one that came back.

        Raises
        ------
        RefusedError
            ``unified.not_begun``: by this browser, in the last minutes, or it came back before.
        """
        with self._lock:
            begun = self._found.pop(state, None)
        if begun is None or begun.until < time.monotonic() or not secrets.compare_digest(begun.browser, _digest(word)):
            raise RefusedError("unified.not_begun")
        return begun


def _digest(word: str) -> str:
    return sha256(word.encode()).hexdigest()


def described(provider: Provider) -> dict[str, Any]:
    """Ask the provider where it is to be asked what; the answer is good for minutes.

    Raises
    ------
    RefusedError
        ``unified.unreachable``.
    """
    known, until = _known.get(provider, ({}, 0.0))
    if until < time.monotonic():
        with _client(provider) as client:
            known = _described(client, provider)
        _known.clear()
        _known[provider] = (known, time.monotonic() + _KNOWN_S)
    return known


def way_out(provider: Provider, told: Mapping[str, Any], state: str, begun: Begun) -> str:
    """Give the provider's address where somebody says who they are."""
    with _client(provider) as client:
        start = told["authorization_endpoint"]
        url, _ = client.create_authorization_url(start, state=state, nonce=begun.nonce, code_verifier=begun.verifier)
    return str(url)


def subject_of(provider: Provider, begun: Begun, code: str) -> str:
    """Ask the provider whose code this is.

    Returns
    -------
    Issuer and subject, as an account is bound to them.

    Raises
    ------
    RefusedError
        ``unified.unreachable``; ``unified.refused``: no such code, or a token that does not hold.
    """
    where = described(provider)
    with _client(provider) as client:
        token = _asked(
            lambda: client.fetch_token(where["token_endpoint"], code=code, code_verifier=begun.verifier)["id_token"],
            "unified.refused",
        )
        keys = _json(client, where["jwks_uri"])
    return _checked(str(token), keys, where["issuer"], provider.client, begun.nonce)


def _checked(token: str, keys: Any, issuer: str, client: str, nonce: str) -> str:
    rules = jwt.JWTClaimsRegistry(
        leeway=_LEEWAY_S,
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": client},
        nonce={"essential": True, "value": nonce},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        claims = jwt.decode(token, _usable(keys), algorithms=_ALGORITHMS).claims
        rules.validate(claims)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError("unified.refused") from error
    # A token for several must say that it was given to us (§3.1.3.7).
    is_ours = claims["aud"] in (client, [client]) or "azp" in claims
    if (
        not is_ours
        or claims.get("azp", client) != client
        or not isinstance(claims["sub"], str)
        or not claims["sub"].strip()
    ):
        raise RefusedError("unified.refused")
    return f"{issuer} {claims['sub']}"


def _usable(told: Any) -> KeySet:
    """Keep the keys that a token may be signed with; one that nobody can read is none."""
    found = []
    for key in told["keys"]:
        if key.get("use", "sig") == "sig":
            with suppress(JoseError, ValueError, TypeError, KeyError):
                found.append(import_key(key))
    return KeySet(found)


def _client(provider: Provider) -> Any:
    client = OAuth2Session(
        provider.client, provider.secret, scope="openid", redirect_uri=provider.back, code_challenge_method="S256",
        default_timeout=_WAIT_S,
    )  # fmt: skip
    client.trust_env = False
    client.verify = provider.authority or True
    return client


def _described(client: Any, provider: Provider) -> dict[str, Any]:
    told = _json(client, provider.metadata)
    names = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
    if not isinstance(told, dict) or not all(isinstance(told.get(name), str) for name in names):
        raise RefusedError("unified.unreachable")
    if not all(is_safe_address(told[name]) for name in names):
        raise RefusedError("unified.unreachable")
    return told


def _json(client: Any, address: str) -> Any:
    def ask() -> Any:
        answer = client.request("GET", address, withhold_token=True, timeout=_WAIT_S, allow_redirects=False)
        answer.raise_for_status()
        return answer.json()

    return _asked(ask, "unified.unreachable")


def _asked(ask: Any, code: str) -> Any:
    try:
        return ask()
    except AuthlibBaseError as error:
        raise RefusedError("unified.refused") from error
    # The last three: an answer of another shape than the protocol's.
    except (RequestException, ValueError, OSError, TypeError, AttributeError, KeyError) as error:
        raise RefusedError(code) from error
