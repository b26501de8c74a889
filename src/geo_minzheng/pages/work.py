"""Long work beside the page: its step by name, a stop button, and nothing stored when it was stopped."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

import streamlit as st

from geo_minzheng.errors import StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from geo_minzheng.present.text import Text
    from geo_minzheng.services.steps import Step

# Quick work ends in its own run of the page; longer work goes on beside it [s].
GRACE_S = 3.0
_LOOK_EVERY_S = 1.0


@dataclass(eq=False)
class Work:
    """One piece of work of one session.

    Parameters
    ----------
    name
        What is being done, as the page says it.
    line
        What to say when it is done.
    """

    name: str
    began: float = field(default_factory=monotonic)
    step: str = ""
    line: str = ""
    error: BaseException | None = None
    stop: Event = field(default_factory=Event)
    thread: Thread | None = None

    @property
    def is_done(self) -> bool:
        """Tell whether it came to its end, whichever."""
        return self.thread is None or not self.thread.is_alive()

    def at(self, step: str) -> None:
        """Begin a step, unless somebody asked to stop.

        Raises
        ------
        StoppedError
            ``work.stopped``.
        """
        if self.stop.is_set():
            raise StoppedError("work.stopped")
        self.step = step


def begin(text: Text, name: str, job: Callable[[Step], str]) -> None:
    """Begin work in a thread of its own and draw the page anew: finished when it is quick, at its step when not.

    Parameters
    ----------
    job
        Does the work, calls ``step`` with a name before each step and last before it keeps anything, and gives the
        line to say. It draws nothing.
    """
    if (running := st.session_state.get("work")) is not None and not running.is_done:
        st.warning(text("pages.work.busy", name=running.name))
        return
    work = Work(name)

    def run() -> None:
        try:
            work.line = job(work.at)
        except Exception as error:  # noqa: BLE001  told, or shown as the bug it is, by the page that began the work
            work.error = error

    work.thread = Thread(target=run, name="work", daemon=True)
    st.session_state["work"] = work
    work.thread.start()
    with st.spinner(name):
        work.thread.join(GRACE_S)
    st.rerun(scope="app")


def finished(text: Text) -> Work | None:
    """Show the work of this session while it goes on; hand it out once when it is done."""
    work: Work | None = st.session_state.get("work")
    if work is None:
        return None
    if work.is_done:
        del st.session_state["work"]
        return work
    _progress(text, work)
    return None


@st.fragment(run_every=_LOOK_EVERY_S)
def _progress(text: Text, work: Work) -> None:
    if work.is_done:
        st.rerun(scope="app")
    seconds = int(monotonic() - work.began)
    step = text(f"pages.work.step.{work.step}") if work.step else text("pages.work.starting")
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="work"):
        key = "pages.work.stopping" if work.stop.is_set() else "pages.work.at"
        st.markdown(text(key, name=work.name, step=step, seconds=seconds))
        if st.button(text("pages.work.stop"), key="work_stop", icon=":material/stop:", disabled=work.stop.is_set()):
            work.stop.set()
            st.rerun(scope="fragment")
