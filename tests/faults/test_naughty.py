"""R11: whatever file a stranger hands in, it is taken whole or refused whole, with a sentence that helps.

In CI a seeded share of the corpus goes through the confined worker, the rest through its reader in this process;
``GEO_MINZHENG_SOAK=1`` sends every file through the worker.
"""

import collections
import os
import random
import resource
import shutil
import warnings

import pytest
from naughty import door, photos

from geo_minzheng.layers import vector, xlsx_parts
from geo_minzheng.layers.photo import read_photo
from geo_minzheng.services import imports, reports
from geo_minzheng.store.files import write_whole

IS_SOAK = os.environ.get("GEO_MINZHENG_SOAK") == "1"
SEED = 7
LEAST = {
    "drivers": 60, "archives": 40, "markup": 50, "broken": 60, "encodings": 30, "coordinates": 60, "sheets": 60,
    "formulas": 40, "photos": 50, "databases": 40, "shapes": 20, "rasters": 15, "extracts": 10, "arrays": 50,
}  # fmt: skip
# What only the confined worker may open, because GDAL or osmium reads it; a share of it is enough in CI.
CONFINED = ("shapes", "rasters", "extracts")
SLOW = {"too_big.csv", "many_features.geojson", "vertices.geojson", "rows.csv", "merged_many.xlsx"}
NEEDS_LIMITS = {"computed_bomb.gpkg", "computed_print.gpkg", "deep_wkb.gpkg"}


def chosen(cases):
    """Pick what is run: everything in the long form."""
    if IS_SOAK:
        return cases
    picked = [c for c in cases if c.name not in SLOW]
    rng = random.Random(SEED)
    far = [c for c in picked if c.group in CONFINED]
    kept = set(rng.sample(far, len(far) * 2 // 5))
    return [c for c in picked if c.group not in CONFINED or c in kept]


@pytest.fixture(scope="module")
def office(tmp_path_factory, demo_out):
    folder = tmp_path_factory.mktemp("office")
    found = door.Office(shutil.copytree(demo_out / "home", folder / "home"))
    found.furnish(photos.picture())
    return found


def try_all(office, cases, corpus):
    """Hand every case in, the accepted ones twice; returns what was wrong by case and all outcomes."""
    wrong, outcomes, before = {}, {}, office.state()
    rng = random.Random(SEED)
    for case in cases:
        path = corpus / case.group / case.name
        is_book = case.name.endswith((".xlsx", ".xls")) and case.kind not in ("mistake", "harmless")
        is_far = IS_SOAK or is_book or case.group in CONFINED or case.name in NEEDS_LIMITS or rng.random() < 0.05
        with door.reading(confined=is_far):
            outcome = office.hand_in(case, path)
            after = office.state()
            faults = door.judge(case, before, outcome, after)
            if case.route == "layer" and outcome.exit_code == 0:
                again = office.hand_in(case, path)
                later = office.state()
                if again.stored or later != after:
                    faults.append("the same file twice changes something")
                after = later
        before = after
        outcomes[case] = outcome
        if faults:
            wrong[f"{case.group}/{case.name}"] = faults
    return wrong, outcomes


@pytest.fixture(scope="module")
def tried(tmp_path_factory, office, naughty):
    folder = tmp_path_factory.mktemp("naughty")
    with door.watched(folder / "bait") as (bait, touches):
        cases = naughty.write(folder / "corpus", SEED, bait)
        wrong, outcomes = try_all(office, chosen(cases), folder / "corpus")
    return cases, wrong, outcomes, touches


def test_the_corpus_has_its_size(tried):
    cases, _, outcomes, _ = tried
    ran = collections.Counter(case.group for case in outcomes)
    assert len(cases) >= 900
    assert len(outcomes) >= (900 if IS_SOAK else 700)
    assert not {group: (ran[group], least) for group, least in LEAST.items() if ran[group] < least}
    assert collections.Counter(c.kind for c in outcomes)["attack"] >= 250


def test_each_file_is_taken_whole_or_refused_whole_with_its_reason(tried):
    _, wrong, _, _ = tried
    assert not wrong, "\n".join(f"{name}: {faults}" for name, faults in wrong.items())


def test_nothing_outside_was_touched(tried):
    _, _, outcomes, touches = tried
    assert not touches
    assert not [case.name for case, outcome in outcomes.items() if "CANARY-7f3e" in outcome.spoken]


def test_memory_stays_within_bounds(tried):
    assert tried
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 3_200_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 3_000_000


def test_every_refusal_names_place_and_remedy_in_both_languages(tried, sentences):
    _, _, outcomes, _ = tried
    told = 0
    for case, outcome in outcomes.items():
        for code in {f["code"] for report in outcome.reports for f in report["faults"]}:
            chinese, english = (sentences[language]["error"]["layers"][code] for language in ("zh", "en"))
            for sentence in (chinese, english):
                assert any(
                    "{" + name in sentence
                    for name in ("file", "row", "column", "member", "cell", "value", "count", "wrong")
                ), (case.name, code, sentence)
            told += 1
        for report in outcome.reports:
            for fault in report["faults"]:
                assert "{" not in fault["message"].replace(fault["value"], "") or "{" in fault["value"], fault
                assert "None" not in fault["message"], fault
                assert not set(fault["message"]) & set("\x00\x07\x1b\x7f\u202e\u2067"), fault
    assert told >= 500


def test_corpus_is_the_same_every_time(tmp_path, naughty):
    kept = ("encodings", "sheets", "coordinates")
    for group in kept:
        first, second = (
            [(c.name, c.data) for c in naughty.GROUPS[group](random.Random(1), naughty.Bait())] for _ in range(2)
        )
        if group != "sheets":  # a workbook carries the moment it was written
            assert first == second


# --- Planted bugs: each must turn the harness red. ---


@pytest.fixture
def trial(tmp_path, office, naughty, monkeypatch):
    """Try one class of the corpus on an importer with a planted bug."""

    def run(group, *names):
        with door.watched(tmp_path / "bait") as (bait, touches):
            corpus = tmp_path / "corpus"
            monkeypatch.setattr(naughty, "GROUPS", {group: naughty.GROUPS[group]})
            cases = [c for c in naughty.write(corpus, SEED, bait) if c.name in names]
            assert len(cases) == len(names)
            before, wrong = office.state(), {}
            for case in cases:
                with door.reading(confined=False):
                    outcome = office.hand_in(case, corpus / case.group / case.name)
                after = office.state()
                wrong[case.name] = door.judge(case, before, outcome, after)
                before = after
        return wrong, touches

    return run


def test_a_reader_that_skips_declarations_is_found(trial, monkeypatch):
    for module in (vector, xlsx_parts):
        monkeypatch.setattr(module, "refuse_doctype", lambda chunks: None)
    wrong, _ = trial("markup", "plain_dtd.kml", "laughs.kmz", "external_dtd_sheet1_xml.xlsx")
    assert all(wrong.values())
    assert any("attack accepted" in fault for fault in wrong["plain_dtd.kml"])


def test_an_importer_with_every_driver_is_found(trial, monkeypatch):
    def read_by_content(path, **_):
        import pyogrio

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = pyogrio.read_dataframe(path)
        raise AssertionError(f"opened: {len(frame)} rows")

    monkeypatch.setattr("geo_minzheng.layers.read.read_sheets", read_by_content)
    wrong, touches = trial("drivers", "vrt_file.geojson", "vrt_url.geojson", "vrt_bom.geojson")
    assert all(wrong.values())
    assert touches


def test_an_importer_that_stores_row_by_row_is_found(trial, monkeypatch):
    def import_eagerly(session, act, catalogue, policy, request):
        spec = imports.spec_of(catalogue, policy, request.layer)
        results = []
        for found in imports.read_layers(request.files, spec, request.options):
            imports.upsert.write_layer(session, spec, found.frame, act)
            told = {
                "rows": found.rows,
                "accepted": len(found.frame),
                "refused": found.refused,
                "ignored": found.ignored,
            }
            results.append((found, told | {"unchanged": 0, "stored": 0}))
        return results

    monkeypatch.setattr(imports, "import_files", import_eagerly)
    wrong, _ = trial("broken", *SPOILT)
    assert all(any("changed" in fault for fault in faults) for faults in wrong.values())


SPOILT = ("shifted.csv",)


def test_a_report_that_keeps_photos_one_by_one_is_found(trial, monkeypatch):
    def read_lazily(contents):
        return (read_photo(content) for content in contents)

    # Each is read when the one before is kept, and the files do not belong to the transaction.
    monkeypatch.setattr(reports.photos, "read_all", read_lazily)
    monkeypatch.setattr(reports.photos.files, "keep_file", lambda _, content, target: write_whole(content, target))
    wrong, _ = trial("photos", "svg.jpg")
    assert any("changed" in fault for fault in wrong["svg.jpg"])


def test_a_reader_that_cannot_be_stopped_is_found(trial, monkeypatch):
    monkeypatch.setattr(door, "SLOWEST_S", 0.0)
    wrong, _ = trial("sheets", "headless.csv")
    assert any("took" in fault for fault in wrong["headless.csv"])


def test_an_importer_that_loses_rows_is_found(trial, monkeypatch):
    whole = imports.report

    def forget_a_row(found, counts, text):
        return whole(found, dict(counts) | {"rows": counts["rows"] + 1}, text)

    monkeypatch.setattr(imports, "report", forget_a_row)
    wrong, _ = trial("sheets", "headless.csv")
    assert any("add up" in fault for fault in wrong["headless.csv"])
