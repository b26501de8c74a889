"""Looks and manners no theme option reaches: styles, and what a screen reader and a keyboard need of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from geo_minzheng.present.text import Text

# Looks no theme option reaches: tabular figures, the sizes of UX, no empty band above the page, light and dark,
# and on narrow screens the list first and the map folded.
_STYLE = """<style>
.stApp { font-variant-numeric: tabular-nums; --accent: light-dark(#1F4E79, #7DB3E8);
  --quiet: light-dark(#4A5560, #A9B4BF); --line: light-dark(#D5DCE4, #3A4550); --alarm: light-dark(#9C2413, #FF9C85); }
.stMainBlockContainer { padding: 2.6rem 1.6rem 2rem; max-width: none; }
.stApp h1 { font-size: 22px; line-height: 1.4; padding: 0; }
.stApp h2 { font-size: 17px; padding: 6px 0 4px; }
.stApp h3 { font-size: 15px; line-height: 1.5; padding: 4px 0 6px; }
.stApp [data-testid="stCaptionContainer"] { opacity: 1; color: var(--quiet); }
.stApp [data-testid="stCaptionContainer"] p { font-size: 12px; color: var(--quiet); }
.stMain ul { padding-left: 1.2rem; } .stMain li p { margin: 0; } .stMain li { margin: 2px 0; }
[data-testid="stMetric"] { padding: 4px 10px; border-left: 3px solid var(--line); }
[data-testid="stMetricValue"] { font-size: 20px; font-weight: 700; color: var(--accent); line-height: 1.35; }
[data-testid="stMetricValue"] > div { white-space: normal; overflow: visible; text-overflow: clip; }
[data-testid="stMetricLabel"] p { font-size: 13px; color: var(--quiet); white-space: normal; }
[data-testid="stMetricDelta"] { font-size: 12px; background: none; padding: 0; color: var(--quiet); }
[data-testid="stMetricDelta"] *, [data-testid="stMetricLabel"] * {
  white-space: normal !important; overflow: visible !important; }
[data-testid="stPageLink-NavLink"] { min-height: 24px; }
button:is([aria-label^="Help for"], [data-testid="stDateInputCalendarButton"]) { min-width: 24px; min-height: 24px; }
/* What is folded away is not walked through by keyboard. */
[data-testid="stSidebar"][aria-expanded="false"] { visibility: hidden; }
[data-testid="stPageLink"] p { white-space: normal; overflow: visible; line-height: 1.45; }
[data-testid="stSidebarUserContent"] { padding-top: 4px; padding-bottom: 12px; }
.stApp button[kind^="primary"]:not(:disabled) { background-color: light-dark(#1F4E79, #2F6FAE);
  border-color: transparent; color: #FFFFFF; }
iframe { display: block; }
.gm-leave { background: none; border: 0; padding: 8px 0; min-height: 24px; font: inherit; cursor: pointer;
  color: light-dark(#1F4E79, #7DB3E8); text-decoration: underline; }
.gm-link { color: light-dark(#1F4E79, #7DB3E8); }
.st-key-manners { display: none; }
[data-testid="stMarkdownContainer"]:has(> table) { overflow-x: auto; }
@media (min-width: 2200px) { html { font-size: 16px !important; } }
[data-testid="stSkipToContent"] { padding: 13px 20px !important; min-height: 44px; font-size: 15px; font-weight: 700; }
[data-testid="stMain"]:focus { outline: none; }
/* The grid's own download knows nothing of formulas, units and synthetic data: 「导出」 below each table does. */
[data-testid="stElementToolbar"] button[aria-label^="Download as CSV"] { display: none; }
:is(a, button, input, textarea, select, summary, iframe, [tabindex="0"], [role="radio"], [role="tab"]):focus-visible {
  outline: 3px solid light-dark(#1F4E79, #7DB3E8) !important; outline-offset: 2px; border-radius: 3px; }
[class*="st-key-take_"] button { min-height: 26px; padding: 0 6px; color: var(--quiet); }
[class*="st-key-take_"] button p { font-size: 12px; }
@media (min-width: 901px) { [class*="st-key-show_"] { display: none; } }
@media (min-width: 1600px) and (min-height: 1000px) {
  [class*="st-key-map_"] iframe { height: max(470px, calc(100vh - 420px)) !important; } }
@media (max-width: 900px) {
  [class*="st-key-show_"] label { min-height: 44px; align-items: center; }
  [class*="st-key-map_"]:not(:has(input:checked)) .stCustomComponentV1 { display: none; }
  [data-testid="stHorizontalBlock"]:has([class*="st-key-map_"]) { flex-wrap: wrap; }
  [data-testid="stHorizontalBlock"]:has([class*="st-key-map_"]) > [data-testid="stColumn"] { flex: 1 1 100% !important;
    min-width: 100% !important; }
  [data-testid="stColumn"]:has([class*="st-key-map_"]) { order: 2; }
}
.st-key-help { margin-bottom: -3rem; position: relative; z-index: 1; pointer-events: none; }
.st-key-help button, .st-key-help button p { pointer-events: auto; color: inherit !important; }
@media (max-width: 640px) {
  [data-testid="stMarkdownContainer"] > table:has(th:nth-child(6)) { min-width: 680px; }
  .stApp :is(button, summary, [role="tab"], [role="radio"], [role="combobox"], [data-testid="stPageLink-NavLink"],
    [data-testid="stSidebarNavLink"], label:has(> input)) { min-height: 44px; }
  .stMainBlockContainer { padding: 3.6rem 1rem 2rem; }
  [data-testid="stColumn"]:has(> [data-testid="stVerticalBlock"] > [data-testid="stElementContainer"] > .stMetric) {
    min-width: calc(50% - 0.5rem) !important; flex: 1 1 calc(50% - 0.5rem) !important; }
}
</style>"""

# What Streamlit's page lacks for a screen reader and a keyboard; constants only, nothing of the district goes in here.
# The skip link in the reader's language, the language of the page, names for the map frames, and navigation groups
# whose list marks are not torn apart by the heading between them.
_SCRIPT = """<script>
(() => {
  const words = {skip: "SKIP", map: "MAP", table: "TABLE", language: "LANGUAGE"};
  const mend = () => {
    document.documentElement.lang = words.language;
    const skip = document.querySelector('[data-testid="stSkipToContent"]');
    if (skip && skip.textContent !== words.skip) skip.textContent = words.skip;
    for (const list of document.querySelectorAll('[data-testid="stSidebarNavItems"]')) {
      list.setAttribute("role", "none");
      for (const item of list.querySelectorAll("li")) item.setAttribute("role", "none");
    }
    for (const box of document.querySelectorAll('[data-testid="stMarkdownContainer"]:has(> table)')) {
      const scrolls = box.scrollWidth > box.clientWidth;
      if (scrolls && !box.hasAttribute("tabindex")) {
        box.tabIndex = 0;
        box.setAttribute("role", "region");
        box.setAttribute("aria-label", words.table);
      }
    }
    for (const frame of document.querySelectorAll("iframe.stCustomComponentV1")) {
      if (frame.getAttribute("aria-label") !== words.map) frame.setAttribute("aria-label", words.map);
    }
  };
  window.geoMinzhengWatch?.disconnect();
  window.geoMinzhengWatch = new MutationObserver(() => {
    if (!window.geoMinzhengMend) window.geoMinzhengMend = setTimeout(() => { window.geoMinzhengMend = 0; mend(); }, 60);
  });
  window.geoMinzhengWatch.observe(document.body, {childList: true, subtree: true});
  mend();
})();
</script>"""


def dress(text: Text) -> None:
    """Set the looks and the manners; the words are those of the language files."""
    st.html(_STYLE)
    script = _SCRIPT
    for mark, word in (
        ("SKIP", text("pages.frame.skip")), ("MAP", text("pages.frame.map")), ("TABLE", text("pages.frame.table")),
        ("LANGUAGE", text("pages.frame.code")),
    ):  # fmt: skip
        script = script.replace(mark, word)
    with st.container(key="manners"):
        st.html(script, unsafe_allow_javascript=True)
