"""The web app's entry: which pages there are, and the frame around them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from geo_minzheng.errors import GeoMinzhengError
from geo_minzheng.pages import frame, looks

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.account import SignedIn
    from geo_minzheng.present.text import Text

FOLDER = Path(__file__).resolve().parent
# Group -> pages; file, address and title share the page's name. Which of them a role uses stands in the policy.
# No icons: Streamlit fetches a page's icon as its favicon from outside.
PAGES = {
    "flood": ("overview", "incident", "relief", "roads", "report", "review"),
    "quiet": ("housing", "welfare"),
    "system": ("audit", "accounts", "health"),
}
# Everybody has an account page; a wall has none, and shows only what a wall is for.
ACCOUNT = "account"
WALL = ("overview", "incident", "roads")


def page_of(name: str, text: Text, *, is_hidden: bool = False) -> st.Page:
    """Describe one page to the navigation."""
    title = text(f"pages.frame.page.{name}")
    return st.Page(FOLDER / f"{name}.py", title=title, url_path=name, visibility="hidden" if is_hidden else "visible")


def home_of(name: str, text: Text) -> st.Page:
    """Describe the page of the bare address; Streamlit serves it nowhere else."""
    return st.Page(FOLDER / f"{name}.py", title=text(f"pages.frame.page.{name}"), url_path="home", default=True)


def hidden_of(name: str, text: Text) -> st.Page:
    """Let the home be found under its own name too: somebody types it, or an old link names it."""

    def again() -> None:
        found: dict[str, st.Page] = st.session_state["pages"]
        st.switch_page(found[name], query_params=st.query_params.to_dict())

    return st.Page(again, title=text(f"pages.frame.page.{name}"), url_path=name, visibility="hidden")


def pages_of(office: Bureau, who: SignedIn) -> tuple[str, ...]:
    """List the pages somebody may use, the first one they start at; the others are not there for them."""
    pages = office.policy().roles[office.role].pages
    return tuple(page for page in pages if page in WALL) or WALL[:1] if who.is_wall else pages


def navigate(office: Bureau, who: SignedIn, text: Text) -> st.Page:
    """Build the navigation of who is signed in."""
    mine = pages_of(office, who)
    home = mine[0]
    found = {name: page_of(name, text) for name in mine} | {home: home_of(home, text)}
    hidden = [hidden_of(home, text)]
    if not who.is_wall:
        found[ACCOUNT] = page_of(ACCOUNT, text, is_hidden=True)
        hidden.append(found[ACCOUNT])
    frame.set_pages(found)
    groups = {
        text(f"pages.frame.group.{group}"): [found[name] for name in pages if name in mine]
        for group, pages in PAGES.items()
    }
    return st.navigation({group: pages for group, pages in groups.items() if pages} | {"": hidden})


def main() -> None:
    """Draw the frame and the page of the address."""
    st.set_page_config(layout="wide", initial_sidebar_state=220)
    text = frame.text_now()
    looks.dress(text)
    try:
        found = frame.sit_down()
    except GeoMinzhengError as error:
        st.error(text.error(error))
        return
    if found is None or found[1].must_change:
        frame.to_door()
        return
    office, who = found
    page = navigate(office, who, text)
    if who.is_locked:
        st.info(text("door.locked"))
        return
    frame.sidebar(office)
    page.run()
    frame.page_foot(office)


main()
