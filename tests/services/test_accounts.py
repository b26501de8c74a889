"""Accounts: what a role may do, how one comes in, how long one stays, what ends it. On a real small store."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.engine.sitting import Limits, Sitting, pause_after, sitting_of
from geo_minzheng.errors import InputError, NotFoundError, RefusedError
from geo_minzheng.model.account import ANYTHING, Person, SessionKind, is_allowed
from geo_minzheng.services import accounts, district, incidents, passwords, settings_of
from geo_minzheng.settings import read_settings
from geo_minzheng.store import records
from geo_minzheng.store.records import find
from geo_minzheng.store.tables import Account, AuditRow, SignIn
from geo_minzheng.store.tables_flood import LevelDecision
from geo_minzheng.store.verify import verify

T0 = datetime(2026, 7, 3, 20, 0, tzinfo=UTC)
OWN = "yangliu-Shuian-7"


@pytest.fixture
def desk(tmp_path):
    office = open_bureau(read_settings({}, home=tmp_path / "home", now="2026-07-03T21:00"))
    office.create_store()
    with office.transaction() as (session, act):
        district.name_district(session, act, {"code": "420703", "name": "测试区", "policy_profile": "seed_reference"})
    return office


def add(desk, name, role="emergency_coordinator", **more):
    with desk.transaction() as (session, act):
        return accounts.add_person(session, act, desk.policy(), Person(name, name, role, **more))


def come_in(desk, name, secret, at=T0):
    with desk.transaction() as (session, act):
        return accounts.sign_in(session, act, name, secret, at)


def who(desk, token, at=T0):
    with desk.reading() as session:
        found = accounts.who_is(session, desk.policy(), token, at)
    return found[0] if found else None


def test_the_first_administrator_is_made_once_and_must_take_a_password_of_their_own(desk):
    with desk.transaction() as (session, act):
        secret = accounts.first_admin(session, act, desk.policy(), "管理员")
        assert accounts.first_admin(session, act, desk.policy(), "管理员") == ""
    opened = come_in(desk, "管理员", secret)
    me = who(desk, opened.token)
    assert opened.must_change
    assert me.must_change
    with desk.transaction() as (session, act), pytest.raises(InputError, match="weak_password"):
        accounts.change_password(session, act, desk.policy(), me, secret, "管理员123456", T0)
    with desk.transaction() as (session, act):
        accounts.change_password(session, act, desk.policy(), me, secret, OWN, T0)
    assert not who(desk, opened.token).must_change
    with pytest.raises(RefusedError, match="refused"):
        come_in(desk, "管理员", secret)
    assert not come_in(desk, "管理员", OWN).must_change


def test_nothing_in_the_store_opens_the_door(desk):
    secret = add(desk, "值班员甲")
    opened = come_in(desk, "值班员甲", secret)
    with desk.reading() as session:
        (account,), (row,) = find(session, Account), find(session, SignIn)
        told = "".join(f"{r.before}{r.after}" for r in find(session, AuditRow))
    assert account.password_hash.startswith("$argon2id$")
    raw = b"".join(p.read_bytes() for p in desk.settings.home.rglob("district.gpkg*"))
    for word in (secret, opened.token):
        assert word.encode() not in raw
        assert word not in told
    assert len(opened.token) >= 43
    assert row.token_hash == passwords.digest_token(opened.token)
    assert "argon2" not in told


def test_unknown_wrong_disabled_and_demo_are_refused_alike(desk):
    secret = add(desk, "值班员甲")
    add(desk, "值班员乙")
    demo = add(desk, "示范员", is_demo=True)
    with desk.transaction() as (session, act):
        accounts.disable(session, act, "值班员乙", T0)
    said = []
    for name, word in (("没有此人", secret), ("值班员甲", "no"), ("值班员乙", secret), ("示范员", demo), ("", "")):
        with pytest.raises(RefusedError) as refused:
            come_in(desk, name, word)
        said.append((refused.value.key, refused.value.facts))
    assert said == [("account.refused", {})] * 5


def test_disabling_ends_every_session_and_device_at_the_next_request(desk):
    secret = add(desk, "值班员甲")
    tokens = [come_in(desk, "值班员甲", secret).token for _ in range(2)]
    with desk.transaction() as (session, act):
        code, _ = accounts.pair(session, act, desk.policy(), "值班员甲", SessionKind.PHONE, "手机", T0)
    with desk.transaction() as (session, act):
        tokens.append(accounts.sign_in_device(session, act, code, T0).token)
    assert all(who(desk, token) for token in tokens)
    with desk.transaction() as (session, act):
        assert accounts.disable(session, act, "值班员甲", T0) == 3
    assert not any(who(desk, token) for token in tokens)
    with desk.transaction() as (session, act):
        accounts.enable(session, act, "值班员甲")
    assert not any(who(desk, token) for token in tokens)


def test_a_pairing_code_works_once_and_for_minutes(desk):
    add(desk, "值班员甲")
    with desk.transaction() as (session, act):
        code, until = accounts.pair(session, act, desk.policy(), "值班员甲", SessionKind.WALL, "大屏", T0)
        late, _ = accounts.pair(session, act, desk.policy(), "值班员甲", SessionKind.WALL, "大屏", T0)
    with desk.transaction() as (session, act):
        opened = accounts.sign_in_device(session, act, code.upper(), T0)
    me = who(desk, opened.token, T0 + timedelta(days=100))
    assert me.is_wall
    assert accounts.rights_of(desk.policy(), me.person, me.kind) == ()
    for word, at in ((code, T0), (late, until + timedelta(seconds=1)), ("no-such-code", T0)):
        with desk.transaction() as (session, act), pytest.raises(RefusedError, match="refused"):
            accounts.sign_in_device(session, act, word, at)


def test_a_locked_screen_opens_by_pin_or_password_only(desk):
    token = come_in(desk, "值班员甲", add(desk, "值班员甲")).token
    me = who(desk, token)
    with desk.transaction() as (session, act):
        row = accounts.store.get_account(session, "值班员甲")
        accounts.store.change_account(session, act, "user.password", row, password_hash=passwords.hash_password(OWN))
    for pin in ("12345", "111111", "123456", "987654", "12345a"):
        with desk.transaction() as (session, act), pytest.raises(InputError, match="weak_pin"):
            accounts.set_pin(session, act, desk.policy(), me, OWN, pin)
    with desk.transaction() as (session, act):
        accounts.set_pin(session, act, desk.policy(), me, OWN, "390274")
        accounts.lock(session, me)
    assert who(desk, token).is_locked
    with desk.transaction() as (session, _), pytest.raises(RefusedError, match="refused"):
        accounts.unlock(session, me, "390275", T0)
    for word in ("390274", OWN):
        with desk.transaction() as (session, _):
            accounts.unlock(session, me, word, T0)
        assert not who(desk, token).is_locked
        with desk.transaction() as (session, _):
            accounts.lock(session, me)


def test_a_role_does_what_the_policy_says_and_nothing_else(desk):
    add(desk, "审计员", "auditor")
    auditor = desk.for_name("审计员")
    with auditor.transaction() as (session, act), pytest.raises(RefusedError, match="may_not"):
        district.name_district(session, act, {"name": "改名"})
    with desk.reading() as session:
        assert settings_of.read(session, "name") == "测试区"
        assert verify(session)["audit"].is_ok


def test_an_account_is_checked_against_role_district_and_places(desk):
    for role, scope, place, key in (
        ("no_such_role", "", "", "unknown_role"),
        ("village_informant", "", "", "no_scope"),
        ("village_informant", "330101001001", "", "bad_scope"),
        ("township_reviewer", "4207031", "", "bad_scope"),
        ("auditor", "420703100", "", "bad_scope"),
        ("warehouse_keeper", "", "no_such_place", "no_place"),
        ("auditor", "", "CK01", "place_not_used"),
    ):
        with pytest.raises(InputError, match=key):
            add(desk, "某人", role, scope=scope, place=place)
    for name in ("", "  ", "a\x00b", "长" * 121):
        with pytest.raises(InputError, match="no_name"):
            add(desk, name)
    add(desk, "某人")
    with pytest.raises(RefusedError, match="exists"):
        add(desk, "某人")
    with desk.reading() as session:
        assert [p.name for p in accounts.people(session)] == ["某人"]


@pytest.mark.parametrize(
    ("role", "scope", "place"),
    [("warehouse_keeper", "", ""), ("receiver", "420703101", ""), ("village_informant", "", ""),
     ("receiver", "", "AZ1")],
)  # fmt: skip
def test_who_lacks_what_their_role_is_bound_to_sees_nothing(desk, role, scope, place):
    sight = accounts.sight_of(desk.policy().roles[role], Person("x", "x", role, scope, place))
    assert not sight.sees
    full = Person("x", "x", role, scope or "420703101001", place or "P1")
    assert accounts.sight_of(desk.policy().roles[role], full).sees


def test_the_last_administrator_stays(desk):
    add(desk, "管理员", "admin")
    for wish in (
        lambda session, act: accounts.disable(session, act, "管理员", T0),
        lambda session, act: accounts.change_person(session, act, desk.policy(), "管理员", {"role": "auditor"}),
    ):
        with desk.transaction() as (session, act), pytest.raises(RefusedError, match="last_admin"):
            wish(session, act)
    add(desk, "管理员乙", "admin")
    with desk.transaction() as (session, act):
        accounts.disable(session, act, "管理员", T0)


def test_a_name_at_the_command_line_is_an_account_once_there_are_some(desk):
    assert desk.for_name("随便谁").may == ANYTHING
    add(desk, "值班员甲")
    assert desk.for_name("值班员甲").may == desk.policy().roles["emergency_coordinator"].may
    with pytest.raises(NotFoundError, match="unknown"):
        desk.for_name("随便谁")
    with desk.transaction() as (session, act):
        accounts.disable(session, act, "值班员甲", T0)
    with pytest.raises(NotFoundError, match="unknown"):
        desk.for_name("值班员甲")


def test_every_role_of_the_policy_names_pages_there_are(desk):
    from geo_minzheng.policy.load import load_policy
    from geo_minzheng.settings import data_dir

    roles = load_policy(data_dir("policy"), profile="sample_2024", day=desk.today()).roles
    assert len(roles) == 17
    assert roles.keys() == desk.policy().roles.keys()


MINUTE = timedelta(minutes=1)
LIMITS = Limits(30 * MINUTE, 720 * MINUTE, 10 * MINUTE, 4320 * MINUTE, timedelta(days=180))


@given(st.integers(0, 5000), st.integers(0, 5000), st.booleans())
def test_a_session_ends_or_locks_by_its_limits(age, silence, responding):
    now = T0 + timedelta(days=30)
    opened, seen = now - max(age, silence) * MINUTE, now - silence * MINUTE
    state = sitting_of(SessionKind.BROWSER, opened, seen, now, LIMITS, is_responding=responding)
    if responding:
        assert (state is Sitting.ENDED) == (max(age, silence) > 4320)
        assert state is not Sitting.LOCKED or silence > 10
    else:
        assert (state is Sitting.ENDED) == (silence > 30 or max(age, silence) > 720)
        assert state is not Sitting.LOCKED
    for device in (SessionKind.PHONE, SessionKind.WALL):
        assert sitting_of(device, opened, seen, now, LIMITS, is_responding=responding) is Sitting.OPEN


def test_failures_delay_and_never_lock_out():
    pauses = [pause_after(k) for k in range(40)]
    assert pauses[:5] == [0] * 5
    assert pauses == sorted(pauses)
    assert pauses[5] >= 1
    assert max(pauses) <= 10


@given(st.lists(st.sampled_from(["relief.*", "report.post", "layer.*:house", "*"]), max_size=3))
def test_rights_are_exact_families_or_bound_to_a_table(may):
    entries = tuple(may)
    assert is_allowed(entries, "relief.plan", "plan") == bool({"relief.*", "*"} & set(may))
    assert is_allowed(entries, "report.posted", "x") == ("*" in may)
    assert is_allowed(entries, "layer.import", "house") == bool({"layer.*:house", "*"} & set(may))
    assert is_allowed(entries, "layer.import", "household") == ("*" in may)


def test_a_person_is_changed_and_the_change_counts_at_once(desk):
    token = come_in(desk, "某人", add(desk, "某人")).token
    with desk.transaction() as (session, act):
        person = accounts.change_person(session, act, desk.policy(), "某人", {"role": "auditor"})
    assert person == replace(who(desk, token).person)
    assert who(desk, token).person.role == "auditor"


def respond(desk, number, level):
    with desk.transaction() as (session, act):
        if number == 1:
            told = incidents.Declaration("测试汛情", "flood", act.at, incident_id="I-1")
            incidents.declare_incident(session, act, desk.policy(), told)
        row = LevelDecision(
            decision_id=f"I-1/L{number}", incident="I-1", action="activate" if level else "terminate", advised=level,
            decided=level, reason="", order_no="", leader="区长", policy_version="v", conditions=[], exercise=False,
        )  # fmt: skip
        records.add(session, act, "response.decide", row)


def test_the_end_that_is_told_is_the_one_in_force(desk):
    token = come_in(desk, "值班员甲", add(desk, "值班员甲")).token
    limits = accounts.limits_of(desk.policy())
    assert who(desk, token).until == T0 + limits.absolute
    respond(desk, 1, "IV")
    late = T0 + limits.absolute + MINUTE
    assert who(desk, token, late).until == T0 + limits.response
    assert who(desk, token, late).is_locked
    respond(desk, 2, None)
    assert who(desk, token, late) is None
