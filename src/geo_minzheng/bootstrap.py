"""The only one who knows the real world: settings, clock, policy, text, layers and the store, put together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_minzheng.errors import GeoMinzhengError, InputError, NotFoundError, StoreError
from geo_minzheng.layers.catalogue import load_catalogue
from geo_minzheng.model.account import ANYTHING, Person, SessionKind, is_allowed
from geo_minzheng.model.act import Act
from geo_minzheng.model.scope import CASEWORK, EVERYTHING, Scope
from geo_minzheng.policy.load import load_policy
from geo_minzheng.present.text import SOURCE_LANGUAGE, Text
from geo_minzheng.services import accounts, settings_of
from geo_minzheng.settings import Settings, data_dir, layers_dir
from geo_minzheng.store import occupancy
from geo_minzheng.store import session as sessions
from geo_minzheng.store.keys import FILE as RING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from geo_minzheng.model.layer import LayerSpec
    from geo_minzheng.model.policy import Policy

# One time zone in the whole country, and no daylight saving.
CHINA = timezone(timedelta(hours=8))
DEFAULT_WHO = "值班员"
DEFAULT_PROFILE = "seed_reference"


@lru_cache(maxsize=4)
def text_of(language: str) -> Text:
    """Load a language once."""
    return Text.load(data_dir("text"), language)


@lru_cache(maxsize=8)
def _policy_of(profile: str, day: date) -> Policy:
    return load_policy(data_dir("policy"), profile=profile, day=day)


@lru_cache(maxsize=1)
def catalogue_of() -> Mapping[str, LayerSpec]:
    """Load the layer catalogue once."""
    return load_catalogue(layers_dir())


@lru_cache(maxsize=8)
def _engine_of(url: str, keys: Path) -> Any:
    return sessions.open_store(url, keys=keys)


@lru_cache(maxsize=8)
def _door_of(home: Path) -> int | None:
    return occupancy.move_in(home)


def sentences(error: GeoMinzhengError) -> list[str]:
    """Say an error in Chinese and in English, the faults it may hold aside.

    What was not found is said with the thing's name and where its ids stand, where there is such a sentence.
    """
    named = f"error.{error.key}_in.{error.facts.get('table', '')}"
    key = named if text_of("zh").has(named) else f"error.{error.key}"
    texts = [text_of(language) for language in ("zh", "en")]
    return [text(key, **{name: _in_words(text, name, fact) for name, fact in error.facts.items()}) for text in texts]


def _in_words(text: Text, name: str, value: object) -> object:
    """Name an act, a state of a report, and one of an order beside the code that is typed: 在途（in_transit）."""
    if name == "action" and text.has(f"audit.action.{value}"):
        return text(f"audit.action.{value}")
    if text.language != SOURCE_LANGUAGE or not isinstance(value, str):
        return value
    if text.has(f"pages.report.state.{value}"):
        return text(f"pages.report.state.{value}")
    return f"{text(f'pages.relief.order.{value}')}（{value}）" if text.has(f"pages.relief.order.{value}") else value


@dataclass(frozen=True)
class Bureau:
    """One bureau at one moment: everything a use case is handed.

    Parameters
    ----------
    settings
        Where the district lives.
    who, role
        Who acts, and in which role.
    text
        Sentences in the reader's language.
    may
        Acts that are allowed to who acts.
    scope, place
        Division-code prefix and place that are all they may see; empty sees the whole district.
    sight
        How far who acts sees: every session of theirs is narrowed to it.
    """

    settings: Settings
    who: str
    role: str
    text: Text
    may: tuple[str, ...] = ANYTHING
    scope: str = ""
    place: str = ""
    sight: Scope = EVERYTHING

    @property
    def works_on_cases(self) -> bool:
        """Whether who looks may see households and house points with a poverty category."""
        return CASEWORK in self.sight.sees

    @property
    def catalogue(self) -> Mapping[str, LayerSpec]:
        """The layer catalogue."""
        return catalogue_of()

    @property
    def official_text(self) -> Text:
        """Chinese: the language of official documents, whatever the screen speaks."""
        return text_of("zh")

    def now(self) -> datetime:
        """Read the clock: the fixed one of the settings, else that of a demo district, else the real one."""
        fixed = self.settings.now or self._demo_clock
        return parse_moment(fixed) if fixed else datetime.now(CHINA).replace(microsecond=0)

    def wall_clock(self) -> datetime:
        """Read the clock without asking the store, which may be damaged or missing."""
        return parse_moment(self.settings.now) if self.settings.now else datetime.now(CHINA).replace(microsecond=0)

    def today(self) -> date:
        """Read the calendar."""
        return self.now().date()

    def act(self, *, incident: str = "", exercise: bool = False) -> Act:
        """Name who acts now."""
        return Act(
            self.who, self.now(), role=self.role, incident=incident, scope=self.scope, exercise=exercise, may=self.may
        )

    def policy(self, day: date | None = None) -> Policy:
        """Load the policy in force on a day (today where none is named), in the district's profile."""
        return _policy_of(self._profile, day or self.today())

    def policy_for(self, profile: str) -> Policy:
        """Load the policy of a profile: for a district that does not exist yet."""
        return _policy_of(profile, self.today())

    @cached_property
    def _demo_clock(self) -> str:
        """A demo district stands still at its own night; a real one, or none, has no clock of its own."""
        try:
            with self.reading() as session:
                return str(settings_of.read(session, "demo_clock", ""))
        except NotFoundError:
            return ""

    @cached_property
    def _profile(self) -> str:
        with self.reading() as session:
            return str(settings_of.read(session, "policy_profile", DEFAULT_PROFILE))

    @property
    def profile(self) -> str:
        """The district's policy profile; the default one where there is no district."""
        try:
            return self._profile
        except NotFoundError:
            return DEFAULT_PROFILE

    def reading(self) -> AbstractContextManager[Any]:
        """Open a session that only reads.

        Raises
        ------
        NotFoundError
            ``district.no_home``: there is no district here yet.
        """
        return sessions.read_session(self._engine(), self.sight)

    @contextmanager
    def transaction(self, *, incident: str = "", exercise: bool = False) -> Iterator[tuple[Any, Act]]:
        """Open a session that writes: committed when the block ends, rolled back when it raises."""
        with sessions.store_session(self._engine(), self.sight) as session:
            yield session, self.act(incident=incident, exercise=exercise)
            session.commit()

    def _engine(self) -> Any:
        _door_of(self.settings.home)
        try:
            return _engine_of(self.settings.store_url, self.settings.keys)
        except NotFoundError as error:
            raise NotFoundError("district.no_home", home=str(self.settings.home)) from error
        except StoreError as error:
            # A store that may not be written cannot even be read: its log of changes wants a place.
            home = self.settings.home
            if self.settings.database_url or all(os.access(p, os.W_OK) for p in (home, home / "district.gpkg")):
                raise
            raise StoreError("district.read_only", home=str(home)) from error

    def close(self) -> None:
        """Let go of the store, so that its files may be moved."""
        self._engine().dispose()
        _engine_of.cache_clear()
        occupancy.move_out(_door_of(self.settings.home))
        _door_of.cache_clear()

    def create_store(self) -> None:
        """Create the empty store of a new district, and the keys its private columns are sealed with."""
        if not self.settings.home.exists():
            self.settings.home.mkdir(parents=True, mode=0o700)  # households and hashes are for one account's eyes
        sessions.create_store(self.settings.store_url, keys=self.settings.keys).dispose()

    @contextmanager
    def founding(self) -> Iterator[None]:
        """Create the store of a new district; a founding that does not come to its end leaves no store behind."""
        file, keys = self.settings.home / "district.gpkg", self.settings.keys
        is_ours = not self.settings.database_url and not file.exists()
        had_keys, had_folder = (keys / RING).exists(), keys.exists()
        try:
            self.create_store()
            yield
        except BaseException:
            for part in file.parent.glob(f"{file.name}*") if is_ours else ():
                part.unlink()
            for part in keys.glob(f"*{RING}*") if is_ours and not had_keys else ():
                part.unlink()
            if is_ours and not had_folder:
                with suppress(OSError):
                    keys.rmdir()
            raise

    def named(self, who: str, role: str = "") -> Bureau:
        """Hand the desk to another person."""
        return replace(self, who=who, role=role)

    def for_person(self, person: Person, kind: SessionKind = SessionKind.BROWSER) -> Bureau:
        """Hand the desk to somebody with an account: their role says what they may do, their scope what they see.

        Raises
        ------
        InputError
            ``account.unknown_role``.
        """
        role = accounts.role_of(self.policy(), person)
        may = accounts.rights_of(self.policy(), person, kind)
        sight = accounts.sight_of(role, person)
        mine = replace(self, who=person.name, role=person.role, may=may, sight=sight)
        return replace(mine, scope=person.scope, place=person.place)

    def for_name(self, name: str) -> Bureau:
        """Hand the desk to whom the command line names, where there is a district already.

        Raises
        ------
        NotFoundError
            ``account.unknown``.
        """
        try:
            with self.reading() as session:
                person = accounts.admit(session, name)
        except NotFoundError as error:
            if error.key != "district.no_home":
                raise
            person = None
        return self.named(name) if person is None else self.for_person(person)

    def can(self, action: str, table: str = "") -> bool:
        """Tell whether who acts may do an act: a page shows no button that would be refused."""
        return is_allowed(self.may, action, table)

    def whole(self) -> Bureau:
        """Lift the limit for an act that reckons over the whole district; what is shown of it is narrowed again."""
        return replace(self, sight=EVERYTHING)

    def at(self, moment: datetime) -> Bureau:
        """Set the clock."""
        return replace(self, settings=replace(self.settings, now=moment.isoformat()))


def watch() -> datetime:
    """Read the real clock, which no demo stops: how long somebody sits at a screen is told by no other."""
    return datetime.now(CHINA)


def parse_moment(text: str) -> datetime:
    """Read an ISO 8601 moment; without a zone it is Chinese time.

    Raises
    ------
    InputError
        ``settings.bad_moment``.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError("settings.bad_moment", value=text) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


def open_bureau(settings: Settings, *, who: str = "", role: str = "") -> Bureau:
    """Put a bureau together from its settings."""
    return Bureau(settings, who or DEFAULT_WHO, role, text_of(settings.language))
