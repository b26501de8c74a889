"""The register of tables: every table by name, which are layers, which only ever grow."""

from __future__ import annotations

from sqlalchemy import MetaData

from geo_minzheng.store.columns import Base
from geo_minzheng.store.tables_accounts import Account, Pairing, Seen, SignIn
from geo_minzheng.store.tables_flood import Assessment, Closure, Footprint, Incident, LevelDecision, ReliefRequest
from geo_minzheng.store.tables_housing import ProgrammeRun, ReviewReason, SitingRun
from geo_minzheng.store.tables_layers import LAYERS
from geo_minzheng.store.tables_relief import Approval, ApprovalPaper, Line, Order, OrderEvent, Plan
from geo_minzheng.store.tables_report import Photo, Report, ReportReview, ReportVersion
from geo_minzheng.store.tables_stock import LotBalance, Movement, Reservation, Voucher
from geo_minzheng.store.tables_trace import AuditHead, AuditRow, Decision, Setting

METADATA: MetaData = Base.metadata

APPEND_ONLY: tuple[type[Base], ...] = (
    AuditRow,
    Decision,
    Voucher,
    Movement,
    Footprint,
    Assessment,
    LevelDecision,
    Closure,
    Plan,
    Approval,
    ApprovalPaper,
    OrderEvent,
    Report,
    ReportVersion,
    ReportReview,
    Photo,
    ProgrammeRun,
    SitingRun,
    ReviewReason,
)

__all__ = [
    "APPEND_ONLY",
    "LAYERS",
    "METADATA",
    "Account",
    "Approval",
    "ApprovalPaper",
    "Assessment",
    "AuditHead",
    "AuditRow",
    "Base",
    "Closure",
    "Decision",
    "Footprint",
    "Incident",
    "LevelDecision",
    "Line",
    "LotBalance",
    "Movement",
    "Order",
    "OrderEvent",
    "Pairing",
    "Photo",
    "Plan",
    "ProgrammeRun",
    "ReliefRequest",
    "Report",
    "ReportReview",
    "ReportVersion",
    "Reservation",
    "ReviewReason",
    "Seen",
    "Setting",
    "SignIn",
    "SitingRun",
    "Voucher",
]
