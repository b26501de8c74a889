"""The web app's entry: which pages there are, and the frame around them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from geo_minzheng.errors import GeoMinzhengError
from geo_minzheng.pages import frame, looks
from geo_minzheng.present.text import Text

FOLDER = Path(__file__).resolve().parent
# Group -> pages; file, address and title share the page's name.
# No icons: Streamlit fetches a page's icon as its favicon from outside.
PAGES = {
    "flood": ("overview", "incident", "relief", "roads", "report", "review"),
    "quiet": ("housing", "welfare"),
}
HOME = "overview"


def page_of(name: str, text: Text) -> st.Page:
    """Describe one page to the navigation."""
    return st.Page(FOLDER / f"{name}.py", title=text(f"pages.frame.page.{name}"), url_path=name)


def home_of(name: str, text: Text) -> st.Page:
    """Describe the page of the bare address; Streamlit serves it nowhere else."""
    return st.Page(FOLDER / f"{name}.py", title=text(f"pages.frame.page.{name}"), url_path="home", default=True)


def hidden_of(name: str, text: Text) -> st.Page:
    """Let the home be found under its own name too: somebody types it, or an old link names it."""

    def again() -> None:
        found: dict[str, st.Page] = st.session_state["pages"]
        st.switch_page(found[name], query_params=st.query_params.to_dict())

    return st.Page(again, title=text(f"pages.frame.page.{name}"), url_path=name, visibility="hidden")


def main() -> None:
    """Draw the frame and the page of the address."""
    st.set_page_config(layout="wide", initial_sidebar_state=220)
    text = frame.text_now()
    looks.dress(text)
    found = {name: page_of(name, text) for pages in PAGES.values() for name in pages} | {HOME: home_of(HOME, text)}
    frame.set_pages(found)
    groups = {text(f"pages.frame.group.{g}"): [found[name] for name in pages] for g, pages in PAGES.items()}
    page = st.navigation(groups | {"": [hidden_of(HOME, text)]})
    try:
        office = frame.bureau()
    except GeoMinzhengError as error:
        st.error(text.error(error))
        return
    frame.sidebar(office)
    page.run()
    frame.page_foot(office)


main()
