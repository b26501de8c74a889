"""Accounts, what is signed in, and paired devices; secrets are kept as hashes only."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geo_minzheng.store.columns import Base


class Account(Base):
    """Somebody who may sign in 账户."""

    __tablename__ = "account"
    KEY = ("login",)
    __table_args__ = (
        UniqueConstraint("login"),
        UniqueConstraint("name"),
        UniqueConstraint("subject"),
        CheckConstraint("length(trim(login)) > 0 AND length(trim(name)) > 0", name="named"),
    )

    login: Mapped[str]
    name: Mapped[str]
    post: Mapped[str]
    scope: Mapped[str] = mapped_column(default="")
    place: Mapped[str] = mapped_column(default="")
    password_hash: Mapped[str | None]
    pin_hash: Mapped[str | None]
    subject: Mapped[str | None]
    must_change: Mapped[bool] = mapped_column(default=True)
    is_disabled: Mapped[bool] = mapped_column(default=False)
    is_demo: Mapped[bool] = mapped_column(default=False)
    made_at: Mapped[datetime]


class SignIn(Base):
    """One session of one account; a phone's or a wall's lasts until it is revoked 登录."""

    __tablename__ = "sign_in"
    __table_args__ = (
        UniqueConstraint("token_hash"),
        CheckConstraint("kind IN ('browser', 'phone', 'wall')", name="kind"),
    )

    token_hash: Mapped[str]
    account_fid: Mapped[int] = mapped_column(ForeignKey("account.fid"))
    kind: Mapped[str]
    label: Mapped[str] = mapped_column(default="")
    opened_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    is_locked: Mapped[bool] = mapped_column(default=False)


class Pairing(Base):
    """A code that pairs one device once, within minutes 配对码."""

    __tablename__ = "pairing"
    __table_args__ = (UniqueConstraint("code_hash"), CheckConstraint("kind IN ('phone', 'wall')", name="kind"))

    code_hash: Mapped[str]
    account_fid: Mapped[int] = mapped_column(ForeignKey("account.fid"))
    kind: Mapped[str]
    label: Mapped[str] = mapped_column(default="")
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Seen(Base):
    """How far somebody has read what happened, and when they last verified the audit chain 已阅."""

    __tablename__ = "seen"
    __table_args__ = (UniqueConstraint("account_fid"),)

    account_fid: Mapped[int] = mapped_column(ForeignKey("account.fid"))
    seq: Mapped[int] = mapped_column(default=0)
    read_at: Mapped[datetime | None]
    verified_at: Mapped[datetime | None]
    is_whole: Mapped[bool] = mapped_column(default=True)
