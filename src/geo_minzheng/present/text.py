"""Every sentence a person reads, and how numbers, money and times are written."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from geo_minzheng.errors import GeoMinzhengError, InputError, ManyInputError
from geo_minzheng.model.map import WITHHELD

if TYPE_CHECKING:
    from geo_minzheng.model.incident import Band
    from geo_minzheng.model.needs import Multiplicand

SOURCE_LANGUAGE = "zh"


class Named(Protocol):
    """A policy row that carries its own names."""

    @property
    def name_zh(self) -> str:
        """Chinese name."""

    @property
    def name_en(self) -> str:
        """English name; empty falls back to Chinese."""


def flatten(table: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Turn nested tables of sentences into dotted keys."""
    sentences: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            sentences |= flatten(value, f"{prefix}{key}.")
        else:
            sentences[f"{prefix}{key}"] = str(value)
    return sentences


def placeholders(sentence: str) -> frozenset[str]:
    """List the facts a sentence names."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None)


def read_sentences(path: Path) -> dict[str, str]:
    """Read one language file.

    Raises
    ------
    InputError
        ``text.unreadable_file``: the file is missing or no TOML.
    """
    try:
        return flatten(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError("text.unreadable_file", file=path.name, reason=str(error)) from error


def languages(folder: Path) -> tuple[str, ...]:
    """List the languages a folder holds, the source language first: one file is one language."""
    found = sorted(path.stem for path in folder.glob("*.toml"))
    return tuple(sorted(found, key=lambda name: (name != SOURCE_LANGUAGE, name)))


def rounded(value: float | Decimal, digits: int) -> str:
    """Write a number with fixed decimals, halves away from zero as accountants do."""
    number = Decimal(str(value)).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return f"{number:f}" if number else f"{abs(number):f}"


def plain(value: float | Decimal, digits: int = 6) -> str:
    """Write a number without needless zeros: 0.5, 4750, 12.25."""
    text = rounded(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def grouped(text: str) -> str:
    """Put commas between thousands of a written number; for the screen only."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, dot, part = digits.partition(".")
    return f"{sign}{int(whole):,}{dot}{part}"


# A foreign file may say 1e300; nobody reads three hundred digits.
_LARGEST_WRITTEN_OUT = 1e15
# What a foreign name may carry to ring, erase or turn round the line it is shown in.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def _fact(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str):
        return value if value.isprintable() else _UNSEEN.sub("\ufffd", value)
    if isinstance(value, bool):
        return value
    if isinstance(value, float | Decimal):
        if abs(float(value)) >= _LARGEST_WRITTEN_OUT:
            return f"{value:.6g}"
        return plain(value) if Decimal(str(value)).is_finite() else str(value)
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(map(str, value)) if isinstance(value, set | frozenset) else [str(_fact(v)) for v in value]
        return "、".join(items)
    return value


@dataclass(frozen=True)
class Text:
    """The sentences of one language, with the source language behind it.

    Parameters
    ----------
    sentences, source
        Dotted key to sentence: of the language, and of ``zh`` as fall-back.
    is_strict
        Whether a missing key or fact is an error (tests) instead of the key itself.
    """

    language: str
    sentences: Mapping[str, str] = field(repr=False)
    source: Mapping[str, str] = field(repr=False)
    is_strict: bool = False

    @classmethod
    def load(cls, folder: Path, language: str = SOURCE_LANGUAGE, *, strict: bool = False) -> Text:
        """Read ``folder/<language>.toml`` with ``zh.toml`` behind it.

        Raises
        ------
        InputError
            ``text.unknown_language`` (facts: the languages there are), ``text.unreadable_file``.
        """
        if language not in languages(folder):
            raise InputError("text.unknown_language", language=language, allowed=languages(folder))
        source = read_sentences(folder / f"{SOURCE_LANGUAGE}.toml")
        own = source if language == SOURCE_LANGUAGE else read_sentences(folder / f"{language}.toml")
        return cls(language, own, source, strict)

    def __call__(self, key: str, /, **facts: object) -> str:
        """Write the sentence under ``key`` with its facts.

        Raises
        ------
        KeyError
            Only when strict: no such key, or a fact the sentence names is missing.
        """
        sentence = self.sentences.get(key)
        if sentence is None:
            if self.is_strict:
                raise KeyError(key)
            sentence = self.source.get(key)
        if sentence is None:
            told = "，".join(f"{name}={_fact(value)}" for name, value in facts.items())
            return f"{key}（{told}）" if told else key
        missing = placeholders(sentence) - facts.keys()
        if missing and self.is_strict:
            raise KeyError(f"{key}: {sorted(missing)}")
        return sentence.format_map({name: _fact(v) for name, v in facts.items()} | dict.fromkeys(missing, "—"))

    def has(self, key: str) -> bool:
        """Tell whether the key has a sentence in this or the source language."""
        return key in self.sentences or key in self.source

    def name(self, table: str, code: str, row: Named | None = None) -> str:
        """Name a coded thing: the language file's ``names.<table>.<code>``, else the policy row's own name."""
        own = self.sentences.get(f"names.{table}.{code}")
        if own is None and row is not None:
            own = getattr(row, f"name_{self.language}", "") or row.name_zh
        return own or self.source.get(f"names.{table}.{code}") or code

    def codes(self, prefix: str, joined: str) -> str:
        """Write codes joined by ``|`` as sentences under ``prefix``, separated by a semicolon."""
        return "；".join(self(f"{prefix}.{code}") for code in joined.split("|") if code)

    def error(self, error: GeoMinzhengError) -> str:
        """Write an error, and under it each of its faults."""
        return error_sentence(error, self)

    def integer(self, value: float, *, screen: bool = True) -> str:
        """Write a count; grouped on screen only."""
        text = rounded(value, 0)
        return grouped(text) if screen else text

    def count(self, value: float | None, *, digits: int = 0) -> str:
        """Write a count for a wide audience; one that is withheld is a mark, not a number."""
        return WITHHELD if value is None else self.number(value, digits=digits)

    def number(self, value: float, *, digits: int = 6, screen: bool = True) -> str:
        """Write a quantity without needless zeros; grouped on screen only."""
        text = plain(value, digits)
        return grouped(text) if screen else text

    def quantity(self, value: float, unit: str, *, screen: bool = True) -> str:
        """Write a number with its unit, glued so that a line break cannot part them: 4,750千克."""
        return self("present.format.quantity", value=self.number(value, screen=screen), unit=unit)

    def yuan(self, value: float, *, screen: bool = False) -> str:
        """Write funds in yuan with two decimals: 1670400.00 元."""
        text = rounded(value, 2)
        return self("present.format.yuan", value=grouped(text) if screen else text)

    def wan_yuan(self, value: float, *, screen: bool = False) -> str:
        """Write funds given in yuan as ten thousands with two decimals: 167.04 万元."""
        text = rounded(Decimal(str(value)) / 10000, 2)
        return self("present.format.wan_yuan", value=grouped(text) if screen else text)

    def loss(self, value_wan: float, *, screen: bool = False) -> str:
        """Write a disaster loss given in ten thousand yuan with one decimal: 29021.5 万元."""
        text = rounded(value_wan, 1)
        return self("present.format.wan_yuan", value=grouped(text) if screen else text)

    def percent(self, share: float | None) -> str:
        """Write a share [1] in percent with one decimal; a dash where there is none."""
        return "—" if share is None else f"{plain(rounded_percent(share), 1)}%"

    def duration(self, minutes: float) -> str:
        """Write minutes as 1小时20分."""
        whole = int(rounded(minutes, 0))
        sign, (hours, rest) = ("-" if whole < 0 else ""), divmod(abs(whole), 60)
        form = "hours_minutes" if hours and rest else "hours" if hours else "minutes"
        return sign + self(f"present.format.{form}", hours=hours, minutes=rest)

    def day(self, day: date) -> str:
        """Write a day: 2026年7月3日."""
        month = self("present.format.months").split("|")[day.month - 1]
        return self("present.format.day", year=day.year, month=month, day=day.day)

    def clock(self, moment: datetime, *, screen: bool = False) -> str:
        """Write a clock time: 21:40 on screen, 21时40分 in documents."""
        key = "present.format.clock_screen" if screen else "present.format.clock_document"
        return self(key, hour=moment.hour, minute=f"{moment.minute:02d}", hour2=f"{moment.hour:02d}")

    def moment(self, moment: datetime, *, screen: bool = False) -> str:
        """Write day and time: 2026年7月3日 21:40 on screen, 2026年7月3日21时40分 in documents."""
        key = "present.format.moment_screen" if screen else "present.format.moment_document"
        return self(key, day=self.day(moment), clock=self.clock(moment, screen=screen))

    def estimate(self, band: Band, unit: str = "", *, screen: bool = True) -> str:
        """Write an estimate with its range: ≈1,240人（900–1,500）."""
        low, mid, high = (self.integer(v, screen=screen) for v in (band.low, band.mid, band.high))
        if low == mid == high:
            return self("present.format.about", value=mid, unit=unit)
        return self("present.format.band", value=mid, unit=unit, low=low, high=high)

    def multiplicand(self, part: Multiplicand, name: str, *, screen: bool = False) -> str:
        """Write a need as its sum: 大米 = 950人 × 0.5千克 × 10天 = 4750千克."""
        return multiplicand_sentence(part, name, self, screen=screen)


def rounded_percent(share: float) -> Decimal:
    """Turn a share [1] into percent with one decimal."""
    return Decimal(rounded(Decimal(str(share)) * 100, 1))


def error_sentence(error: GeoMinzhengError, text: Text) -> str:
    """Write what went wrong in the reader's words; many faults one per line."""
    lines = [text(f"error.{error.key}", **error.facts)]
    if isinstance(error, ManyInputError):
        lines += [error_sentence(fault, text) for fault in error.faults]
    return "\n".join(lines)


def multiplicand_sentence(part: Multiplicand, name: str, text: Text, *, screen: bool = False) -> str:
    """Write the sum behind a need; deductions and packing follow only where they change it."""

    def amount(value: float, unit: str) -> str:
        return text.quantity(value, unit, screen=screen)

    factors = [amount(part.base, part.base_unit)]
    if part.rule == "per_household_ceil":
        key = "present.need.lower_bound" if part.is_lower_bound else "present.need.households"
        factors = [text(key, base=amount(part.base, part.base_unit), capacity=text.number(part.rate, screen=screen))]
    else:
        factors.append(amount(part.rate, part.unit))
        if part.days is not None:
            factors.append(text("present.need.days", days=text.number(part.days, screen=screen)))
    sentence = text("present.need.sum", name=name, factors=" × ".join(factors), total=amount(part.raw, part.unit))
    if part.on_site:
        sentence += text("present.need.on_site", amount=amount(part.on_site, part.unit))
    if part.in_transit:
        sentence += text("present.need.in_transit", amount=amount(part.in_transit, part.unit))
    if part.on_site or part.in_transit:
        sentence += text("present.need.net", amount=amount(part.net, part.unit))
    if part.packed != part.net:
        sentence += text("present.need.packed", amount=amount(part.packed, part.unit))
    return sentence
