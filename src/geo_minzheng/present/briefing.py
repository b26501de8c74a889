"""The bulletin 灾情专报: what is confirmed, what is estimated, who is cut off, who gets what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from geo_minzheng.model.document import (
    Block,
    BriefingContent,
    Column,
    Figure,
    Heading,
    IsolatedVillage,
    Note,
    OfficialDocument,
    Paragraph,
    Picture,
    ReliefRow,
    Table,
)

if TYPE_CHECKING:
    from geo_minzheng.present.text import Text


def _columns(text: Text, **columns: tuple[float, str]) -> tuple[Column, ...]:
    return tuple(
        Column(text(f"present.briefing.{name}"), width, "right" if align == "right" else "left")
        for name, (width, align) in columns.items()
    )


def _known(figure: Figure, text: Text) -> str:
    if figure.value is None:
        return text("present.paper.unknown")
    return text.number(figure.value, digits=2, screen=False)


def _basics(content: BriefingContent, text: Text) -> list[Block]:
    said = text(
        "present.briefing.basics", at=text.moment(content.occurred_at), district=content.district, hazard=content.hazard
    )
    blocks: list[Block] = [Paragraph(said + content.summary)]
    if content.expected:
        reported = text("present.briefing.reported", reported=content.reported, expected=content.expected)
        blocks.append(Paragraph(reported))
    return blocks


def _confirmed(content: BriefingContent, text: Text) -> list[Block]:
    if not content.confirmed:
        return [Paragraph(text("present.briefing.no_confirmed"))]
    columns = _columns(text, indicator=(3, "left"), value=(1.4, "right"), unit=(1, "left"))
    rows = tuple((f.label, _known(f, text), f.unit) for f in content.confirmed)
    return [Table(columns, rows), Note(text("present.briefing.confirmed_note"))]


def _estimates(content: BriefingContent, text: Text) -> list[Block]:
    if not content.estimates:
        return []

    def whole(value: float) -> str:
        return text.number(value, digits=1, screen=False)

    columns = _columns(
        text,
        indicator=(2.2, "left"),
        estimate=(1.2, "right"),
        band=(1.6, "right"),
        unit=(0.8, "left"),
        basis=(3, "left"),
    )
    rows = tuple(
        (e.label, f"≈{whole(e.mid)}", f"{whole(e.low)}–{whole(e.high)}", e.unit, e.assumption)
        for e in content.estimates
    )
    return [Table(columns, rows), Note(text("present.briefing.estimate_note"))]


def _level(content: BriefingContent, text: Text) -> list[Block]:
    if not content.level_text:
        return []
    blocks: list[Block] = [Paragraph(content.level_text), *map(Paragraph, content.level_grounds)]
    blocks.append(Paragraph(content.decision or text("present.briefing.undecided")))
    return blocks


def _village_rows(villages: Sequence[IsolatedVillage], text: Text) -> tuple[tuple[str, ...], ...]:
    unknown = text("present.paper.unknown")
    return tuple(
        (v.town, v.village, unknown if v.people is None else text.integer(v.people, screen=False),
         v.last_contact or unknown, v.phone or unknown)
        for v in villages
    )  # fmt: skip


def _cut_off(content: BriefingContent, text: Text) -> list[Block]:
    columns = _columns(
        text, town=(1.6, "left"), village=(1.8, "left"), people=(1, "right"), contact=(1.8, "left"), phone=(1.6, "left")
    )
    blocks: list[Block] = []
    for kind, villages in (("isolated", content.isolated), ("silent", content.silent)):
        if villages:
            caption = text(f"present.briefing.{kind}", count=len(villages))
            blocks.append(Table(columns, _village_rows(villages, text), caption=caption))
        else:
            blocks.append(Paragraph(text(f"present.briefing.no_{kind}")))
    return blocks


def shortages(rows: Sequence[ReliefRow]) -> dict[tuple[str, str], float]:
    """Add up what stays uncovered by item and unit [item unit], in the order the items first appear."""
    short: dict[tuple[str, str], float] = {}
    for row in rows:
        short[row.item, row.unit] = short.get((row.item, row.unit), 0.0) + row.shortage
    return {key: amount for key, amount in short.items() if amount > 0}


def _relief(content: BriefingContent, text: Text) -> list[Block]:
    if not content.relief:
        return []

    def number(value: float) -> str:
        return text.number(value, digits=2, screen=False)

    columns = _columns(
        text, town=(1.5, "left"), item=(1.2, "left"), unit=(0.8, "left"), need=(1, "right"), got=(1, "right"),
        coverage=(1, "right"), short=(1, "right"), reason=(2.4, "left"),
    )  # fmt: skip
    rows = tuple(
        (r.town, r.item, r.unit, number(r.need), number(r.got), text.percent(r.got / r.need if r.need else None),
         number(r.shortage), r.reason)
        for r in content.relief
    )  # fmt: skip
    blocks: list[Block] = [Table(columns, rows)]
    short = shortages(content.relief)
    if not short:
        blocks.append(Paragraph(text("present.briefing.covered")))
    elif content.shortage_request:
        goods = [text("present.briefing.short_item", item=i, amount=number(n), unit=u) for (i, u), n in short.items()]
        blocks.append(Paragraph(text("present.briefing.request", goods=goods)))
    return blocks


def _approvals(content: BriefingContent, text: Text) -> list[Block]:
    if not content.approvals:
        return []
    columns = _columns(
        text, subject=(2.4, "left"), mark=(2.2, "left"), who=(1.4, "left"), at=(2, "left"), note=(1.6, "left")
    )
    rows = tuple((a.subject, a.mark, a.who, text.moment(a.at) if a.at else "", a.note) for a in content.approvals)
    return [Table(columns, rows)]


def _checks(content: BriefingContent, text: Text) -> list[Block]:
    pairs = (("audit", content.audit_head), ("plan", content.plan_hash), ("policy", content.policy_version))
    said = [text(f"present.briefing.check_{name}", value=value) for name, value in pairs if value]
    return [Note(text("present.briefing.checks", values="；".join(said)))] if said else []


def _sections(content: BriefingContent, text: Text) -> list[Block]:
    """Number the sections that have something to say."""
    parts = (
        ("section_basics", _basics(content, text)),
        ("section_confirmed", _confirmed(content, text)),
        ("section_estimates", _estimates(content, text)),
        ("section_level", _level(content, text)),
        ("section_cut_off", _cut_off(content, text)),
        ("section_relief", _relief(content, text)),
        ("section_approvals", _approvals(content, text)),
    )
    numerals = text("present.briefing.numerals")
    blocks: list[Block] = []
    for number, (name, inside) in enumerate((p for p in parts if p[1]), start=0):
        head = text("present.briefing.section", number=numerals[number], title=text(f"present.briefing.{name}"))
        blocks += [Heading(head), *inside]
    return blocks


def briefing_document(content: BriefingContent, text: Text) -> OfficialDocument:
    """Write the bulletin: confirmed and estimated figures apart, unknown ones in words, the map as annex.

    Parameters
    ----------
    text
        Chinese sentences: official documents have one language.
    """
    notices = [text("present.paper.exercise")] if content.exercise else []
    notices += [text("present.paper.synthetic")] if content.synthetic else []
    notices += [n for n in content.notices if n not in notices]
    annex: tuple[Block, ...] = (Picture(content.map_png, width_mm=156.0),) if content.map_png else ()
    return OfficialDocument(
        masthead=text("present.briefing.masthead"),
        number=text("present.briefing.serial", serial=content.serial, year=content.year),
        title=text("present.briefing.title", district=content.district, incident=content.incident),
        issuer=content.bureau,
        issued_on=content.issued_on,
        cutoff=content.cutoff,
        signer=content.signer,
        to=content.to,
        cc=content.cc,
        body=(*_sections(content, text), *_checks(content, text)),
        annexes=(content.map_title,) if annex and content.map_title else (),
        after=annex,
        notices=tuple(notices),
        is_bulletin=True,
        seal=False,
        code=content.code,
    )
