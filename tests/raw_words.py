"""Find in the source where a text that is no constant could reach a page or a map as HTML unescaped."""

from __future__ import annotations

import ast

# HTML of ours is written in these files; what stands between the tags is escaped there and then, or is one of these:
# a constant's name, a part that was escaped line by line before, a file of ours.
ESCAPES = ("escape(", "map_text(", "quoteattr(", "_kept(")
SAFE = {
    "pages/account.py": {"text.language", "words"},
    "present/door.py": {
        "inputs", "hidden", "f.name", "f.kind", "f.complete", "kind", "' role=alert' if kind == 'alarm' else ''",
        "' autofocus' if f is fields[0] else ''",
    },
    "present/mapdata.py": {"h", "v"},
    "present/maps.py": {"part", "assets.inline_font(letters)", "assets.inline_style()", "assets.inline_script()"},
}  # fmt: skip
# Words of Office files, never of a page.
NO_PAGE = {"present/paper_docx.py", "store/frames.py", "store/policies.py", "store/verify.py"}
# Names in them that must have been made by escaping.
MADE = {"pages/account.py": {"words"}, "present/mapdata.py": {"h", "v"}, "present/maps.py": {"part"}}
DRAWS = {"Popup", "Tooltip", "GeoJson", "GeoJsonTooltip", "GeoJsonPopup", "Marker", "CircleMarker", "DivIcon", "Icon"}
SCRIPTS = {"pages/frame.py": "_TO_DOOR", "pages/looks.py": "script"}


def found_in(source):
    """List every place where a raw text could come through: file and what stands there."""
    found = []
    for path in sorted(source.rglob("*.py")):
        name = path.relative_to(source).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [f"{name}: {words}" for words in [*_tags(name, tree), *_calls(name, tree)]]
    return found


def _tags(name, tree):
    if name in NO_PAGE:
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr):
            continue
        written = "".join(v.value for v in node.values if isinstance(v, ast.Constant))
        if not ("<" in written and ">" in written):
            continue
        for part in (ast.unparse(v.value) for v in node.values if isinstance(v, ast.FormattedValue)):
            if not part.startswith(ESCAPES) and part not in SAFE.get(name, ()):
                yield part
    source = ast.unparse(tree)
    for made in MADE.get(name, ()):
        if not any(f"{made} = {e}" in source or f"[{e}" in source for e in ESCAPES):
            yield f"{made} is not escaped"


def _calls(name, tree):
    constants = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in DRAWS and getattr(node.value, "id", "") == "folium":
            yield f"folium.{node.attr}"
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("folium", "streamlit.components")):
            yield from (alias.name for alias in node.names if alias.name in DRAWS or "components" in node.module)
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "attr", "")
        for keyword in node.keywords:
            if keyword.arg == "unsafe_allow_html":
                yield "unsafe_allow_html"
            if keyword.arg == "unsafe_allow_javascript" and ast.unparse(node.args[0]) != SCRIPTS.get(name):
                yield f"a script: {ast.unparse(node.args[0])}"
            if keyword.arg == "parse_html":
                yield "parse_html"
        if called == "html" and getattr(node.func.value, "id", "") == "st":
            yield from _html(name, node.args[0], constants)
        if called in ("iframe", "declare_component") or (called == "html" and "components" in ast.unparse(node.func)):
            yield ast.unparse(node.func)


def _html(name, first, constants):
    words = ast.unparse(first)
    is_constant = isinstance(first, ast.Constant) or (isinstance(first, ast.Name) and first.id in constants)
    is_filled = (
        isinstance(first, ast.Call)
        and getattr(first.func, "attr", "") == "format"
        and getattr(first.func.value, "id", "") in constants
        and all(ast.unparse(k.value).startswith(ESCAPES) for k in first.keywords)
        and not first.args
    )
    if not (is_constant or is_filled or isinstance(first, ast.JoinedStr) or words == SCRIPTS.get(name)):
        yield f"st.html({words})"
