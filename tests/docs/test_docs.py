"""The documentation is held to the product: commands, options, links, layers, version, what must never stand there."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer

from geo_minzheng import __version__
from geo_minzheng.cli.frame import hoist
from geo_minzheng.cli.main import app
from geo_minzheng.layers.catalogue import load_catalogue
from geo_minzheng.policy import load_policy
from geo_minzheng.settings import data_dir, layers_dir

ROOT = Path(__file__).resolve().parent.parent.parent
COMMANDS = ROOT / "docs" / "commands.md"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
CLI = typer.main.get_command(app)


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Walk to the verbs."""
    if hasattr(command, "commands"):
        if command.invoke_without_command:
            yield path, command
        for name, sub in command.commands.items():
            yield from leaves(sub, (*path, name))
    else:
        yield path, command


VERBS = {" ".join(path): command for path, command in leaves(CLI)}


def sections() -> dict[str, str]:
    """Cut commands.md into its verbs."""
    parts = re.split(r"^### `([^`]+)`$", COMMANDS.read_text(encoding="utf-8"), flags=re.M)
    return {name: re.split(r"^## ", text, flags=re.M)[0] for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def fences(text: str) -> Iterator[str]:
    for body in re.findall(r"^```sh\n(.*?)^```", text, flags=re.M | re.S):
        yield from body.splitlines()


def command_lines() -> list[tuple[str, str]]:
    """Every line of ours in a shell block of any page."""
    found = []
    for page in PAGES:
        for line in fences(page.read_text(encoding="utf-8")):
            match = re.match(r"(?:\S*/)?geo-minzheng (.+)", line.split("  #")[0].strip())
            if match:
                found.append((page.name, match[1]))
    return found


def parse(line: str) -> tuple[str, Any]:
    """Parse a command line as the program would, without running it; returns the verb and its context."""
    words = hoist(shlex.split(line.partition(" > ")[0]))
    context = CLI.make_context("geo-minzheng", words, resilient_parsing=False)
    command, rest, names = CLI, [*context._protected_args, *context.args], []
    while hasattr(command, "commands") and (rest or not command.invoke_without_command):
        name, sub, rest = command.resolve_command(context, rest)
        context = sub.make_context(name, list(rest), parent=context)
        names.append(name)
        command, rest = sub, [*getattr(context, "_protected_args", []), *context.args]
    return " ".join(names), context


def test_every_verb_stands_in_the_docs_and_every_documented_verb_exists():
    assert set(sections()) == set(VERBS)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_verb_has_help_an_example_and_all_its_options_in_the_docs(verb):
    command, text = VERBS[verb], sections()[verb]
    assert command.help, verb
    examples = [line for line in fences(text) if line.startswith(f"geo-minzheng {verb}")]
    assert examples, f"no example of {verb}"
    for option in command.params:
        if option.param_type_name == "option" and option.name != "help":
            name = option.opts[0]
            assert option.help, f"{verb} {name} has no help"
            assert f"`{name}`" in text, f"{verb} {name} is not told"


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_a_documented_command_line_is_one_the_program_takes(page, line):
    verb, _ = parse(line)
    assert verb in VERBS, (page, line)


def test_a_made_up_option_and_a_made_up_verb_would_be_noticed():
    for line in ("layer import village a.csv --no-such-option", "no_such_verb", "relief why --incident x"):
        with pytest.raises(Exception, match=r"(?i)no such|missing"):
            parse(line)


def test_global_options_are_told():
    text = COMMANDS.read_text(encoding="utf-8")
    for option in CLI.params:
        if option.name not in ("install_completion", "show_completion", "help"):
            assert f"`{option.opts[0]}" in text, option.opts[0]


def test_items_hazards_and_vehicles_in_examples_are_those_of_the_policy():
    import datetime

    policy = load_policy(data_dir("policy"), profile="seed_reference", day=datetime.date(2026, 7, 3))
    text = COMMANDS.read_text(encoding="utf-8")
    assert set(re.findall(r"--item (\w+)", text)) <= set(policy.packages)
    assert set(re.findall(r"--line (\w+)=", text)) <= set(policy.packages)
    assert set(re.findall(r"--hazard (\w+)", text)) <= set(policy.hazards)
    assert set(re.findall(r"--vehicle (\w+)", text)) <= set(policy.vehicles)


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_relative_link_resolves(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        place = (page.parent / name).resolve() if name else page
        assert place.exists(), f"{page.name}: {target}"
        if anchor and place.suffix == ".md":
            assert anchor in anchors(place), f"{page.name}: {target}"


def test_every_picture_is_shown_somewhere():
    told = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for picture in (ROOT / "docs" / "pictures").iterdir():
        assert picture.name in told, picture.name


def layer_page() -> Any:
    spec = importlib.util.spec_from_file_location("layer_page", Path(__file__).with_name("layer_page.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_layers_page_is_what_the_catalogue_says():
    page = (ROOT / "docs" / "layers.md").read_text(encoding="utf-8")
    assert page == layer_page().page(), "run: python tests/docs/layer_page.py > docs/layers.md"


def test_every_layer_and_column_is_described():
    page = (ROOT / "docs" / "layers.md").read_text(encoding="utf-8")
    for name, spec in load_catalogue(layers_dir()).items():
        part = page.partition(f"\n## `{name}` ")[2].partition("\n## ")[0]
        assert part, name
        for column in spec.columns:
            assert f"| `{column.name}`" in part, (name, column.name)


def test_the_changelog_tells_this_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == __version__
    assert f"\n## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for page in folder.glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        return [p for p in ROOT.rglob("*") if p.is_file() and not {".git", ".venv", "out"} & set(p.parts)]
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


# Written in pieces, so that this file is no exception to its own rule.
MACHINE = [r"/(?:work|root|opt|tmp|home/\w+)/[\w.-]+", r"[A-Z]:\\\\?Users"]
REGISTRIES = [
    "pypi" + r"\.org",
    "files\\.python" + "hosted",
    "npmjs" + r"\.(?:org|com)",
    "--index" + "-url",
    "pypi" + "[-.]mirror",
]
MAKING = [r"\bAI " + "assistant", r"\b(?:sub)?agen" + r"ts?\b", r"\bLL" + r"Ms?\b"]
BINARY = {".png", ".ttf", ".woff2", ".pbf", ".zip", ".gpkg", ".xlsx", ".docx", ".pdf", ".npy", ".npz"}
# The lock writes its own header options; a browser is told to keep off its own network; tests write to made-up folders.
ALLOWED = {"Makefile": "--no-emit-index-url"}


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        if path.suffix not in BINARY and "assets/leaflet" not in path.as_posix():
            text = path.read_text(encoding="utf-8", errors="replace")
            name = path.relative_to(ROOT).as_posix()
            yield name, text.replace(ALLOWED.get(name, "\0"), "")


@pytest.mark.parametrize("kind", ["machine", "registry", "making"])
def test_no_tracked_file_tells_of_machines_registries_or_how_it_was_made(kind):
    patterns = {"machine": MACHINE, "registry": REGISTRIES, "making": MAKING}[kind]
    found = []
    for name, text in texts():
        for pattern in patterns:
            found += [f"{name}: {m[0]}" for m in re.finditer(pattern, text, flags=0 if kind == "machine" else re.I)]
    assert not found, "\n".join(sorted(set(found))[:40])


def test_the_readme_names_the_two_commands_and_the_sources():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for word in ("make demo", "make test", "OpenStreetMap contributors", "ODbL", "审图号", "天地图", "为合成", "MIT"):
        assert word in readme, word
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in PAGES:
        for target in re.findall(r"\bmake ([a-z-]+)\b", "\n".join(fences(page.read_text(encoding="utf-8")))):
            assert re.search(rf"^{target}:", makefile, flags=re.M), f"{page.name}: make {target}"


def test_the_environment_variables_are_told():
    text = (ROOT / "docs" / "guide" / "operator.md").read_text(encoding="utf-8")
    source = (ROOT / "src" / "geo_minzheng" / "settings.py").read_text(encoding="utf-8")
    for name in set(re.findall(r"GEO_MINZHENG_[A-Z_]+", source)):
        assert f"`{name}`" in text, name


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
