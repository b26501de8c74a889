"""The signs of health as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geo_minzheng.model.backup import Sign
    from geo_minzheng.present.text import Text


def sign_sentence(sign: Sign, text: Text) -> str:
    """Say what one sign found."""
    facts = sign.facts
    if sign.name == "store":
        return text("store.verify.ok") if sign.state == "ok" else text(facts["verdict"].key, **facts["verdict"].facts)
    if sign.name == "backup" and not facts["file"]:
        return text("health.told.no_backup", **facts)
    if sign.name == "clock":
        kind = "behind" if facts["behind"] else "fixed" if facts["fixed"] else "clock"
        return text(f"health.told.{kind}", now=text.moment(facts["now"], screen=True))
    return text(f"health.told.{sign.name}", **facts)


def sign_line(sign: Sign, text: Text) -> str:
    """Say one sign with its state and name."""
    return text(
        "health.line", state=text(f"health.state.{sign.state}"), name=text(f"health.name.{sign.name}"),
        told=sign_sentence(sign, text),
    )  # fmt: skip
