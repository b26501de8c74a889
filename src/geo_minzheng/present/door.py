"""The pages at the door: sign in, set a password, pair a device. Plain forms that work without a script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geo_minzheng.present.text import Text


@dataclass(frozen=True)
class Field:
    """An input of a form: its name is also its sentence's key."""

    name: str
    kind: str = "password"
    complete: str = "off"


SIGN_IN = (Field("login", "text", "username"), Field("password", "password", "current-password"))
FIRST = (
    Field("old", complete="current-password"),
    Field("new", complete="new-password"),
    Field("again", complete="new-password"),
)
DEVICE = (Field("code", "text"),)

_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{heading} · {title}</title><link rel="stylesheet" href="/assets/door/door.css">{script}</head>
<body><main><h1>{title}</h1><h2>{heading}</h2>{notes}
{form}
<nav>{links}</nav></main></body></html>
"""


def page(
    text: Text,
    *,
    heading: str,
    notes: Sequence[tuple[str, str]] = (),
    form: str = "",
    links: Sequence[tuple[str, str]] = (),
    script: str = "",
) -> str:
    """Write a page of the door.

    Parameters
    ----------
    notes
        Sentences with their kind: ``note`` or ``alarm``.
    links
        Address and words of each link below the form.
    script
        Address of a script of ours.
    """
    return _PAGE.format(
        lang=text.language,
        title=escape(text("door.title")),
        heading=escape(heading),
        notes="".join(
            f'<p class="{kind}"{" role=alert" if kind == "alarm" else ""}>{escape(line)}</p>' for kind, line in notes
        ),
        form=form,
        links="".join(f'<a href="{escape(href)}">{escape(words)}</a>' for href, words in links),
        script=f'<script src="{escape(script)}" defer></script>' if script else "",
    )


def form(text: Text, *, action: str, fields: Sequence[Field], button: str, kept: dict[str, str]) -> str:
    """Write a form.

    Parameters
    ----------
    kept
        Values that travel along unseen, or stand in a field again; a password never does.
    """
    inputs = "".join(
        f'<label for="{f.name}">{escape(text(f"door.{f.name}"))}</label>'
        f'<input id="{f.name}" name="{f.name}" type="{f.kind}" autocomplete="{f.complete}" required maxlength="200"'
        f"{_kept(kept.get(f.name, '')) if f.kind == 'text' else ''}{' autofocus' if f is fields[0] else ''}>"
        for f in fields
    )
    names = {f.name for f in fields}
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}"{_kept(value)}>'
        for name, value in kept.items()
        if name not in names
    )
    return (
        f'<form method="post" action="{escape(action)}">{inputs}{hidden}'
        f"<button>{escape(text(f'door.{button}'))}</button></form>"
    )


def _kept(value: str) -> str:
    return f' value="{escape(value)}"'
