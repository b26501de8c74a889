"""The public notice 公示 of a programme: head of household, a sign hidden, village, category, money; nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from geo_minzheng.engine.masking import hide_signs
from geo_minzheng.errors import InputError, NotFoundError
from geo_minzheng.model.document import Column, OfficialDocument, Paragraph, Table
from geo_minzheng.present.documents import write_docx, write_pdf
from geo_minzheng.present.write import SheetColumn, SheetSpec, write_workbook
from geo_minzheng.services import housing, papers, places
from geo_minzheng.store import audit, frames, households, seal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.present.text import Text

FORMATS = (".docx", ".pdf", ".xlsx")
_WIDTHS = {"number": 0.6, "name": 1.2, "place": 2.6, "category": 1.4, "yuan": 1.4}


@dataclass(frozen=True)
class Notice:
    """What is put up in public, ready to print.

    Parameters
    ----------
    first, last
        First and last day the notice hangs; after that it is taken down.
    rows
        ``number, name, place, category, yuan`` of each household, in the order of the programme.
    """

    title: str
    opening: str
    closing: str
    issuer: str
    first: date
    last: date
    rows: tuple[tuple[str, ...], ...]
    notices: tuple[str, ...]


def make_notice(session: Session, act: Act, policy: Policy, text: Text, programme: str) -> Notice:
    """Make the notice of a programme's chosen households and put on record that it was made.

    Parameters
    ----------
    text
        Chinese: a notice is an official document.

    Raises
    ------
    InputError
        ``housing.unknown_programme``.
    NotFoundError
        ``housing.no_programme``; ``notice.nobody``: the programme chose no household.
    StoreError
        ``keys.missing`` and others of :mod:`geo_minzheng.store.seal`.
    """
    if programme not in policy.programmes:
        raise InputError("housing.unknown_programme", programme=programme, allowed=sorted(policy.programmes))
    made = housing.latest_programmes(session)
    if made is None:
        raise NotFoundError("housing.no_programme")
    chosen = [row for p in made["programmes"] if p["programme"] == programme for row in p["chosen"]]
    name = text.name("programmes", programme, policy.programmes[programme])
    if not chosen:
        raise NotFoundError("notice.nobody", programme=name)
    days = int(policy.number("notice.days"))
    first = act.at.date()
    last = first + timedelta(days=days - 1)
    rows = _rows(session, policy, text, {str(row["case"]): float(row["subsidy_yuan"]) for row in chosen})
    issuer = papers.bureau_name(session, text)
    told = {"programme": programme, "households": len(rows), "first": first, "last": last, "year": made["year"]}
    audit.record(session, act, audit.Change("housing.notice", "programme_run", programme, None, told))
    return Notice(
        title=text("notice.title", year=made["year"], name=name),
        opening=text("notice.opening", count=len(rows), first=text.day(first), last=text.day(last), days=days),
        closing=text("notice.closing", issuer=issuer),
        issuer=issuer, first=first, last=last, rows=rows,
        notices=(text("present.paper.synthetic"),) if places.has_synthetic(session, "household") else (),
    )  # fmt: skip


def _rows(session: Session, policy: Policy, text: Text, yuan: dict[str, float]) -> tuple[tuple[str, ...], ...]:
    cases = frames.read_layer(session, "renovation_application").set_index("case_id")["household_id"].astype(str)
    found = {row.household_id: row for row in households.of_ids(session, {cases[case] for case in yuan})}
    ring, hidden = seal.ring_of(session), int(policy.number("notice.name_hidden"))
    villages, towns = places.names(session, "village", "code"), places.names(session, "division", "code")
    told = []
    for number, (case, amount) in enumerate(yuan.items(), start=1):
        row = found[cases[case]]
        head = households.opened(ring, row, ("head_of_household",))["head_of_household"] or ""
        place = f"{towns.get(row.village_code[:9], '')}{villages.get(row.village_code, row.village_code)}"
        tier = policy.tiers.get(row.assistance_tier)
        category = row.assistance_tier if tier is None else text.name("tiers", row.assistance_tier, tier)
        told.append((str(number), hide_signs(head, hidden), place, category, f"{amount:.2f}"))
    return tuple(told)


def check_format(path: Path) -> None:
    """Refuse a file that no notice is written as.

    Raises
    ------
    InputError
        ``notice.format``.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError("notice.format", file=path.name, allowed=list(FORMATS))


def write_notice(notice: Notice, text: Text, path: Path, *, fonts: Path | None = None) -> Path:
    """Write a notice as DOCX, PDF or XLSX, by the suffix.

    Raises
    ------
    InputError
        ``notice.format``.
    """
    check_format(path)
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        return write_workbook(_sheets(notice, text), path)
    write = write_docx if suffix == ".docx" else write_pdf
    return write(_document(notice, text), path, text, fonts=fonts)


def _document(notice: Notice, text: Text) -> OfficialDocument:
    columns = tuple(
        Column(text(f"notice.column.{key}"), width, "right" if key == "yuan" else "left")
        for key, width in _WIDTHS.items()
    )
    return OfficialDocument(
        title=notice.title,
        issuer=notice.issuer,
        issued_on=notice.first,
        body=(Paragraph(notice.opening), Table(columns, notice.rows), Paragraph(notice.closing)),
        notices=notice.notices,
    )


def _sheets(notice: Notice, text: Text) -> Sequence[SheetSpec]:
    columns = tuple(
        SheetColumn(key, text(f"notice.column.{key}"), 10.0 * width, "0.00" if key == "yuan" else "")
        for key, width in _WIDTHS.items()
    )
    cells = [dict(zip(_WIDTHS, row, strict=True)) for row in notice.rows]
    rows = [row | {"number": int(row["number"]), "yuan": float(row["yuan"])} for row in cells]
    words = [notice.title, notice.opening, notice.closing, *notice.notices]
    about = SheetSpec(
        text("notice.about"), (SheetColumn("told", text("notice.about"), 90.0),), [{"told": line} for line in words]
    )
    return [SheetSpec(text("notice.list"), columns, rows), about]
