"""Accounts: who may sign in, how they do, how long they stay, and what ends it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from geo_minzheng.engine.sitting import Limits, Sitting, longest_of, sitting_of
from geo_minzheng.errors import InputError, NotFoundError, RefusedError
from geo_minzheng.model.account import ANYTHING, NOTHING, Person, Role, SessionKind, SignedIn
from geo_minzheng.model.scope import Scope
from geo_minzheng.services import passwords, responding, settings_of
from geo_minzheng.store import accounts as store
from geo_minzheng.store import audit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.store.tables_accounts import Account, SignIn

ADMIN = "admin"
_SEEN_EVERY = timedelta(seconds=60)
_CODE_LENGTH = {"district": (0, 6), "township": (9,), "village": (9, 12)}


@dataclass(frozen=True)
class Opened:
    """A session that was opened; the token is told here and nowhere else."""

    token: str
    person: Person
    must_change: bool


def people(session: Session) -> list[Person]:
    """List who has an account."""
    return store.list_people(session)


def require_manager(session: Session, act: Act) -> None:
    """Refuse who manages no accounts: others are told of their own only.

    Raises
    ------
    RefusedError
        ``account.may_not``.
    """
    audit.require(session, act, "user.add", "account")


def where(session: Session, person: Person) -> str:
    """Name where a person works: town, village, warehouse, home or receiver; empty for the whole district."""
    names = names_of_places(session)
    return " ".join(names.get(code, code) for code in (person.scope, person.place) if code)


def names_of_places(session: Session) -> dict[str, str]:
    """Name every division and every place of work by its code."""
    return dict(store.division_names(session)) | dict(store.place_names(session))


def not_yet_in(session: Session) -> list[Person]:
    """List the accounts whose one-time secret nobody has used yet."""
    return store.list_people(session, must_change=True)


def role_of(policy: Policy, person: Person) -> Role:
    """Look the role of a person up.

    Raises
    ------
    InputError
        ``account.unknown_role``: the policy in force has no such role.
    """
    if person.role not in policy.roles:
        raise InputError("account.unknown_role", role=person.role, allowed=sorted(policy.roles))
    return policy.roles[person.role]


def rights_of(policy: Policy, person: Person, kind: SessionKind = SessionKind.BROWSER) -> tuple[str, ...]:
    """Give the acts a person may do; the wall only shows."""
    return NOTHING if kind is SessionKind.WALL else role_of(policy, person).may


def sight_of(role: Role, person: Person) -> Scope:
    """Say how far a person sees: their division code, the place they work at, the classes of their role.

    An account that lacks the division code or the place its role is bound to, as one does whose role was narrowed
    later, sees nothing until it is given one.
    """
    if (role.level != "district" and not person.scope) or (role.place != "none" and not person.place):
        return Scope(person.scope, sees=frozenset())
    kind = role.place if role.place != "none" else ""
    return Scope(person.scope, kind, person.place if kind else "", frozenset(role.sees))


def act_of(act: Act, policy: Policy, person: Person) -> Act:
    """Bind an act to what a person may do and see."""
    return replace(act, who=person.name, role=person.role, scope=person.scope, may=rights_of(policy, person))


def _free(act: Act, person: Person) -> Act:
    """Let people do what concerns their own session, whatever their role."""
    return replace(act, who=person.name, role=person.role, scope=person.scope, may=ANYTHING)


def limits_of(policy: Policy) -> Limits:
    """Read how long one may sit."""
    return Limits(
        idle=timedelta(minutes=policy.number("account.idle_minutes")),
        absolute=timedelta(hours=policy.number("account.absolute_hours")),
        lock=timedelta(minutes=policy.number("account.lock_minutes")),
        response=timedelta(hours=policy.number("account.response_hours")),
        device=timedelta(days=policy.number("account.device_days")),
    )


def add_person(session: Session, act: Act, policy: Policy, person: Person) -> str:
    """Add an account and give its one-time secret, told once.

    Raises
    ------
    InputError
        ``account.no_name``, ``account.unknown_role``, ``account.bad_scope``, ``account.no_place``,
        ``account.place_elsewhere``.
    RefusedError
        ``account.exists``.
    """
    person = _checked(session, policy, person)
    secret = passwords.draw_secret()
    store.add_account(session, act, person, password_hash=passwords.hash_password(secret))
    return secret


def _checked(session: Session, policy: Policy, person: Person) -> Person:
    login, name = person.login.strip(), person.name.strip()
    if not login or not name or any(not sign.isprintable() for sign in login + name) or len(login + name) > 120:
        raise InputError("account.no_name")
    role = role_of(policy, person)
    district = str(settings_of.read(session, "code", ""))[:6]
    if person.scope and (
        not person.scope.isdecimal()
        or len(person.scope) not in _CODE_LENGTH[role.level]
        or not person.scope.startswith(district)
    ):
        raise InputError("account.bad_scope", scope=person.scope, role=role.role, level=role.level, district=district)
    if not person.scope and role.level != "district":
        raise InputError("account.no_scope", role=role.role, level=role.level)
    known = store.division_codes(session, len(person.scope))
    if person.scope and known and person.scope not in known:
        raise InputError("account.unknown_scope", scope=person.scope)
    _check_place(session, role, person.place, person.scope)
    return replace(person, login=login, name=name)


def _check_place(session: Session, role: Role, place: str, scope: str) -> None:
    if role.place == "none":
        if place:
            raise InputError("account.place_not_used", role=role.role, place=place)
        return
    known = store.place_names(session, role.place)
    if place not in known:
        raise InputError("account.no_place", role=role.role, place=place, kind=role.place, known=sorted(known)[:8])
    if role.level != "district" and not store.village_of_place(session, role.place, place).startswith(scope):
        raise InputError("account.place_elsewhere", place=place, name=known[place], scope=scope)


def change_person(session: Session, act: Act, policy: Policy, name: str, wanted: Mapping[str, str]) -> Person:
    """Change role, scope or place of an account; whoever is signed in with it sees the change at the next click.

    Parameters
    ----------
    wanted
        New values of ``role``, ``scope``, ``place``; what is not named stays.

    Raises
    ------
    NotFoundError, InputError, RefusedError
        As :func:`add_person`; ``account.last_admin``.
    """
    row = store.get_account(session, name)
    now = store.person_of(row)
    role, scope, place = (wanted.get(key, getattr(now, key)) for key in ("role", "scope", "place"))
    person = _checked(session, policy, replace(now, role=role, scope=scope, place=place))
    if row.post == ADMIN and person.role != ADMIN:
        _keep_an_admin(session, row)
    store.change_account(session, act, "user.change", row, post=person.role, scope=person.scope, place=person.place)
    return person


def disable(session: Session, act: Act, name: str, at: datetime) -> int:
    """Take an account out of use: every session and device of it ends at once; what it did stays on record.

    Raises
    ------
    NotFoundError
        ``account.unknown``.
    RefusedError
        ``account.last_admin``.
    """
    row = store.get_account(session, name)
    _keep_an_admin(session, row)
    store.change_account(session, act, "user.disable", row, is_disabled=True)
    return store.end_sign_ins(session, act, row, at)


def enable(session: Session, act: Act, name: str) -> None:
    """Let an account be used again; nobody is signed in by that."""
    store.change_account(session, act, "user.enable", store.get_account(session, name), is_disabled=False)


def _keep_an_admin(session: Session, row: Account) -> None:
    others = [p for p in people(session) if p.role == ADMIN and not p.is_disabled and p.login != row.login]
    if row.post == ADMIN and not others:
        raise RefusedError("account.last_admin", name=row.name)


def new_secret(session: Session, act: Act, name: str, at: datetime) -> str:
    """Give an account a new one-time secret; what was signed in with the old one ends."""
    row = store.get_account(session, name)
    secret = passwords.draw_secret()
    kept = passwords.hash_password(secret)
    store.change_account(session, act, "user.secret", row, password_hash=kept, pin_hash=None, must_change=True)
    store.end_sign_ins(session, act, row, at)
    return secret


def bind_subject(session: Session, act: Act, name: str, subject: str) -> None:
    """Bind an account to issuer and subject of the bureau's identity provider; an empty one unbinds it.

    A one-time secret that nobody has used yet opens nothing from then on; a password of one's own stays good, for the
    night on which the provider is out of reach. Sessions of an account that was bound to another subject end.

    Raises
    ------
    InputError
        ``account.bad_subject``: not an issuer's address and a subject.
    RefusedError
        ``account.subject_taken``: another account is bound to it.
    """
    row = store.get_account(session, name)
    issuer, _, own = subject.strip().partition(" ")
    if subject.strip() and not (is_safe_address(issuer) and own.strip()):
        raise InputError("account.bad_subject", subject=subject)
    told = f"{issuer} {own.strip()}" if own.strip() else None
    holder = store.find_subject(session, told) if told else None
    if holder is not None and holder.fid != row.fid:
        raise RefusedError("account.subject_taken", name=holder.name)
    unused = {"password_hash": None, "must_change": False} if told and row.must_change else {}
    if row.subject not in (None, told):
        store.end_sign_ins(session, act, row, act.at)
    store.change_account(session, act, "user.subject", row, subject=told, **unused)


def is_safe_address(address: str) -> bool:
    """Tell whether what is sent to an address is read by nobody on the way: HTTPS, or this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    is_here = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    return bool(parts.netloc) and (parts.scheme == "https" or is_here)


def first_admin(session: Session, act: Act, policy: Policy, name: str) -> str:
    """Make the administrator of a district that has no account yet; empty when there is one already."""
    if people(session):
        return ""
    return add_person(session, act, policy, Person(login=name, name=name, role=ADMIN))


def sign_in(session: Session, act: Act, login: str, password: str, at: datetime) -> Opened:
    """Sign in with a password or a one-time secret.

    Raises
    ------
    RefusedError
        ``account.refused``: the same for a wrong password, an unknown or a disabled account, and one of the demo
        elsewhere than in a demo.
    """
    row = store.find_account(session, login.strip())
    right = passwords.is_right(row.password_hash if row else None, password)
    if row is None or not right or not _is_good_here(session, row):
        raise RefusedError("account.refused")
    return _open(session, act, row, SessionKind.BROWSER, at)


def sign_in_subject(session: Session, act: Act, subject: str, at: datetime) -> Opened:
    """Sign in somebody whom the bureau's identity provider vouches for.

    Raises
    ------
    RefusedError
        ``account.refused``.
    """
    row = store.find_subject(session, subject) if subject else None
    if row is None or not _is_good_here(session, row):
        raise RefusedError("account.refused")
    return replace(_open(session, act, row, SessionKind.BROWSER, at), must_change=False)


def _is_good_here(session: Session, row: Account) -> bool:
    return not row.is_disabled and (not row.is_demo or bool(settings_of.read(session, "is_demo", default=False)))


def _open(session: Session, act: Act, row: Account, kind: SessionKind, at: datetime, label: str = "") -> Opened:
    token = passwords.draw_token()
    person = store.person_of(row)
    digest = passwords.digest_token(token)
    store.open_sign_in(session, _free(act, person), row, token_hash=digest, kind=kind, at=at, label=label)
    return Opened(token, person, row.must_change and kind is SessionKind.BROWSER)


def who_is(session: Session, policy: Policy, token: str, at: datetime) -> tuple[SignedIn, bool] | None:
    """Tell who sits behind a token, from the store as it is now: nobody when it ended, or the account is disabled.

    Returns
    -------
    Who, and whether it is time to note that they were seen (:func:`note_seen`).
    """
    found = store.find_sign_in(session, passwords.digest_token(token)) if token else None
    if found is None:
        return None
    row, account = found
    kind = SessionKind(row.kind)
    if not _is_good_here(session, account) or account.post not in policy.roles:
        return None
    limits = limits_of(policy)
    is_responding = responding.is_active(session)
    state = sitting_of(kind, row.opened_at, row.seen_at, at, limits, is_responding=is_responding)
    if state is Sitting.ENDED:
        return None
    is_locked = row.is_locked or state is Sitting.LOCKED
    until = row.opened_at + longest_of(kind, limits, is_responding=is_responding)
    signed_in = SignedIn(
        store.person_of(account), row.fid, kind, must_change=account.must_change and kind is SessionKind.BROWSER,
        is_locked=is_locked, has_pin=account.pin_hash is not None, until=until,
    )  # fmt: skip
    return signed_in, not is_locked and at - row.seen_at > _SEEN_EVERY


def note_seen(session: Session, signed_in: SignedIn, at: datetime) -> None:
    """Note a sign of life."""
    store.mark(session, signed_in.session, seen_at=at)


def lock(session: Session, signed_in: SignedIn) -> None:
    """Lock a screen until the PIN, or the password, is typed."""
    store.mark(session, signed_in.session, is_locked=True)


def unlock(session: Session, signed_in: SignedIn, word: str, at: datetime) -> None:
    """Open a locked screen by PIN or password.

    Raises
    ------
    RefusedError
        ``account.refused``.
    """
    row = store.get_account(session, signed_in.person.login)
    kept = row.pin_hash if row.pin_hash and word.isdecimal() else row.password_hash
    if not passwords.is_right(kept, word):
        raise RefusedError("account.refused")
    store.mark(session, signed_in.session, is_locked=False, seen_at=at)


def sign_out(session: Session, act: Act, signed_in: SignedIn, at: datetime) -> None:
    """End a session."""
    row = store.get_account(session, signed_in.person.login)
    store.end_sign_ins(session, _free(act, signed_in.person), row, at, only=signed_in.session)


def change_password(
    session: Session, act: Act, policy: Policy, signed_in: SignedIn, old: str, new: str, at: datetime
) -> None:
    """Replace the password, or the one-time secret, by one's own; other sessions of the account end.

    Raises
    ------
    RefusedError
        ``account.refused``: the old one is not right; ``account.same_password``.
    InputError
        ``account.weak_password``.
    """
    row = store.get_account(session, signed_in.person.login)
    if not passwords.is_right(row.password_hash, old):
        raise RefusedError("account.refused")
    if old == new:
        raise RefusedError("account.same_password")
    length = int(policy.number("account.password_length"))
    passwords.require_strong(new, names=(row.login, row.name), length=length)
    act = _free(act, signed_in.person)
    store.change_account(
        session, act, "user.password", row, password_hash=passwords.hash_password(new), must_change=False
    )
    for other, _ in store.list_sign_ins(session, row):
        if other.fid != signed_in.session and other.kind == SessionKind.BROWSER:
            store.end_sign_ins(session, act, row, at, only=other.fid)


def set_pin(session: Session, act: Act, policy: Policy, signed_in: SignedIn, password: str, pin: str) -> None:
    """Set the PIN that opens a locked screen; who has no password, as the provider vouches for them, needs none.

    Raises
    ------
    RefusedError
        ``account.refused``: the password is not right.
    InputError
        ``account.weak_pin``.
    """
    row = store.get_account(session, signed_in.person.login)
    if row.password_hash and not passwords.is_right(row.password_hash, password):
        raise RefusedError("account.refused")
    passwords.require_pin(pin, length=int(policy.number("account.pin_length")))
    act = _free(act, signed_in.person)
    store.change_account(session, act, "user.pin", row, pin_hash=passwords.hash_password(pin))


def pair(
    session: Session, act: Act, policy: Policy, name: str, kind: SessionKind, label: str, at: datetime
) -> tuple[str, datetime]:
    """Give the code that pairs one device once, within minutes; the QR code holds it.

    Raises
    ------
    NotFoundError
        ``account.unknown``.
    InputError
        ``account.pair_kind``: a browser is no device.
    """
    row = store.get_account(session, name)
    if row.is_disabled:
        raise NotFoundError("account.unknown", name=name)
    if kind is SessionKind.BROWSER:
        raise InputError("account.pair_kind")
    code = passwords.draw_secret()
    until = at + timedelta(minutes=policy.number("account.pairing_minutes"))
    digest = passwords.digest_token(code)
    store.add_pairing(session, act, row, code_hash=digest, kind=kind, label=label.strip(), until=until)
    return code, until


def pair_own(
    session: Session, act: Act, policy: Policy, signed_in: SignedIn, label: str, at: datetime
) -> tuple[str, datetime]:
    """Give the code that pairs one's own phone; who sits at a phone or a wall cannot pair another."""
    if signed_in.kind is not SessionKind.BROWSER:
        raise RefusedError("account.refused")
    act = _free(act, signed_in.person)
    return pair(session, act, policy, signed_in.person.login, SessionKind.PHONE, label, at)


def end_own(session: Session, act: Act, signed_in: SignedIn, only: int, at: datetime) -> int:
    """End one of one's own sessions, e.g. a lost phone's."""
    return end_session(session, _free(act, signed_in.person), signed_in.person.login, at, only=only)


def sign_in_device(session: Session, act: Act, code: str, at: datetime) -> Opened:
    """Pair a device by its code: its session lasts until it is revoked.

    Raises
    ------
    RefusedError
        ``account.refused``.
    """
    found = store.use_pairing(session, passwords.digest_token(code.strip().lower()), at)
    if found is None or not _is_good_here(session, found[1]):
        raise RefusedError("account.refused")
    pairing, row = found
    return _open(session, act, row, SessionKind(pairing.kind), at, pairing.label)


def list_sessions(session: Session, policy: Policy, at: datetime, name: str = "") -> list[dict[str, Any]]:
    """List who is signed in where: number, person, kind, label, since and last seen."""
    only = store.get_account(session, name) if name else None
    limits, is_responding = limits_of(policy), responding.is_active(session)

    def is_open(row: SignIn) -> bool:
        kind = SessionKind(row.kind)
        state = sitting_of(kind, row.opened_at, row.seen_at, at, limits, is_responding=is_responding)
        return state is not Sitting.ENDED

    return [
        {
            "session": row.fid, "login": account.login, "name": account.name, "role": account.post, "kind": row.kind,
            "label": row.label, "opened_at": row.opened_at, "seen_at": row.seen_at, "is_locked": row.is_locked,
        }
        for row, account in store.list_sign_ins(session, only)
        if is_open(row)
    ]  # fmt: skip


def end_session(session: Session, act: Act, name: str, at: datetime, *, only: int | None = None) -> int:
    """End the sessions of an account, or one of them, e.g. a lost phone's; give how many ended."""
    return store.end_sign_ins(session, act, store.get_account(session, name), at, only=only)


def admit(session: Session, name: str) -> Person | None:
    """Find who acts at the command line by the name they give; a name nobody has is refused in a real district.

    Whoever types commands on the machine that holds the district holds its files too, so no password is asked; an
    account's role and scope count all the same.

    Raises
    ------
    NotFoundError
        ``account.unknown``: accounts are in use here, and none has that name, or it is disabled.
    """
    row = store.find_account(session, name)
    if row is not None and not row.is_disabled and _is_good_here(session, row):
        return store.person_of(row)
    known: Sequence[Person] = people(session)
    if row is not None or (known and not settings_of.read(session, "is_demo", default=False)):
        raise NotFoundError("account.unknown", name=name)
    return None
