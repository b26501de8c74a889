"""What every verb shares: global options, output, the one place where errors become exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from geo_minzheng import bootstrap
from geo_minzheng.cli import was_interrupted
from geo_minzheng.errors import GeoMinzhengError, InputError, ManyInputError, NotFoundError
from geo_minzheng.present import maps, write
from geo_minzheng.services import incidents, relief
from geo_minzheng.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.map import MapContent
    from geo_minzheng.present.text import Text
    from geo_minzheng.store.tables_relief import Plan

DONE, REFUSED, MISUSE = 0, 1, 2
_WITH_VALUE = ("--home", "--as", "--now", "--lang")
_FLAGS = ("--json",)


@dataclass
class Globals:
    """The options that may stand anywhere on the line."""

    home: Path | None = None
    who: str = ""
    now: str = ""
    language: str = ""
    as_json: bool = False


options = Globals()


def hoist(argv: Sequence[str]) -> list[str]:
    """Move the global options to the front, so that they may stand anywhere on the line."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif word in _FLAGS or any(word.startswith(f"{name}=") for name in _WITH_VALUE):
            front.append(word)
        elif word in _WITH_VALUE:
            value = next(words, None)
            if value is None:
                return [word]  # Alone it is told as the misuse it is.
            front += [word, value]
        else:
            rest.append(word)
    return front + rest


def bureau(*, home: Path | None = None) -> Bureau:
    """Open the bureau that the global options name; an account's role and scope count here too.

    Raises
    ------
    NotFoundError
        ``account.unknown``.
    """
    settings = read_settings(home=home or options.home, now=options.now, language=options.language)
    office = bootstrap.open_bureau(settings)
    return office.for_name(options.who) if options.who else office


def reader_text() -> Text:
    """Give the sentences of the reader's language, where there need be no district."""
    return bootstrap.text_of(read_settings(language=options.language).language)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn an error of ours into its sentence and exit 1; any other error is a bug and shows itself."""
    try:
        yield
    except GeoMinzhengError as error:
        if was_interrupted:
            raise KeyboardInterrupt from None
        report_error(error)
        raise typer.Exit(REFUSED) from None


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Name an output that cannot be written, and refuse.

    Raises
    ------
    InputError
        ``output.unwritable``.
    """
    try:
        yield
    except OSError as error:
        raise InputError("output.unwritable", file=str(target), reason=error.strerror or str(error)) from error


def report_error(error: GeoMinzhengError) -> None:
    """Print an error: Chinese first, English second; as JSON where a machine asked."""
    faults = error.faults if isinstance(error, ManyInputError) else ()
    lines = bootstrap.sentences(error)
    if options.as_json:
        body: dict[str, Any] = {"error": error.key, "message": lines[0], "message_en": lines[-1]}
        if faults:
            body["faults"] = [{"code": f.key, "message": bootstrap.sentences(f)[0], **_plain(f.facts)} for f in faults]
        sys.stdout.write(json.dumps(body, ensure_ascii=False, default=str) + "\n")
    for line in lines:
        sys.stderr.write(write.printable(line) + "\n")
    for fault in faults:
        sys.stderr.write("  " + write.printable(bootstrap.sentences(fault)[0]) + "\n")


def _plain(facts: Mapping[str, object]) -> dict[str, Any]:
    return {k: v if isinstance(v, (int, float, str, bool, type(None))) else str(v) for k, v in facts.items()}


def note(lines: Sequence[str]) -> None:
    """Print what a person should know beside the result, where a machine's reader of the result does not see it."""
    for line in lines:
        sys.stderr.write(line + "\n")


def show(result: Any, lines: Callable[[], Sequence[str]] | None = None) -> None:
    """Print a result: JSON for machines, else the lines a person reads."""
    if options.as_json or lines is None:
        told = [json.dumps(result, ensure_ascii=False, indent=None if options.as_json else 2, default=plain)]
    else:
        told = [write.printable(line) for line in lines()]
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in told))


def plain(value: Any) -> Any:
    """Turn what JSON does not know into what it knows: records into objects, moments into ISO 8601."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value.isoformat() if isinstance(value, date) else str(value)


@contextmanager
def steps(names: Sequence[str]) -> Iterator[Callable[[str], None]]:
    """Show long work step by step on a terminal; nobody else is told."""
    hidden = options.as_json or not sys.stderr.isatty()
    text = reader_text()
    bar = typer.progressbar(
        names, file=sys.stderr, hidden=hidden, item_show_func=lambda name: text(f"cli.step.{name}") if name else ""
    )

    def step(name: str) -> None:
        bar.current_item = name
        bar.update(1)

    with bar:
        yield step


def show_files(files: Sequence[Path]) -> None:
    """Print where files were written."""
    show({"files": [str(file) for file in files]}, lambda: [str(file) for file in files])


def write_map(office: Bureau, content: MapContent, out: Path) -> Path:
    """Write a map as one HTML file that opens without a network."""
    with writing(out):
        return write.write_bytes(maps.map_html(content, office.text).encode(), out)


def save_json(data: Any, out: Path | None) -> None:
    """Write a document to a file where one was asked for."""
    if out is not None:
        with writing(out):
            write.write_json(data, out)


def plan_row(session: Session, incident: str, plan: str) -> Plan:
    """Look a plan up: the one named, which must be of this incident, else the incident's newest.

    Raises
    ------
    NotFoundError
        ``store.not_found``, ``relief.no_plan``.
    """
    incidents.get_incident(session, incident)
    row = relief.get_plan(session, plan) if plan else relief.latest_plan(session, incident)
    if row is None or row.incident != incident:
        raise NotFoundError("relief.no_plan", incident=incident)
    return row
