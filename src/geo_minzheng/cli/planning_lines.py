"""The planning day in lines: programmes, cases, homes, reach and sites; and what the district holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geo_minzheng.cli.words import Words
    from geo_minzheng.present.text import Text

NUMBERS = ("people", "dibao", "villages", "stock", "waiting")


def district_lines(text: Text, told: Mapping[str, Any]) -> list[str]:
    """Write what the district holds."""
    metres = told["metres"] if told["metres"].upper().startswith("EPSG:") else text("cli.district.local_metres")
    facts = {name: told[name] for name in ("name", "code", "policy_profile")}
    lines = [text("cli.district.head", **facts, metres=metres if told["metres"] else text("cli.district.no_metres"))]
    lines += [
        text("cli.district.layer", name=text(f"layer.{layer}"), rows=text.integer(rows))
        for layer, rows in told["layers"].items()
        if rows
    ]
    if told["incidents"]:
        lines.append(text("cli.district.incidents", incidents=told["incidents"]))
    return [*lines, *([text("present.paper.synthetic")] if told["is_synthetic"] else [])]


def layer_lines(text: Text, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write the layers with their rows, and how many of those are synthetic."""
    return [
        text("cli.layer.line", layer=r["layer"], name=text(f"layer.{r['layer']}"), rows=text.integer(r["rows"]))
        + (text("cli.layer.synthetic", count=text.integer(r["synthetic"])) if r["synthetic"] else "")
        for r in rows
    ]


def policy_lines(words: Words, rows: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    """Write values in force with unit and source."""
    lines = []
    for row in rows:
        is_number = isinstance(row["value"], int | float) and not isinstance(row["value"], bool)
        value = words.amount(row["value"], words.unit(row["unit"])) if is_number else str(row["value"])
        lines.append(words.text("cli.policy.line", key=row["key"], value=value, source=row["source"]))
    return lines or [words.text("cli.policy.none", key=key)]


def case_line(words: Words, verdict: Mapping[str, Any], reason: str) -> str:
    """Write what became of one case and why."""
    return words.text(
        "cli.housing.case", case=verdict["case"], town=verdict["town_name"], village=verdict["village_name"],
        reason=reason,
    )  # fmt: skip


def home_lines(words: Words, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write the homes: red lines first, then in the order of upgrading."""
    text = words.text
    lines = []
    for r in rows:
        rank = text("cli.welfare.rank", rank=r["rank"]) if r["rank"] else text("pages.welfare.column.red_lines")
        line = text(
            "cli.welfare.home", rank=rank, name=r["name"], score=f"{r['score']:.2f}", residents=r["resident_count"],
            beds=r["bed_total"], occupancy=text.percent(r["occupancy"]),
        )  # fmt: skip
        line += text("cli.welfare.full") if r["is_full"] else ""
        red = words.join(text(f"pages.welfare.red_line.{code}") for code in r["red_lines"].split("|") if code)
        lines.append(line + (text("cli.welfare.red", red=red) if red else ""))
    return lines or [text("pages.welfare.empty")]


def defect_lines(words: Words, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write the open defects, the longest overdue first."""
    text = words.text
    lines = []
    for r in rows:
        late = text("pages.welfare.overdue_days", days=r["overdue_days"]) if (r.get("overdue_days") or 0) > 0 else ""
        lines.append(
            text(
                "cli.welfare.defect", home=r["name"], grade=text(f"pages.welfare.grade.{r['grade']}"),
                description=r["description"], deadline=r["deadline_on"] or text("pages.welfare.no_deadline"), late=late,
            )
        )  # fmt: skip
    return lines or [text("pages.welfare.no_defect")]


def gap_line(words: Words, gaps: Sequence[Mapping[str, str]]) -> str:
    """Write the towns without a point 一镇一点."""
    if not gaps:
        return words.text("pages.welfare.no_gap")
    return words.text("pages.welfare.gap_line", towns=words.join(g["name"] for g in gaps))


def reach_lines(words: Words, told: Mapping[str, Any]) -> list[str]:
    """Write who lives within reach on foot and by car, by town, and which villages are beyond."""
    text, lines = words.text, []
    for mode, key in (("walk", "access.walk_minutes"), ("drive", "access.drive_minutes")):
        minutes = text.number(words.policy.number(key))
        lines.append(_reach(words, text(f"pages.welfare.mode.{mode}", minutes=minutes), told["totals"][mode]))
        lines += ["  " + _reach(words, words.place(row["town"]), row) for row in told["by_town"][mode]]
    names = words.named([row["code"] for row in told["beyond"]])
    return [*lines, text("cli.welfare.beyond", count=len(told["beyond"]), names=names)] if told["beyond"] else lines


def _reach(words: Words, name: str, row: Mapping[str, Any]) -> str:
    facts = {k: words.text.count(row[k]) for k in ("persons", "covered", "uncovered")}
    return words.text("cli.welfare.reach", name=name, told=words.text("pages.welfare.reach_line", **facts))


def siting_lines(words: Words, made: Mapping[str, Any]) -> list[str]:
    """Write the next sites twice: most elderly within reach, least travel; each site with what it adds."""
    text, lines = words.text, []
    for name in ("cover", "median"):
        found = made[name]
        proof = text(
            "pages.welfare.proof", status=text(f"names.status.{found['status']}"), gap=text.percent(found["gap"])
        )
        lines.append(
            text(
                "cli.welfare.answer",
                answer=text(f"pages.welfare.answers.{name}"),
                sites=words.join(found["new"]),
                proof=proof,
            )
        )
        lines += [
            text(
                "cli.welfare.gain",
                name=g["name"],
                gain=text(f"pages.welfare.gain.{name}", gain=text.number(g["gain"], digits=0)),
            )
            for g in found["gains"]
        ]
    return [
        *lines,
        gap_line(words, made["town_gaps"]),
        text("pages.welfare.candidates_foot", count=made["excluded_in_hazard_zone"]),
    ]


def array_lines(text: Text, answer: Mapping[str, Any]) -> list[str]:
    """Write the answer to a problem that came as array files; sites are counted from 0."""
    return [
        text(
            "cli.welfare.arrays", chosen=answer["chosen"], objective=text.number(answer["objective"]),
            bound=text.number(answer["bound"]), gap=text.percent(answer["gap"]),
            status=text(f"names.status.{answer['status']}"), seconds=answer["seconds"],
        )
    ]  # fmt: skip


def key_lines(text: Text, told: Mapping[str, Any]) -> list[str]:
    """Say which keys there are and what needs them."""
    lines = [text("keys.folder", **told)]
    for row in told["keys"]:
        lines.append(text("keys.key" if row["cells"] or row["is_current"] else "keys.idle", **row))
    return lines + [text("keys.lacking", **row) for row in told["lacking"]]


def household_line(words: Words, row: Mapping[str, Any]) -> str:
    """Say who a household is, as far as the masks let it."""
    tier = words.policy.tiers.get(row["assistance_tier"])
    told = row["assistance_tier"] if tier is None else words.text.name("tiers", row["assistance_tier"], tier)
    return words.text("households.found", tier=told, **{name: value or "—" for name, value in row.items()})


def repeated_lines(words: Words, found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say which values several households share, and which households."""
    lines = []
    for one in found:
        facts = {"value": one["value"], "count": len(one["households"])}
        lines.append(words.text("households.repeated", column=words.text(f"column.{one['column']}"), **facts))
        lines += [f"  {household_line(words, row)}" for row in one["households"]]
    return lines
