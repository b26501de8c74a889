"""siting.json and the array files: every field, and the optimum by trying everything or by an independent model."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from desk import Desk, call, strict_json
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, load_npz, save_npz

FIELDS = {"chosen", "objective", "bound", "gap", "status", "seconds"}


def _question(home: Path, now: str) -> Any:
    """Times from every village to every home and candidate, as the product measures them."""
    from geo_minzheng.bootstrap import open_bureau
    from geo_minzheng.engine import threat, welfare
    from geo_minzheng.services import places
    from geo_minzheng.settings import read_settings

    office = open_bureau(read_settings({}, home=home, now=now))
    policy = office.policy()
    with office.reading() as session:
        homes = places.in_metres(session, "welfare_home")
        kinds = [k for k, row in policy.facility_kinds.items() if row.counts_as_point]
        homes = homes[homes["facility_kind"].isin(kinds)]
        sites = places.in_metres(session, "candidate_site")
        zones = places.in_metres(session, "hazard_zone")
        sites = sites[~threat.inside_zone(sites.geometry, zones, frozenset({"high"}))]
        demand = welfare.village_demand(places.require_metres(session, "village"))
        network = places.ways(session, policy).network
        return welfare.siting_question(network, demand, homes, sites, new=1, limit_min=1.0), demand


@pytest.fixture(scope="module")
def told(demo_out: Path) -> dict[str, Any]:
    return dict(strict_json((demo_out / "siting.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def question(demo_out: Path) -> Any:
    return _question(demo_out / "home", "2026-06-20T09:00:00+08:00")


def test_every_field_of_the_contract_is_there(told):
    for part in (told, told["median"], told["cover"]):
        assert (FIELDS - {"seconds"}) | {"names", "by_town"} <= set(part)
        assert len(part["names"]) == len(part["chosen"])
        for town in part["by_town"]:
            assert town["covered"] + town["uncovered"] == town["persons"] and len(town["town"]) == 9
    assert told["seconds"] >= 0
    assert told["status"] == told["median"]["status"] == "optimal"


def _median(minutes: Any, weights: Any, existing: int, new: int) -> tuple[float, tuple[int, ...]]:
    best = (math.inf, ())
    for picked in combinations(range(existing, minutes.shape[1]), new):
        near = minutes[:, [*range(existing), *picked]].min(axis=1)
        best = min(best, (float((near * weights).sum()), picked))
    return best


def test_both_answers_are_the_best_of_all_choices(told, question):
    asked, _ = question
    minutes, weights, existing = asked.minutes, asked.weights, asked.existing
    new = len(told["median"]["new"])
    assert new == len(told["median"]["chosen"]) - existing
    least, _ = _median(minutes, weights, existing, new)
    assert told["median"]["objective"] == pytest.approx(least)
    assert told["median"]["bound"] == pytest.approx(least) and told["median"]["gap"] == 0
    mine = minutes[:, told["median"]["chosen"]].min(axis=1)
    assert float((mine * weights).sum()) == pytest.approx(least)
    assert set(range(existing)) <= set(told["median"]["chosen"])


def test_the_gains_add_up_to_what_the_new_sites_save(told, question):
    asked, _ = question
    now = float((asked.minutes[:, : asked.existing].min(axis=1) * asked.weights).sum())
    assert sum(g["gain"] for g in told["median"]["gains"]) == pytest.approx(now - told["median"]["objective"])
    assert all(g["loss"] >= -1e-9 for g in told["median"]["gains"])


def test_covered_and_uncovered_people_sum_to_the_district(told, question):
    _, demand = question
    people = int(demand.points["persons"].sum())
    for part in (told["median"], told["cover"]):
        assert sum(t["persons"] for t in part["by_town"]) == people


def test_the_command_line_gives_the_demos_answer_and_any_number_of_sites(desk: Desk, told, question, tmp_path):
    asked, _ = question
    planning = desk.at("2026-06-20T09:00:00+08:00")
    made = planning.do("welfare", "site", "--p", 1, "--out", tmp_path / "siting.json")
    least, _ = _median(asked.minutes, asked.weights, asked.existing, 1)
    assert made["objective"] == pytest.approx(least) and len(made["median"]["new"]) == 1
    assert strict_json((tmp_path / "siting.json").read_text(encoding="utf-8")) == made
    assert planning.refused("welfare", "site", "--p", 999)["error"] == "welfare.no_candidates"
    assert planning.refused("welfare", "site", "--p", -1)


def _site(*words: object) -> dict[str, Any]:
    said = call([str(w) for w in ("welfare", "site", *words, "--json")])
    assert said.code == 0, said
    told = dict(said.json)
    assert set(told) == FIELDS
    return told


def _mip_median(cost: Any, weights: Any, p: int) -> float:
    n, m = cost.shape
    c = np.concatenate([np.zeros(m), (np.where(np.isinf(cost), 0, cost) * weights[:, None]).ravel()])
    upper = np.concatenate([np.ones(m), np.isfinite(cost).astype(float).ravel()])
    rows, lower, top = [], [], []
    served = np.zeros((n, m + n * m))
    for i in range(n):
        served[i, m + i * m : m + (i + 1) * m] = 1
    opened = np.zeros((n * m, m + n * m))
    for k in range(n * m):
        opened[k, m + k], opened[k, k % m] = 1, -1
    count = np.concatenate([np.ones(m), np.zeros(n * m)])[None, :]
    rules = [LinearConstraint(served, 1, 1), LinearConstraint(opened, -np.inf, 0), LinearConstraint(count, p, p)]
    whole = np.concatenate([np.ones(m), np.zeros(n * m)])
    answer = milp(c, integrality=whole, bounds=Bounds(0, upper), constraints=rules, options={"mip_rel_gap": 0})
    assert answer.status == 0 and not rows and not lower and not top
    return float(answer.fun)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_median_from_files_is_the_optimum_of_an_independent_model(tmp_path, seed):
    rng = np.random.default_rng(seed)
    cost = rng.uniform(1, 100, (14, 8)).round(2)
    cost[rng.uniform(size=cost.shape) < 0.15] = np.inf
    cost[:, 0] = 200.0
    weights = rng.integers(1, 50, 14).astype(float)
    np.save(tmp_path / "cost.npy", cost)
    np.save(tmp_path / "weights.npy", weights)
    told = _site("--cost", tmp_path / "cost.npy", "--p", 3, "--weights", tmp_path / "weights.npy")
    best = _mip_median(cost, weights, 3)
    assert told["objective"] == pytest.approx(best) and told["bound"] == pytest.approx(best)
    assert told["status"] == "optimal" and told["gap"] == 0
    assert len(told["chosen"]) == len(set(told["chosen"])) == 3
    assert float((cost[:, told["chosen"]].min(axis=1) * weights).sum()) == pytest.approx(best)
    plain = _site("--cost", tmp_path / "cost.npy", "--p", 3)
    assert plain["objective"] == pytest.approx(_mip_median(cost, np.ones(14), 3))


def test_other_layouts_of_the_same_matrix_give_the_same_answer(tmp_path):
    cost = np.random.default_rng(9).integers(1, 100, (12, 6))
    answers = []
    for k, array in enumerate(
        (cost, cost.astype(np.float32), np.asfortranarray(cost.astype(float)), cost.astype(">f8"))
    ):
        np.save(tmp_path / f"{k}.npy", array)
        told = _site("--cost", tmp_path / f"{k}.npy", "--p", 2)
        answers.append((told["chosen"], told["objective"]))
    assert len({str(a) for a in answers}) == 1


def test_a_cover_from_files_is_the_best_of_all_choices(tmp_path):
    rng = np.random.default_rng(4)
    covers = rng.uniform(size=(40, 9)) < 0.2
    weights = rng.integers(1, 30, 40).astype(float)
    save_npz(tmp_path / "covers.npz", csr_array(covers))
    np.savez(tmp_path / "dense.npz", covers)
    np.save(tmp_path / "weights.npy", weights)
    best = max(
        float(weights[covers[:, list(picked)].any(axis=1)].sum()) for picked in combinations(range(covers.shape[1]), 3)
    )
    for name in ("covers.npz", "dense.npz"):
        said = call(["welfare", "cover", "--covers", str(tmp_path / name), "--weights", str(tmp_path / "weights.npy"),
                     "--p", "3", "--json"])  # fmt: skip
        assert said.code == 0, said
        told = said.json
        assert set(told) == FIELDS and told["objective"] == best and told["status"] == "optimal"
    assert load_npz(tmp_path / "covers.npz").shape == (40, 9)


class _Trap:
    """Leaves a mark when somebody unpickles it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


def _bad_arrays(folder: Path) -> dict[str, Path]:
    good = np.ones((4, 3))
    np.save(folder / "pickled.npy", np.array([[_Trap(folder / "mark")]], dtype=object), allow_pickle=True)
    np.save(folder / "nan.npy", np.where(np.eye(4, 3) > 0, np.nan, good))
    np.save(folder / "flat.npy", np.ones(4))
    np.save(folder / "words.npy", np.array([["a", "b"]]))
    np.save(folder / "negative.npy", -good)
    np.save(folder / "empty.npy", np.ones((0, 3)))
    whole = folder / "whole.npy"
    np.save(whole, good)
    (folder / "truncated.npy").write_bytes(whole.read_bytes()[:-8])
    (folder / "longer.npy").write_bytes(whole.read_bytes() + b"x")
    head = whole.read_bytes()[:128].replace(b"(4, 3)", b"(4, 3)")
    huge = head.replace(b"(4, 3), }          ", b"(400000, 400000), }")
    (folder / "huge.npy").write_bytes(huge)
    (folder / "text.npy").write_text("1,2\n3,4\n")
    return {p.stem: p for p in folder.glob("*.npy") if p.stem != "whole"}


def test_arrays_nobody_should_trust_are_refused_with_a_sentence(tmp_path):
    files = _bad_arrays(tmp_path)
    assert len(files) == 10
    for name, path in {**files, "missing": tmp_path / "missing.npy"}.items():
        said = call(["welfare", "site", "--cost", str(path), "--p", "1", "--json"])
        assert said.code == 1, (name, said)
        assert said.json["error"], name
        assert "Traceback" not in said.err and any("\u4e00" <= c <= "\u9fff" for c in said.err.splitlines()[0]), name
    assert not (tmp_path / "mark").exists(), "a pickle was opened"


def test_questions_without_an_answer_are_refused_and_misuse_is_misuse(tmp_path):
    cost = np.ones((3, 4))
    np.save(tmp_path / "cost.npy", cost)
    cost[1, :] = np.inf
    np.save(tmp_path / "cut.npy", cost)
    np.save(tmp_path / "short.npy", np.ones(2))
    file = str(tmp_path / "cost.npy")
    for words in (["--cost", file, "--p", "0"], ["--cost", file, "--p", "5"], ["--cost", file, "--p", "-1"],
                  ["--cost", str(tmp_path / "cut.npy"), "--p", "1"],
                  ["--cost", file, "--p", "1", "--weights", str(tmp_path / "short.npy")]):  # fmt: skip
        said = call(["welfare", "site", *words, "--json"])
        assert said.code == 1 and said.json["error"], said
        at_fault = [w for w in words if w.endswith(("cut.npy", "short.npy"))]
        for sentence in (said.json["message"], said.json["message_en"]):
            assert all(Path(w).name in sentence for w in at_fault), said
    for words in (["--cost", file], ["--cost", file, "--p", "x"], ["--cost", file, "--p", "1", "--no-such-option"]):
        assert call(["welfare", "site", *words]).code == 2


def test_liechtensteins_siting_is_the_best_of_all_choices(liechtenstein_out):
    told = strict_json((liechtenstein_out / "siting.json").read_text(encoding="utf-8"))
    assert FIELDS | {"names", "by_town"} <= set(told)
    asked, _ = _question(liechtenstein_out / "home", "2026-06-20T09:00:00+08:00")
    least, _ = _median(asked.minutes, asked.weights, asked.existing, len(told["median"]["new"]))
    assert told["objective"] == pytest.approx(least) and told["status"] == "optimal"
