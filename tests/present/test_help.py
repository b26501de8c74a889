"""Every page has its help in the guides, in both languages, and nothing in it that a page cannot show."""

import re
from datetime import date

import pytest

from geo_minzheng.policy import load_policy
from geo_minzheng.present.help import help_of, marked_parts
from geo_minzheng.settings import data_dir, docs_dir

DAY = date(2026, 7, 3)
GUIDES = docs_dir() / "guide"
ROLES = load_policy(data_dir("policy"), profile="seed_reference", day=DAY).roles
PAGES = sorted({"home", "account"} | {page for role in ROLES.values() for page in role.pages})
PARTS = marked_parts(GUIDES)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_help_for_every_role_that_has_it(page, language):
    mine = [name for name, role in ROLES.items() if page in ("home", "account", *role.pages)]
    assert mine
    for role in mine:
        told = help_of(PARTS, page, role, language)
        assert len(told) > 60, (page, role)
        han = len(re.findall(r"[\u4e00-\u9fff]", told))
        assert han > 30 if language == "zh" else han < 5, told
        assert not re.search(r"^#|!\[|\]\((?!https?:)|<a id", told, flags=re.M), told


def test_a_keeper_reads_the_keepers_part_and_the_coordinator_the_plans():
    keeper, coordinator = (help_of(PARTS, "relief", r, "zh") for r in ("warehouse_keeper", "emergency_coordinator"))
    assert "账只增不改" in keeper
    assert "生成方案" in coordinator
    assert "记录口头批准" in coordinator, "a page's help may stand in two places of a guide"


def test_no_mark_is_for_a_page_or_a_role_there_is_none_of_and_none_stands_twice():
    for name in PARTS:
        page, _, role = name.partition("-")[0].partition(".")
        assert page in PAGES, name
        assert role in ("", *ROLES), name
    marks = re.findall(r'<a id="([^"]+)">', "".join(p.read_text(encoding="utf-8") for p in GUIDES.glob("*.md")))
    assert len(marks) == len(set(marks))


def test_a_part_ends_where_the_next_begins(tmp_path):
    (tmp_path / "a.md").write_text(
        '# A\n\n<a id="help-x-zh"></a>\n\n## 1. One\n\ntext\n\n### in it\n\nmore [there](b.md)\n\n![p](p.png)\n\n'
        '## Two\n\nnot this\n\n<a id="help-x-zh-2"></a>\n\nagain\n\n---\n\n<a id="help-x-en"></a>\n\nend\n',
        encoding="utf-8",
    )
    parts = marked_parts(tmp_path)
    assert parts == {"x-zh": "**One**\n\ntext\n\n**in it**\n\nmore there\n\nagain", "x-en": "end"}
    assert not help_of(parts, "y", "admin", "zh")
