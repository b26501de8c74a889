"""Accounts and sessions: rows are written here; secrets come and go as hashes only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geo_minzheng.errors import NotFoundError, RefusedError
from geo_minzheng.model.account import Person, SessionKind
from geo_minzheng.model.act import Act
from geo_minzheng.store.audit import Change, record
from geo_minzheng.store.scope import whole
from geo_minzheng.store.second_person import is_among
from geo_minzheng.store.tables_accounts import Account, Pairing, SignIn
from geo_minzheng.store.tables_layers import Division, Site, Village, Warehouse, WelfareHome

# Of these the log tells that they changed, never what they were or are.
SECRETS = ("password_hash", "pin_hash")

# Kind of place a role is bound to -> id and name of its layer.
_PLACES = {
    "warehouse": (Warehouse.warehouse_id, Warehouse.name),
    "home": (WelfareHome.home_id, WelfareHome.name),
    "site": (Site.site_id, Site.name),
}


def place_names(session: Session, kind: str = "") -> dict[str, str]:
    """Name the places of work by id: of one kind, or of all; who gives accounts knows them, whatever else they see."""
    wanted = [_PLACES[kind]] if kind else list(_PLACES.values())
    with whole(session):
        return {key: name for columns in wanted for key, name in session.execute(select(*columns)).tuples()}


def village_of_place(session: Session, kind: str, place: str) -> str:
    """Give the division code of the village a place of work lies in; empty where it is not known."""
    key, name = _PLACES[kind]
    with whole(session):
        return str(session.scalars(select(name.class_.village_code).where(key == place)).first() or "")


def division_names(session: Session) -> dict[str, str]:
    """Name towns by nine digits and villages by twelve."""
    found = session.execute(select(Division.code, Division.name)).tuples()
    return {code[:9] if code.endswith("000") else code: name for code, name in found}


def division_codes(session: Session, digits: int) -> set[str]:
    """List the codes of the towns (9 digits) or villages (12) that the layers know."""
    with whole(session):
        villages = {str(code) for code in session.scalars(select(Village.code))}
        towns = {code[:9] for code in villages}
        return {code for code in (*division_names(session), *villages, *towns) if len(code) == digits}


def person_of(row: Account) -> Person:
    """Give the public part of an account."""
    return Person(row.login, row.name, row.post, row.scope, row.place, row.is_disabled, row.is_demo)


def list_people(session: Session, *, must_change: bool = False) -> list[Person]:
    """List every account, or those in use that wait for their first password, oldest first."""
    query = select(Account).order_by(Account.fid)
    if must_change:
        query = query.where(Account.must_change, Account.is_disabled.is_(False))
    return [person_of(row) for row in session.scalars(query)]


def find_account(session: Session, name: str) -> Account | None:
    """Find an account by what is typed at sign-in, or by the name in the records."""
    rows = session.scalars(select(Account).where(or_(Account.login == name, Account.name == name))).all()
    return next((row for row in rows if row.login == name), next(iter(rows), None))


def account_named(session: Session, name: str) -> Account | None:
    """Find an account by its name or login however it was written: width, case and blanks make no other person."""
    return next((row for row in session.scalars(select(Account)) if is_among(name, row.login, row.name)), None)


def find_subject(session: Session, subject: str) -> Account | None:
    """Find the account that an identity provider's subject was bound to."""
    return session.scalars(select(Account).where(Account.subject == subject)).one_or_none()


def get_account(session: Session, name: str) -> Account:
    """Give an account.

    Raises
    ------
    NotFoundError
        ``account.unknown``.
    """
    row = find_account(session, name)
    if row is None:
        raise NotFoundError("account.unknown", name=name)
    return row


def add_account(session: Session, act: Act, person: Person, *, password_hash: str | None = None) -> Account:
    """Add an account that waits for its first password.

    Raises
    ------
    RefusedError
        ``account.exists``: the login or the name is taken.
    """
    # One's login is nobody else's name: who is meant by it must be one person.
    for word in (person.name, person.login):
        if account_named(session, word) is not None:
            raise RefusedError("account.exists", name=word)
    row = Account(
        login=person.login, name=person.name, post=person.role, scope=person.scope, place=person.place,
        password_hash=password_hash, must_change=True, is_disabled=False, is_demo=person.is_demo, made_at=act.at,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        raise RefusedError("account.exists", name=person.name) from error
    record(session, act, Change("user.add", "account", row.login, None, _public(row)))
    return row


def change_account(session: Session, act: Act, action: str, row: Account, **values: Any) -> None:
    """Change an account; of a secret the record says that it changed, never what it was or is.

    Raises
    ------
    RefusedError
        ``account.exists``: another account has that name or that subject.
    """
    before = _public(row)
    try:
        with session.begin_nested():
            for name, value in values.items():
                setattr(row, name, value)
            session.flush()
    except IntegrityError as error:
        raise RefusedError("account.exists", name=str(values.get("name", row.name))) from error
    after = _public(row)
    told = {name: value for name, value in after.items() if before[name] != value}
    told |= dict.fromkeys((n for n in SECRETS if n in values), "changed")
    if told:
        record(session, act, Change(action, "account", row.login, {n: before.get(n) for n in told}, told))


def _public(row: Account) -> dict[str, Any]:
    return {
        "login": row.login, "name": row.name, "role": row.post, "scope": row.scope, "place": row.place,
        "must_change": row.must_change, "is_disabled": row.is_disabled, "is_demo": row.is_demo,
        "subject": row.subject,
    }  # fmt: skip


def open_sign_in(
    session: Session, act: Act, account: Account, *, token_hash: str, kind: SessionKind, at: datetime, label: str = ""
) -> SignIn:
    """Open a session of an account."""
    row = SignIn(
        token_hash=token_hash, account_fid=account.fid, kind=kind.value, label=label, opened_at=at, seen_at=at,
        is_locked=False,
    )  # fmt: skip
    session.add(row)
    session.flush()
    record(session, act, Change("user.sign_in", "sign_in", str(row.fid), None, {"kind": kind.value, "label": label}))
    return row


def find_sign_in(session: Session, token_hash: str) -> tuple[SignIn, Account] | None:
    """Find an open session by the hash of its token, with its account."""
    query = select(SignIn, Account).join(Account, Account.fid == SignIn.account_fid)
    found = session.execute(query.where(SignIn.token_hash == token_hash, SignIn.ended_at.is_(None))).one_or_none()
    return None if found is None else (found[0], found[1])


def mark(session: Session, sign_in: int, **values: Any) -> None:
    """Note that a session was seen, locked or opened again."""
    session.execute(update(SignIn).where(SignIn.fid == sign_in, SignIn.ended_at.is_(None)).values(**values))


def end_sign_ins(session: Session, act: Act, account: Account, at: datetime, *, only: int | None = None) -> int:
    """End the sessions of an account, or one of them; give how many ended."""
    query = update(SignIn).where(SignIn.account_fid == account.fid, SignIn.ended_at.is_(None))
    if only is not None:
        query = query.where(SignIn.fid == only)
    ended = list(session.scalars(query.values(ended_at=at).returning(SignIn.fid)))
    for fid in ended:
        record(session, act, Change("user.sign_out", "sign_in", str(fid), None, {"login": account.login}))
    return len(ended)


def list_sign_ins(session: Session, account: Account | None = None) -> list[tuple[SignIn, Account]]:
    """List the open sessions, of one account or of all, oldest first."""
    query = select(SignIn, Account).join(Account, Account.fid == SignIn.account_fid).where(SignIn.ended_at.is_(None))
    if account is not None:
        query = query.where(SignIn.account_fid == account.fid)
    return [(row[0], row[1]) for row in session.execute(query.order_by(SignIn.fid))]


def add_pairing(
    session: Session, act: Act, account: Account, *, code_hash: str, kind: SessionKind, label: str, until: datetime
) -> None:
    """Keep a pairing code until it is used or too old."""
    row = Pairing(code_hash=code_hash, account_fid=account.fid, kind=kind.value, label=label, expires_at=until)
    session.add(row)
    session.flush()
    told = {"login": account.login, "kind": kind.value, "label": label}
    record(session, act, Change("user.pair", "pairing", str(row.fid), None, told))


def use_pairing(session: Session, code_hash: str, at: datetime) -> tuple[Pairing, Account] | None:
    """Use a pairing code up: of two who try, one gets it."""
    query = update(Pairing).where(Pairing.code_hash == code_hash, Pairing.used_at.is_(None), Pairing.expires_at > at)
    row = session.scalars(query.values(used_at=at).returning(Pairing)).one_or_none()
    if row is None:
        return None
    account = session.get(Account, row.account_fid)
    return None if account is None else (row, account)


def forget_old(session: Session, at: datetime, *, days: int = 30) -> None:
    """Take away sessions and codes that ended long ago; that they were is in the audit log."""
    before = at - timedelta(days=days)
    for table, moment in ((SignIn, SignIn.ended_at), (Pairing, Pairing.expires_at)):
        for row in session.scalars(select(table).where(moment < before)):
            session.delete(row)
