"""Words from outside stay words: escaped for Markdown, and kept inside their cell."""

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from geo_minzheng.present.page_words import Marked, page_table, page_words

PAGE = MarkdownIt("gfm-like", {"linkify": False})


def shown(words: str) -> list[str]:
    """List the kinds of Markdown pieces a line is made of."""
    return [piece.type for token in PAGE.parse(words) for piece in token.children or []]


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1))
def test_nothing_but_text_comes_of_it(words):
    assert set(shown(f"x {page_words(words)}")) <= {"text", "text_special"}


def test_pictures_and_links_are_words():
    for words in ("![x](http://no.such/x.png)", "<img src=x onerror=alert(1)>", "[a](b)", "`c`", "**d**"):
        assert set(shown(page_words(words))) <= {"text", "text_special"}, words


def test_a_bar_stays_in_its_cell():
    table = page_table(["a|b"], [["1|2"], [None], [Marked("x|y", "red")]], right=(0,))
    tokens = PAGE.parse(table)
    assert sum(token.type == "td_open" for token in tokens) == 3
    assert sum(token.type == "th_open" for token in tokens) == 1
    assert ":red-background[x\\|y]" in table
