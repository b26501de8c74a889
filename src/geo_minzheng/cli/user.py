"""``user``: the people of the bureau, until accounts take their place."""

from __future__ import annotations

from typing import Annotated

import typer

from geo_minzheng.cli.frame import bureau, refusals, show
from geo_minzheng.errors import InputError
from geo_minzheng.services import staff

app = typer.Typer(no_args_is_help=True, help="人员 · people of the bureau")

ROLES = ("duty", "coordinator", "approver", "reviewer", "planner", "keeper", "auditor", "leader", "officer", "admin")
Name = Annotated[str, typer.Argument(help="姓名或职务 · name")]


@app.command("list")
def list_() -> None:
    """列出人员和角色 · list the people and their roles."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            found = staff.people(session)
        lines = [
            office.text("cli.user.line", name=p.name, role=office.text(f"pages.frame.role.{p.role}"), scope=p.scope)
            for p in found
        ]
        show(found, lambda: lines or [office.text("cli.user.none")])


@app.command("set")
def set_(
    name: Name,
    role: Annotated[str, typer.Option(help=" | ".join(ROLES))],
    scope: Annotated[str, typer.Option(help="所辖区划代码，不写为全区 · division code, empty sees all")] = "",
) -> None:
    """登记人员，或更改角色 · add a person, or change the role."""
    with refusals():
        if role not in ROLES:
            raise InputError("user.unknown_role", role=role, allowed=list(ROLES))
        if not name.strip():
            raise InputError("user.no_name")
        _change(name.strip(), staff.Person(name.strip(), role, scope))


@app.command()
def remove(name: Name) -> None:
    """除名；已有的记录不变 · take a person off the list; what they did stays on record."""
    with refusals():
        _change(name, None)


def _change(name: str, person: staff.Person | None) -> None:
    office = bureau()
    with office.transaction() as (session, act):
        before = staff.people(session)
        if person is None and name not in {p.name for p in before}:
            raise InputError("user.unknown", name=name)
        kept = [p for p in before if p.name != name]
        staff.set_people(session, act, [*kept, *([person] if person else [])])
    key = "cli.user.removed" if person is None else "cli.user.set"
    show({"name": name, "role": person.role if person else None}, lambda: [office.text(key, name=name)])
