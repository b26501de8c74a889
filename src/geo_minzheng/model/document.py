"""One content model for official documents: DOCX and PDF are written from the same blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

Align = Literal["left", "center", "right"]


@dataclass(frozen=True)
class Paragraph:
    """Body text; ``indent`` is the two-character indent of GB/T 9704."""

    text: str
    indent: bool = True
    align: Align = "left"
    bold: bool = False


@dataclass(frozen=True)
class Heading:
    """Heading with its number written out: level 1 一、 (黑体), level 2 （一） (楷体), level 3 1. (仿宋)."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Column:
    """Column of a table; ``width`` is its share of the text width."""

    title: str
    width: float = 1.0
    align: Align = "left"


@dataclass(frozen=True)
class Table:
    """Table with texts ready to print.

    Parameters
    ----------
    rows
        Each as long as ``columns``.
    has_total
        The last row is a 合计 row.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    has_total: bool = False


@dataclass(frozen=True)
class Facts:
    """Label and value pairs in a ruled form: ``pairs`` two by two, then ``wide`` ones across the sheet."""

    pairs: tuple[tuple[str, str], ...]
    wide: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Picture:
    """PNG picture; ``width_mm`` is its width on paper [mm]."""

    png: bytes
    width_mm: float = 156.0
    caption: str = ""


@dataclass(frozen=True)
class Note:
    """Small print: data notice, assumption, source."""

    text: str


@dataclass(frozen=True)
class SignaturePlace:
    """Place for one handwritten signature and its date."""

    role: str
    name: str = ""


@dataclass(frozen=True)
class Signatures:
    """Row of signature places."""

    places: tuple[SignaturePlace, ...]


@dataclass(frozen=True)
class PageBreak:
    """What follows stands on a new page."""


Block = Paragraph | Heading | Table | Facts | Picture | Note | Signatures | PageBreak


@dataclass(frozen=True)
class OfficialDocument:
    """Official document by GB/T 9704; empty parts are left out.

    Parameters
    ----------
    title
        标题.
    issuer
        发文机关署名, above the date.
    masthead
        发文机关标志 or the name of the bulletin, in red over the red rule.
    number, signer
        发文字号 (or 第N期), 签发人.
    to, cc
        主送, 抄送.
    issued_on
        成文日期.
    cutoff
        截至时间 of the figures.
    seal
        Whether room for a seal is kept at the issuer.
    is_bulletin
        简报 form: number, issuer and date stand in the head, nothing is sealed.
    is_form
        表单 to be kept on one sheet: 14 pt type, number and signer on one line.
    annexes, after
        附件说明: names of what follows, numbered on paper when more than one; and the blocks of the annexes.
    notices
        Sentences every page must carry, e.g. that rows are synthetic.
    code
        Code in the foot by which paper is found again on screen.
    """

    title: str
    body: tuple[Block, ...]
    issuer: str = ""
    masthead: str = ""
    number: str = ""
    signer: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    issued_on: date | None = None
    cutoff: datetime | None = None
    seal: bool = True
    is_bulletin: bool = False
    is_form: bool = False
    annexes: tuple[str, ...] = ()
    after: tuple[Block, ...] = ()
    notices: tuple[str, ...] = ()
    code: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure from confirmed reports; ``None`` is 未掌握, which is not 0."""

    label: str
    value: float | None
    unit: str


@dataclass(frozen=True)
class Estimate:
    """A modelled figure with its band [unit]; ``assumption`` says what it rests on."""

    label: str
    low: float
    mid: float
    high: float
    unit: str
    assumption: str = ""


@dataclass(frozen=True)
class IsolatedVillage:
    """A cut-off village 交通中断村（孤岛）, or one that did not report."""

    town: str
    village: str
    people: int | None = None
    last_contact: str = ""
    phone: str = ""


@dataclass(frozen=True)
class ReliefRow:
    """Relief of one town and item [item unit]; ``reason`` says why not more."""

    town: str
    item: str
    unit: str
    need: float
    got: float
    reason: str = ""

    @property
    def shortage(self) -> float:
        """What stays uncovered [item unit]."""
        return max(0.0, self.need - self.got)


@dataclass(frozen=True)
class ApprovalRow:
    """A decision and its mark (系统留痕, 口头指令, 签发盖章)."""

    subject: str
    mark: str
    who: str
    at: datetime | None = None
    note: str = ""


@dataclass(frozen=True)
class BriefingContent:
    """Everything a bulletin 灾情专报 says, as plain values.

    Parameters
    ----------
    bureau, district
        Issuing bureau and the district's name.
    serial, year
        期号 within the year.
    confirmed, estimates
        Figures from confirmed reports, and modelled ones that stand beside them.
    reported, expected
        Villages with a confirmed report, and villages in all.
    level_text
        Advice on the response level in one sentence; ``level_grounds`` gives its conditions, ``decision`` what a
        person decided.
    shortage_request
        Whether to say 建议申请上级调拨 for what is short.
    map_png, map_title
        Map plate for the annex, or ``None``.
    audit_head, plan_hash, policy_version
        Marks by which the paper is verified.
    """

    bureau: str
    district: str
    serial: int
    year: int
    incident: str
    hazard: str
    occurred_at: datetime
    cutoff: datetime
    issued_on: date
    signer: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    summary: str = ""
    confirmed: tuple[Figure, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    reported: int = 0
    expected: int = 0
    level_text: str = ""
    level_grounds: tuple[str, ...] = ()
    decision: str = ""
    isolated: tuple[IsolatedVillage, ...] = ()
    silent: tuple[IsolatedVillage, ...] = ()
    relief: tuple[ReliefRow, ...] = ()
    shortage_request: bool = True
    approvals: tuple[ApprovalRow, ...] = ()
    map_png: bytes | None = None
    map_title: str = ""
    synthetic: bool = False
    exercise: bool = False
    notices: tuple[str, ...] = ()
    audit_head: str = ""
    plan_hash: str = ""
    policy_version: str = ""
    code: str = ""


@dataclass(frozen=True)
class OrderPaper:
    """What a dispatch order's paper needs beside the order itself.

    Parameters
    ----------
    names
        Village names by code.
    sender_contact, sender_phone
        Contact at the issuing warehouse.
    carrier, plate
        Driver and lorry, empty until known.
    recorder, witness, oral_leader, oral_at
        The oral instruction's leader, time, recorder and witness (口头指令).
    quantities_note
        Remark under the table, e.g. that a push happens without a request and why.
    audit_head
        Head of the audit chain in words, when the paper was written.
    """

    bureau: str
    incident_name: str
    issued_on: date
    names: Mapping[str, str] = field(default_factory=dict)
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    sender_contact: str = ""
    sender_phone: str = ""
    carrier: str = ""
    plate: str = ""
    oral_leader: str = ""
    oral_at: datetime | None = None
    recorder: str = ""
    witness: str = ""
    quantities_note: str = ""
    audit_head: str = ""
    synthetic: bool = False
    exercise: bool = False


@dataclass(frozen=True)
class FormRow:
    """One region of the statistics form; a missing or ``None`` value is 未掌握 and stays an empty cell."""

    region_name: str
    hazard_text: str
    parent_region: str
    occurred_at: datetime
    values: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class FormEstimate:
    """A modelled figure of one region: beside the form, never in it."""

    region_name: str
    estimate: Estimate


@dataclass(frozen=True)
class FormContent:
    """The statistics form.

    Parameters
    ----------
    headings
        (heading, indicator code) in the order of the form in force; the four header columns 区域, 灾种, 隶属区域,
        灾害发生时间 carry the codes ``region_name hazard_text parent_region occurred_at``.
    rows
        One per town, confirmed figures only.
    part
        The town or village that the form is of, where it is not of the whole district.
    """

    headings: tuple[tuple[str, str], ...]
    rows: tuple[FormRow, ...]
    cutoff: datetime
    estimates: tuple[FormEstimate, ...] = ()
    notices: tuple[str, ...] = ()
    synthetic: bool = False
    part: str = ""
