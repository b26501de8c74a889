"""Where the order contradicts the villagers' review stands a written reason, or plainly that there is none."""

import pytest


@pytest.fixture(scope="module")
def planner(desk):
    return desk.named("危改审核辰")


def test_a_reason_stands_beside_the_pair_and_the_last_one_counts(planner):
    before = planner.do("housing", "review")
    assert before and not any(p["reason"] for p in before)
    case = before[0]["first"]
    planner.do("housing", "review", "--case", case, "--reason", " 评议后\n墙体开裂 ")
    told = planner.do("housing", "review", "--case", case, "--reason", "复核后改判")
    assert {(p["first"], p["reason"], p["who"]) for p in told} == {(case, "复核后改判", "危改审核辰")}
    after = planner.do("housing", "review")
    assert len(after) == len(before)
    assert after[-len(told) :] == told


@pytest.mark.parametrize(("reason", "key"), [("  \n", "housing.no_reason"), ("长" * 501, "housing.reason_too_long")])
def test_a_reason_is_written_words(planner, reason, key):
    case = planner.do("housing", "review")[0]["first"]
    assert planner.refused("housing", "review", "--case", case, "--reason", reason)["error"] == key


def test_only_a_contradiction_takes_a_reason(planner):
    said = planner.refused("housing", "review", "--case", "没有这一件", "--reason", "理由")
    assert said["error"] == "housing.not_against_review"


def test_who_made_the_programmes_does_not_answer_for_them(planner):
    case = planner.do("housing", "review")[0]["first"]
    said = planner.named("规划员戊").refused("housing", "review", "--case", case, "--reason", "理由")
    assert said["error"] == "housing.own_reason"
