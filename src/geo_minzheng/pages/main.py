"""The web app's entry: which pages there are, and the frame around them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from geo_minzheng.errors import GeoMinzhengError
from geo_minzheng.pages import frame, looks, tasks

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.account import SignedIn
    from geo_minzheng.present.text import Text

FOLDER = Path(__file__).resolve().parent
# Group -> pages; file, address and title share the page's name. Which of them a role uses stands in the policy.
# No icons: Streamlit fetches a page's icon as its favicon from outside.
PAGES = {
    "now": ("home",),
    "flood": ("overview", "incident", "relief", "roads", "report", "review"),
    "quiet": ("housing", "welfare"),
    "system": ("audit", "accounts", "health"),
}
# Everybody starts at home, and has an account page; a wall has none, and shows only what a wall is for.
HOME = "home"
ACCOUNT = "account"
WALL = ("overview", "incident", "roads")


def page_of(name: str, text: Text, count: int = 0, *, is_hidden: bool = False) -> st.Page:
    """Describe one page to the navigation, with how much waits there."""
    title = text(f"pages.frame.page.{name}")
    title = text("pages.frame.counted", page=title, count=count) if count else title
    # Streamlit serves the default page at the bare address and nowhere else, whatever it is called.
    path, is_home = "start" if name == HOME else name, name == HOME
    return st.Page(
        FOLDER / f"{name}.py", title=title, url_path=path, default=is_home,
        visibility="hidden" if is_hidden else "visible",
    )  # fmt: skip


def home_again(text: Text) -> st.Page:
    """Let the home be found under its own name too: somebody types it, or an old link names it."""

    def again() -> None:
        found: dict[str, st.Page] = st.session_state["pages"]
        st.switch_page(found[HOME], query_params=st.query_params.to_dict())

    return st.Page(again, title=text(f"pages.frame.page.{HOME}"), url_path=HOME, visibility="hidden")


def pages_of(office: Bureau, who: SignedIn) -> tuple[str, ...]:
    """List the pages somebody may use, the home first; the others are not there for them."""
    pages = office.policy().roles[office.role].pages
    return (HOME, *(tuple(page for page in pages if page in WALL) or WALL[:1] if who.is_wall else pages))


def navigate(office: Bureau, who: SignedIn, text: Text) -> tuple[st.Page, str]:
    """Build the navigation of who is signed in; give the page of the address, and its name."""
    mine = pages_of(office, who)
    counts = tasks.counts_of(office, who)
    found = {name: page_of(name, text, counts.get(name, 0)) for name in mine}
    hidden = [home_again(text)]
    if not who.is_wall:
        found[ACCOUNT] = page_of(ACCOUNT, text, is_hidden=True)
        hidden.append(found[ACCOUNT])
    frame.set_pages(found)
    groups = {
        text(f"pages.frame.group.{group}"): [found[name] for name in pages if name in mine]
        for group, pages in PAGES.items()
    }
    page = st.navigation({group: pages for group, pages in groups.items() if pages} | {"": hidden})
    return page, next((name for name, known in found.items() if known.url_path == page.url_path), HOME)


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
    page, name = navigate(office, who, text)
    if who.is_locked:
        st.info(text("door.locked"))
        return
    frame.sidebar(office)
    frame.show_help(office, name)
    page.run()
    frame.page_foot(office)


main()
