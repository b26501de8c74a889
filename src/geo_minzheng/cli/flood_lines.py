"""The flood day in lines: incidents, impact, level, roads, reports, what waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import impact as impact_engine
from geo_minzheng.engine import papers as paper_words
from geo_minzheng.model.incident import Band
from geo_minzheng.present.waiting import waiting_sentence
from geo_minzheng.services import incidents, papers, reports, review

if TYPE_CHECKING:
    from geo_minzheng.cli.words import Words
    from geo_minzheng.model.duty import Waiting
    from geo_minzheng.model.incident import Incident, LevelAdvice
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.services.reports import EntryField, Version
    from geo_minzheng.services.review import Comparison, Officer, Silent
    from geo_minzheng.services.review import Waiting as Unreviewed

# Metres are too small a unit for what a flood covers: shown as kilometres.
_SCALED = {"cut_road_m": 1e3, "flooded_m2": 1e6}


def incident_line(words: Words, found: Incident) -> str:
    """Write an incident: id, name, hazard, when, and whether it is a drill."""
    line = words.text(
        "cli.incident.line", incident=found.incident_id, name=found.name, hazard=words.hazard(found.hazard),
        at=words.moment(found.occurred_at),
    )  # fmt: skip
    return line + (words.text("cli.incident.exercise") if found.exercise else "")


def state_lines(words: Words, found: Incident, told: Mapping[str, Any]) -> list[str]:
    """Write how an incident stands: its impact, the level decided, and the next step that is missing."""
    lines = [incident_line(words, found)]
    if told["impact"]:
        lines += impact_lines(words, told["impact"])
    if told["level"]:
        lines.append(decision_line(words, told["level"]))
    return [*lines, *([words.text(f"pages.overview.todo.{told['step']}")] if told["step"] else [])]


def impact_lines(words: Words, told: Mapping[str, Any]) -> list[str]:
    """Write an impact: totals with units, estimates with their range, the towns, who is cut off, the assumptions."""
    lines = _counts(words, told["totals"])
    if not lines:
        return [incidents.miss_line(told["nearest"], words.text)]
    for town in told["by_town"]:
        if town["affected_population"] or town["isolated_villages"]:
            lines.append(
                words.text(
                    "cli.impact.town",
                    town=words.place(town["code"]),
                    affected=words.text.integer(town["affected_population"]),
                    displaced=words.text.estimate(_band(town, "displaced"), words.unit("人")),
                    isolated=town["isolated_villages"],
                )
            )
    if told["isolated"]:
        lines.append(
            words.text("cli.impact.isolated", count=len(told["isolated"]), names=words.named(told["isolated"], most=99))
        )
    return [*lines, *_assumptions(words, told["assumptions"])]


def _counts(words: Words, totals: Mapping[str, Any]) -> list[str]:
    text, lines = words.text, []
    for name in (n for n in impact_engine.COUNTS if n in totals):
        value = totals[name]
        stem, _, end = name.rpartition("_")
        if end in ("low", "high") or not (value or totals.get(f"{stem}_high")):
            continue
        label = stem if end == "mid" else name
        unit = text(f"cli.impact_unit.{label}") if text.has(f"cli.impact_unit.{label}") else ""
        if end == "mid":
            told = text.estimate(_band(totals, stem), unit)
        elif name in _SCALED:
            told = words.amount(round(value / _SCALED[name], 2), unit)
        else:
            told = words.amount(value, unit)
        lines.append(text("cli.impact.count", name=text(f"engine.impact.{label}"), told=told))
    return lines


def _band(row: Mapping[str, Any], stem: str) -> Band:
    return Band(row[f"{stem}_low"], row[f"{stem}_mid"], row[f"{stem}_high"])


def _assumptions(words: Words, told: Mapping[str, Any]) -> list[str]:
    """Write the inputs the estimates stand on: the share displaced by depth, with its range and source."""
    text = words.text
    shares = [
        text(
            "cli.impact.share",
            depth=row["from_m"],
            **{k: text.percent(row["share"][k]) for k in ("low", "mid", "high")},
        )
        for row in told.get("displaced", ())
    ]
    sources = dict.fromkeys(row["source"] for row in told.get("displaced", ()))
    return [text("cli.impact.assumptions", shares=words.join(shares), sources=words.join(sources))] if shares else []


def level_lines(words: Words, advice: LevelAdvice, decided: Mapping[str, Any] | None) -> list[str]:
    """Write the advice, every condition with its distance, and what was decided last."""
    # The sentences set the unit right behind the number; a language that wants a space brings it along.
    named = [replace(c, unit=words.text("cli.behind", unit=words.unit(c.unit))) for c in advice.conditions]
    lines = papers.level_lines(words.text, replace(advice, conditions=tuple(named)))
    return [*lines, *([decision_line(words, decided)] if decided else [])]


def decision_line(words: Words, told: Mapping[str, Any]) -> str:
    """Write what a person decided on the level, beside what was advised."""
    text = words.text

    def level(name: str | None) -> str:
        return text(f"names.level.{name}") if name else text("papers.not_activated")

    line = text(
        "cli.level.decided", leader=told["leader"], level=level(told["level"]), advised=level(told["advised"]),
        at=words.moment(told["at"]), who=told["who"],
    )  # fmt: skip
    more = [text(f"cli.level.{name}", value=told[name]) for name in ("reason", "order_no") if told[name]]
    return "  ".join([line, *more])


def road_lines(words: Words, told: Mapping[str, Any]) -> list[str]:
    """Write what is cut and why, for which vehicle, and which villages that cuts off."""
    text, roads = words.text, told["roads"]
    causes = {cause: sum(r["cause"] == cause for r in roads) for cause in ("flooded", "declared", "weak")}
    lines = [text("cli.road.vehicle", vehicle=words.vehicle(told["vehicle"]))]
    lines.append(text("cli.road.counts", count=len(roads), **causes) if roads else text("pages.roads.none_closed"))
    lines += [_road_line(words, row) for row in roads]
    if told["opened"]:
        lines.append(text("pages.roads.opened", roads=told["opened"]))
    key = "cli.impact.isolated" if told["isolated"] else "pages.roads.none_isolated"
    return [*lines, text(key, count=len(told["isolated"]), names=words.named(told["isolated"], most=99))]


def _road_line(words: Words, row: Mapping[str, Any]) -> str:
    text = words.text
    facts = [text(f"pages.roads.cause.{row['cause']}"), row["reason"]]
    if row["depth_m"] is not None:
        facts.append(text("cli.road.depth", depth=text.number(row["depth_m"], digits=2)))
    facts += [row["source"], row["who"], words.moment(row["at"]) if row["at"] else ""]
    return "  ".join(["", *(fact for fact in (row["road"], row["name"], *facts) if fact)])


def critical_lines(words: Words, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write the bridges and roads whose loss would cut a village off."""
    text = words.text
    if not found:
        return [text("cli.road.none_critical")]
    return [
        text("pages.roads.critical_note", n=len(found)),
        *(
            text(
                "cli.road.critical", road=row["structure"], name=row["name"],
                kind=text("pages.roads.bridge" if row["is_bridge"] else "pages.roads.stretch"),
                villages=words.join(v["name"] for v in row["villages"]),
            )
            for row in found
        ),
    ]  # fmt: skip


def fields_of(policy: Policy) -> dict[str, EntryField]:
    """Name every field a report may hold: the five questions, then the indicators of the form."""
    asked = {f.field: f for f in reports.entry_fields(policy)}
    later = [(i, paper_words.short_heading(i.heading)) for i in policy.indicators if i.kind in {"count", "number"}]
    return asked | {
        i.indicator: reports.EntryField(0, i.indicator, n, n, i.kind, i.unit, i.unit)
        for i, n in later
        if i.indicator not in asked
    }


def field_line(words: Words, found: EntryField) -> str:
    """Write one field of the form: what to type, what it means, in which unit."""
    name = found.name_en if words.text.language == "en" else found.name_zh
    unit = "" if found.kind in {"flag", "text"} else words.unit(found.unit)
    kind = words.text(f"cli.report.kind_{found.kind}")
    return words.text("cli.report.field", field=found.field, name=name, unit=unit or kind)


def totals_lines(words: Words, rows: Sequence[Mapping[str, Any]], fields: Mapping[str, EntryField]) -> list[str]:
    """Write the confirmed figures by town, the sum last; what nobody knows stays out."""
    text = words.text
    lines = [text("pages.review.confirmed_head")]
    for row in rows:
        known = [n for n in papers.CONFIRMED if n in row["figures"]]
        figures = words.join(
            f"{field_name(words, fields, n)} {answer(words, fields, n, row['figures'][n])}" for n in known
        )
        lines.append(
            text(
                "cli.report.town", town=row["name"] or review.total_name(text, row), reported=row["reported"],
                expected=row["expected"], figures=figures or text("cli.report.nothing_confirmed"),
            )
        )  # fmt: skip
    return [*lines, text("pages.review.confirmed_foot")]


def version_line(words: Words, version: Version) -> str:
    """Write one version of a village's report on a line: who, when, what became of it."""
    text = words.text
    told = text(
        "cli.report.line", village=words.place(version.village), number=version.number,
        state=text(f"pages.report.state.{version.state}"), who=version.who, at=words.moment(version.at),
        uuid=version.uuid,
    )  # fmt: skip
    if version.on_behalf:
        behalf = dict(version.on_behalf)
        key = f"pages.report.channels.{behalf.get('channel', '')}"
        told += text("pages.review.behalf", **behalf | ({"channel": text(key)} if text.has(key) else {}))
    return told + (text("cli.report.reason", reason=version.reason) if version.reason else "")


def version_lines(words: Words, version: Version, fields: Mapping[str, EntryField]) -> list[str]:
    """Write one version with its answers, in the order of the questions; what is not known stays out."""
    order = [*fields, *(n for n in version.values if n not in fields)]
    answers = [
        f"{field_name(words, fields, n)} {answer(words, fields, n, version.values[n])}"
        for n in order
        if version.values.get(n) is not None
    ]
    return [version_line(words, version), "  " + (words.join(answers) or words.text("cli.report.nothing_known"))]


def field_name(words: Words, fields: Mapping[str, EntryField], name: str) -> str:
    """Name a field of the form."""
    if name not in fields:
        return name
    return fields[name].name_en if words.text.language == "en" else fields[name].name_zh


def answer(words: Words, fields: Mapping[str, EntryField], name: str, value: Any) -> str:
    """Write an answer with its unit; 未掌握 is a word of its own."""
    if value is None:
        return words.text("pages.report.unknown")
    if isinstance(value, bool):
        return words.text("pages.report.yes" if value else "pages.report.no")
    if isinstance(value, str):
        return value
    return words.amount(value, words.unit(fields[name].unit) if name in fields else "")


def waiting_line(words: Words, found: Unreviewed) -> str:
    """Write a version that waits for its review, and for how long."""
    key = "cli.report.waiting_overdue" if found.is_overdue else "cli.report.waiting"
    return words.text(
        key, village=found.village_name, town=found.town_name, number=found.version.number, who=found.version.who,
        waited=words.text.duration(found.waited_min), uuid=found.version.uuid,
    )  # fmt: skip


def comparison_lines(words: Words, found: Comparison, *, fields: Mapping[str, EntryField]) -> list[str]:
    """Write a version beside the one before it, field by field, and what it breaks."""
    text, version = words.text, found.version
    lines = [text("pages.review.head", village=words.place(version.village), number=version.number)]
    if found.before is None:
        lines.append(text("pages.review.nothing_before"))
    for change in found.changes:
        if change.before is None and change.after is None:
            continue
        lines.append(
            text(
                "cli.report.change", name=field_name(words, fields, change.field),
                before=answer(words, fields, change.field, change.before),
                after=answer(words, fields, change.field, change.after),
            )
        )  # fmt: skip
    for finding in found.findings:
        name = finding.name_en if text.language == "en" and finding.name_en else finding.name_zh
        lines.append(text(f"cli.report.finding_{finding.severity}", name=name))
    return [*lines, *([text("pages.review.note", note=version.note)] if version.note else [])]


def officer_line(words: Words, found: Officer | None) -> str:
    """Write an information officer with the number to dial."""
    return (
        ""
        if found is None
        else words.text("cli.report.officer", name=found.name, post=found.post_role, phone=found.phone)
    )


def silent_line(words: Words, row: Silent) -> str:
    """Write a silent village and whom to call."""
    key = "cli.report.silent_cut_off" if row.is_isolated else "cli.report.silent"
    return words.text(
        key, village=row.village_name, town=row.town_name, people=words.text.integer(row.people),
        officer=officer_line(words, row.officer),
    )  # fmt: skip


def todo_line(words: Words, waiting: Waiting, names: Mapping[str, str]) -> str:
    """Write one thing that waits, and in which incident."""
    return waiting_sentence(waiting, words.text, names.get(waiting.incident, waiting.incident))
