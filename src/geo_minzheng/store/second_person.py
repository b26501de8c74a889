"""Nobody approves their own: whether two names are one person, however they were typed."""

from __future__ import annotations

import unicodedata


def person(name: str) -> str:
    """Bring a name to one form: width, case and blanks make no other person."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def is_among(name: str, *others: str) -> bool:
    """Whether the person is one of the others; a name that is not given is nobody."""
    return bool(person(name)) and person(name) in {person(other) for other in others}


def are_different(*names: str) -> bool:
    """Whether everybody is named and no two are the same."""
    found = [person(name) for name in names]
    return all(found) and len(set(found)) == len(found)
