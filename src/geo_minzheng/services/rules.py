"""The policy as people see it: values in force with their sources, and the soundness of the files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import documents
from geo_minzheng.policy.load import check_policy, load_policy
from geo_minzheng.settings import data_dir

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from geo_minzheng.present.text import Text


def check(folder: Path | None, text: Text) -> list[str]:
    """Say every fault of the policy files; empty when they are sound."""
    return [text.error(fault) for fault in check_policy(folder or data_dir("policy"))]


def values(profile: str, day: date, prefix: str) -> list[dict[str, Any]]:
    """List the values in force on a day whose key begins so, with unit and source."""
    policy = load_policy(data_dir("policy"), profile=profile, day=day)
    return [documents.plain(value) for key, value in sorted(policy.values.items()) if key.startswith(prefix)]
