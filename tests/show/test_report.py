import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sottovoce.errors import StoreError
from sottovoce.judging import results as judged
from sottovoce.show import rounds
from sottovoce.show.report import LONGEST_LIST, write_report
from tests.show.conftest import edit_json, fabricate


class Page(HTMLParser):
    """What the tests ask of a page."""

    def __init__(self, report: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(report.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_page_is_well_formed_and_needs_nothing_from_outside(reported):
    page = Page(reported / "report.html")
    assert page.open == []
    assert not {"script", "link", "img", "image", "iframe", "object"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    ids = Counter(attributes["id"] for _, attributes in page.tags if "id" in attributes)
    assert [name for name, n in ids.items() if n > 1] == []


def test_every_figure_says_in_words_what_it_shows(reported):
    drawn = [attributes for tag, attributes in Page(reported / "report.html").tags if tag == "svg"]
    # paired, rounds; two selections with two each; three confusion matrices; recalls, two more matrices, prosody
    assert len(drawn) == 2 + 2 * 2 + 3 + 1 + 2 + 1
    assert all(len(attributes["aria-label"] or "") > 30 and attributes["role"] == "img" for attributes in drawn)


def test_page_opens_with_the_headline_and_shows_every_part(reported):
    text = Page(reported / "report.html").text
    results = json.loads((reported / "results.json").read_text())
    headline = judged.headline(results)
    order = [
        headline,
        "target-only",
        "Did it help, speaker by speaker?",
        "Performance per round",
        "What the selection kept: bootstrapped",
        "What the selection kept: untranslated-selected",
        "What is taken for what",
        "Scores of each speaker",
        "What was translated and what was kept",
        "Is the emotion still heard in the translation?",
        "Does the translation keep the prosody?",
        "Listen: source and translation by offline",
        "Check of the target recordings",
        "Refused utterances",
        "its text has no translation",
        "CC0-1.0",
        "A note of the run.",
        "hidden: 128",
    ]
    positions = [text.index(part) for part in order[:2]] + [text.rindex(part) for part in order[2:]]
    assert positions == sorted(positions)
    assert all(warning in text for warning in results["warnings"])


def test_scores_on_the_page_are_those_of_the_results(reported):
    text = Page(reported / "report.html").text
    for condition in json.loads((reported / "results.json").read_text())["conditions"]:
        low, high = condition["macro_f1_ci95"]
        assert f"{100 * condition['macro_f1']:.1f} ({100 * low:.1f} to {100 * high:.1f})" in text


def test_names_from_files_cannot_become_markup(reported):
    report = (reported / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in report
    assert "<script" not in report


def test_speaker_names_cannot_become_markup_in_figures(tmp_path):
    run = fabricate(tmp_path / "run", speakers=["<script>x</script>", 'a"b&c', "$x_1$", "张伟"], seeds=[0], n_rounds=1)
    report = write_report(run)
    assert "<script" not in report.read_text(encoding="utf-8")
    assert Page(report).open == []
    assert all(Page(report).text.count(name) >= 3 for name in ("<script>x</script>", 'a"b&c', "$x_1$", "张伟"))


def test_same_files_give_the_same_bytes(run, reported):
    assert write_report(run).read_bytes() == (reported / "report.html").read_bytes()
    assert list(run.glob(".*")) == []


def test_ordinary_run_raises_no_alarm(reported):
    text = Page(reported / "report.html").text
    assert "proves nothing about accuracy" not in text
    assert "Speaker-dependent" not in text


def test_demo_says_that_it_proves_nothing(run):
    edit_json(run / "details.json", synthetic=True)
    assert "it proves nothing about accuracy" in Page(write_report(run)).text


def test_shared_speakers_are_said_wherever_they_matter(run):
    proof = json.loads((run / "folds.json").read_text())["proof"]
    proof["folds"][0]["shared_speakers"] = ["a", "b"]
    edit_json(run / "folds.json", proof=proof | {"speaker_disjoint": False})
    text = Page(write_report(run)).text
    assert "Speaker-dependent protocol." in text
    assert "not evidence about new speakers" in text and "no evidence about new ones" in text
    assert "never heard" not in text.replace("than for voices never heard before", "")
    assert "no speaker is on both sides" not in text


def test_missing_files_leave_their_sections_out(run, reported):
    sections = {
        "selection.parquet": "What the selection kept",
        "details.json": "Is the emotion still heard in the translation?",
        "folds.json": "sentences on both sides",
        "recipe.yaml": "Recipe",
        "manifests/source.parquet": "Does the translation keep the prosody?",
    }
    for absent, section in sections.items():
        assert section in Page(reported / "report.html").text
        (run / absent).unlink()
    page = Page(write_report(run))
    assert page.open == []
    assert not any(section in page.text for section in sections.values())
    assert "Scores of each speaker" in page.text


def test_run_of_an_earlier_version_shows_what_its_manifests_say(run):
    details = json.loads((run / "details.json").read_text())
    del details["survival"]
    details["prosody"] = [{"emotion": "sad", "n": 3, "duration_ratio": 1.2}]
    (run / "details.json").write_text(json.dumps(details))
    text = Page(write_report(run)).text
    assert "Does the translation keep the prosody?" in text
    assert "Is the emotion still heard" not in text


def test_run_without_translations_says_nothing_of_them(run):
    (run / "manifests" / "translated.parquet").unlink()
    text = Page(write_report(run)).text
    assert not any(said in text for said in ("keep the prosody", "still heard", "Listen"))


def test_warnings_are_said_once(run):
    results = json.loads((run / "results.json").read_text())
    edit_json(run / "results.json", warnings=["The filter drops the happy ones.", *results["warnings"]])
    text = Page(write_report(run)).text
    assert text.count("The filter drops the happy ones.") == 1
    assert all(warning in text for warning in results["warnings"])


def test_selected_utterances_without_a_manifest_are_still_counted(run):
    for manifest in (run / "manifests").iterdir():
        manifest.unlink()
    assert "label unknown" in Page(write_report(run)).text


@pytest.mark.parametrize(
    "shape",
    [
        {"classes": ("happy", "sad"), "speakers": ("01", "02"), "seeds": (5,), "n_rounds": 1},
        {"speakers": tuple(f"s{i:02d}" for i in range(30)), "seeds": (0,), "n_rounds": 1},
        {"speakers": ("alone",), "seeds": (0, 1)},
        {"n_rounds": 0},
        {"classes": ("angry", "bored", "calm", "disgusted", "fearful", "happy", "neutral", "sad"), "n_rounds": 4},
    ],
    ids=["small", "many speakers", "one speaker", "no rounds", "many classes and rounds"],
)
def test_other_shapes_of_runs_fit(tmp_path, shape):
    run = fabricate(tmp_path / "run", **shape)
    page = Page(write_report(run))
    assert page.open == []
    assert ("Performance per round" in page.text) == (shape.get("n_rounds", 2) > 0)
    for speaker in shape.get("speakers", ()):
        assert speaker in page.text


def test_selection_by_argmax_alone_has_no_divergences(run):
    table = pq.read_table(run / "selection.parquet")
    empty = pa.array([None] * table.num_rows, pa.float64())
    pq.write_table(table.set_column(table.column_names.index("kl"), "kl", empty), run / "selection.parquet")
    text = Page(write_report(run)).text
    assert "What the selection kept: bootstrapped" in text
    assert "divergence" not in text


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"criterion": "kl", "keep": 0.3}, "Criterion “kl” cuts at the quantile 0.3 of each fold and seed"),
        ({"criterion": "argmax", "keep": 0.5}, "Criterion “argmax” did not look at it"),
    ],
)
def test_the_divergences_are_captioned_by_the_rule_of_the_run(run, rule, said):
    edit_json(run / "details.json", **rule)
    assert said in " ".join(Page(write_report(run)).text.split())


def test_an_oracle_is_spoken_of_where_one_is_drawn(run, reported, monkeypatch):
    assert "The oracle takes" in Page(reported / "report.html").text
    monkeypatch.setattr(rounds, "oracle", lambda *_: None)
    assert "The oracle takes" not in Page(write_report(run)).text


def test_long_lists_of_refusals_are_cut_with_their_count(run):
    refused = [{"stage": "translation", "id": f"source/{i:04d}", "reason": "no text"} for i in range(LONGEST_LIST + 41)]
    edit_json(run / "details.json", refused=refused, checks={})
    text = Page(write_report(run)).text
    assert f"source/{LONGEST_LIST - 1:04d}" in text
    assert f"source/{LONGEST_LIST:04d}" not in text
    assert "… and 41 more." in text


def test_unfinished_run_is_refused_with_advice(tmp_path):
    with pytest.raises(StoreError, match="finish the run first with 'sottovoce run'"):
        write_report(tmp_path)


@pytest.mark.parametrize("broken", ["results.json", "details.json", "selection.parquet", "predictions.parquet"])
def test_broken_file_is_named(run, broken):
    (run / broken).write_bytes(b"{ not what it says")
    with pytest.raises(StoreError, match=broken):
        write_report(run)
    assert not (run / "report.html").exists()
