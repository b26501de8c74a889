"""Secrets: drawn, hashed and compared; the plain ones are told once and kept nowhere."""

from __future__ import annotations

import hashlib
import secrets
from functools import lru_cache
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from geo_minzheng.errors import InputError

# Nobody mistakes one for another when it is read out by phone.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_TRIVIAL = ("password", "123456", "111111", "000000", "qwerty", "abc123", "admin", "888888", "666666", "minzheng")


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))


def draw_secret() -> str:
    """Draw a one-time secret of 16 letters in groups, 79 bits: ``abcd-efgh-jkmn-pqrs``."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(16))
    return "-".join(letters[k : k + 4] for k in range(0, 16, 4))


def draw_token() -> str:
    """Draw a session's token of 256 bits."""
    return secrets.token_urlsafe(32)


def digest_token(token: str) -> str:
    """Hash a token for the store: it is random, so a plain SHA-256 tells nothing of it."""
    return hashlib.sha256(token.encode("utf-8", errors="surrogatepass")).hexdigest()


def hash_password(password: str) -> str:
    """Hash a password by argon2id with the library's current parameters."""
    return _hasher().hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """Compare a password with its hash; nobody's hash takes the same time as a wrong password."""
    try:
        return bool(_hasher().verify(kept or _nobody(), password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def require_strong(password: str, *, names: tuple[str, ...], length: int) -> None:
    """Refuse a password that is short, all of one kind, a name, or on everybody's list.

    Raises
    ------
    InputError
        ``account.weak_password``.
    """
    low = password.lower()
    is_weak = (
        len(password) < length
        or len(set(low)) < 5
        or password.isdigit()
        or any(word in low for word in _TRIVIAL)
        or any(name and name.lower() in low for name in names)
    )
    if is_weak or len(password) > 200:
        raise InputError("account.weak_password", length=length)


def require_pin(pin: str, *, length: int) -> None:
    """Refuse a PIN that is no number of that length, or all one digit or a run.

    Raises
    ------
    InputError
        ``account.weak_pin``.
    """
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)} if pin.isdecimal() else set()
    if not pin.isdecimal() or len(pin) != length or steps in ({0}, {1}, {9}):
        raise InputError("account.weak_pin", length=length)
