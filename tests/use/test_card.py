"""The model card: facts for machines that the hub's own reader takes, and no word that the run does not bear out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from sottovoce.judging import failures
from sottovoce.judging.choosing import as_chosen, choose, last_round
from sottovoce.judging.results import judge
from sottovoce.judging.trust import trust_of
from sottovoce.recipe import Recipe, load_generalist
from sottovoce.use.card import model_card
from sottovoce.use.generalist_card import generalist_card
from tests import tiny_generalist
from tests.judging.fabricated import CLASSES, predicted
from tests.use.models import config

LICENCES = [
    {"what": "target recordings: emodb", "licence": "exact terms not verified"},
    {"what": "source recordings: ravdess", "licence": "CC BY-NC-SA 4.0"},
    {"what": "upstream: whisper", "licence": "Apache-2.0"},
    {"what": "translator: offline", "licence": "Apache-2.0"},
    {"what": "translated speech", "licence": "as the source recordings"},
]
SECRET = "/home/ada/private"


class Run:
    """What a run knows when it writes its model; `changes` replace parts of it."""

    def __init__(self, *, conditions: tuple[str, ...] = ("target-only", "bootstrapped"), **changes: Any) -> None:
        import pyarrow as pa

        self.recipe = Recipe.model_validate(
            {
                "name": "tiny",
                "target": {"corpus": "emodb", "folder": f"{SECRET}/emodb"},
                "source": {"manifest": f"{SECRET}/source.csv", "language": "en"},
                "upstream": {"name": "whisper", "weights": f"{SECRET}/whisper", "known_as": "openai/whisper-base"},
                "protocol": {"kind": "given", "folds": [["s0", "s1"], ["s2"]]},
                "conditions": conditions,
            }
        )
        skill = {"target-only": 1.0, "bootstrapped": 2.0}
        self.predictions = pa.concat_tables(
            [predicted(c, skill[c], round=2 * (c == "bootstrapped"), each=40) for c in conditions]
        )
        self.choice = choose(self.predictions, list(conditions))
        added = {"added_utterances": 5, "added": {"translated": 5}} if self.choice.condition == "bootstrapped" else {}
        heard = config().trained_on.model_copy(update={**added, "languages": ["de", "en"]})
        upstream = {"name": "whisper", "weights": f"{SECRET}/whisper", "known_as": "openai/whisper-base"}
        self.config = config(
            emotions=list(CLASSES), condition=self.choice.condition, trained_on=heard, upstream=upstream
        )
        self.results = {
            "target": "emodb",
            "source": "source",
            "upstream": "whisper openai/whisper-base, layer last, context trimmed",
            "translator": "offline",
            "protocol": "given",
            "n_speakers": 6,
            "n_folds": 6,
            "seeds": [0, 1, 2],
            **judge(self.predictions),
            "environment": {"packages": {"sottovoce": "0.1.0", "torch": "2.13.0"}, "python": "3.11.7", "device": "cpu"},
        }
        self.details = {
            "synthetic": False,
            "language_target": "de",
            "language_source": "en",
            "licences": LICENCES,
            "upstream": {"trained_on": ("LibriSpeech",)},
            **changes,
        }

    def card(self, *, corpora: tuple[str, ...] = ("emodb",), speaker_dependent: bool = False) -> str:
        trust = trust_of(last_round(self.predictions, self.choice.condition), new_speakers=not speaker_dependent)
        return model_card(
            self.config,
            self.recipe,
            self.choice,
            trust,
            self.predictions,
            self.results,
            self.details,
            corpora,
            speaker_dependent=speaker_dependent,
        )


@pytest.fixture(scope="module")
def run() -> Run:
    return Run()


def read(text: str, folder: Path) -> ModelCard:
    (folder / "README.md").write_text(text, encoding="utf-8")
    return ModelCard.load(folder / "README.md")


def test_the_hub_reads_the_facts(run, tmp_path):
    facts = read(run.card(), tmp_path).data
    assert (facts.license, facts.get("license_name")) == ("other", "non-commercial")
    assert facts.language == ["de", "en"] and facts.datasets == ["emodb"] and facts.base_model == "openai/whisper-base"
    assert (facts.library_name, facts.pipeline_tag) == ("sottovoce", "audio-classification")
    assert facts.eval_results is not None and facts.model_name == "tiny"
    told = {result.metric_type: result.metric_value for result in facts.eval_results}
    scores = run.choice.scores
    expected = {"recall": scores["ua"], "accuracy": scores["wa"], "f1": scores["macro_f1"]}
    assert told == pytest.approx({name: 100 * score for name, score in expected.items()}, abs=0.005)
    assert {result.dataset_type for result in facts.eval_results} == {"emodb"}


def test_the_scores_are_of_choosing(run):
    text, scores = run.card(), run.choice.scores
    low, high = scores["macro_f1_ci95"]
    assert f"| macro F1 | {100 * scores['macro_f1']:.1f} | {100 * low:.1f} to {100 * high:.1f} |" in text
    assert "choosing it anew for each fold" in text and "flatters" not in text
    found = failures.of(as_chosen(run.predictions, run.choice))
    for each in found.classes:
        assert f"| {each.name} | {100 * each.recall:.1f} |" in text
    worst = found.speakers[0]
    assert f"Worst served: speaker {worst.name} ({100 * worst.ua:.1f} %, {worst.n} utterances)" in text
    assert f"from {100 * worst.ua:.1f} to {100 * found.speakers[-1].ua:.1f} %" in text


def test_what_belongs_to_the_machine_stays_there(run):
    text = run.card()
    assert SECRET not in text and "ada" not in text
    recipe = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    assert recipe["target"]["folder"] == "emodb" and recipe["source"]["manifest"] == "source.csv"
    assert recipe["upstream"]["weights"] == "whisper" and recipe["protocol"]["folds"] == [["s0", "s1"], ["s2"]]


@pytest.mark.parametrize("corpora", [(), ("mine",), ("emodb", "mine")])
def test_speakers_that_are_not_public_have_numbers(run, corpora):
    text = run.card(corpora=corpora)
    assert not [name for name in (f"s{number}" for number in range(6)) if f"speaker {name} " in text]
    assert " of 6 (" in text and "given by number" in text and "mine" not in text.partition("\n---\n")[0]
    recipe = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    assert recipe["protocol"]["folds"] == [2, 1]


def test_what_is_not_in_the_model_does_not_bind_it(tmp_path):
    alone = Run(conditions=("target-only",))
    text = alone.card()
    assert read(text, tmp_path).data.get("license_name") == "not-settled"
    assert "Added: nothing.\n" in text and "ravdess" not in text and "source" not in text.partition("## How it was")[0]
    assert "CC BY-NC-SA" in Run().card()


@pytest.mark.parametrize(
    ("added", "said", "bound"),
    [
        ({"translated": 3}, ["3 utterances of `source` (en), translated by `offline`."], {"source", "translator"}),
        ({"untranslated": 4}, ["4 utterances of `source` (en), as they are."], {"source"}),
        ({"noise": 6}, ["6 copies of the target's own (condition `noise`)."], set()),
    ],
)
def test_what_was_added_is_named_as_what_it_is(added, said, bound):
    run = Run(conditions=("target-only",))
    heard = run.config.trained_on.model_copy(update={"added_utterances": sum(added.values()), "added": added})
    run.config = run.config.model_copy(update={"trained_on": heard})
    text = run.card()
    assert [line for line in text.splitlines() if line.startswith("- Added")] == [f"- Added: {each}" for each in said]
    assert ("| source recordings: ravdess |" in text) == ("source" in bound)
    assert ("| translated speech |" in text) == ("translator" in bound)


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (("LibriSpeech",), "The target is not named there.\n"),
        (
            ("LibriSpeech", "emodb"),
            "**The target, which the scores are of, is among it (emodb): they are contaminated.**",
        ),
        (("680k h, not disclosed",), "what is not disclosed cannot be ruled out"),
        (("unknown",), "what is not disclosed cannot be ruled out"),
        ((), "The upstream is not trained on anything."),
    ],
)
def test_contamination(heard, said):
    assert said in Run(upstream={"trained_on": heard}).card()


def test_scores_that_say_nothing_of_new_speakers_are_no_facts(run, tmp_path):
    text = run.card(speaker_dependent=True)
    assert read(text, tmp_path).data.eval_results is None
    assert "say nothing about new speakers" in text and "cannot be bounded" in text
    rendered = Run(synthetic=True).card()
    assert read(rendered, tmp_path).data.eval_results is None and "proves nothing about accuracy" in rendered


def test_names_cannot_break_the_card(tmp_path):
    odd = Run()
    odd.config = config(emotions=list(CLASSES), name="a: [b\n---\n# c")
    odd.details["licences"] = [{"what": "target | a\nb", "licence": "c|d"}]
    text = odd.card()
    assert read(text, tmp_path).data.model_name == "a: [b\n---\n# c"
    assert r"| target \| a b | c\|d |" in text


def test_what_it_must_not_be_used_for(run):
    text = run.card()
    for word in ("2024/1689", "Article 5(1)(f)", "education", "hiring", "no medical device"):
        assert word in text


def test_a_generalist_has_a_card_and_no_score(tmp_path):
    recipe = load_generalist(tiny_generalist.write(tmp_path, ["it", "urdu"]))
    told = {
        "id2label": {"0": "angry", "1": "neutral", "2": "sad"},
        "prior": [0.2, 0.5, 0.3],
        "encoder_layers": 2,
        "d_model": 16,
        "domain_sizes": [2],
        "domain_weight": 0.01,
        "heard": {"corpora": ["it", "urdu"], "languages": ["it", "ur"], "speakers": 4, "utterances": 24},
    }
    text = generalist_card(told, recipe)
    facts = read(text, tmp_path).data
    assert facts.eval_results is None and facts.datasets == ["urdu"] and facts.language == ["it", "ur"]
    assert facts.get("license_name") == "non-commercial" and facts.base_model is None
    assert str(tmp_path) not in text and "| neutral | 50.0 |" in text and "it can have no score" in text
    assert "Article 5(1)(f)" in text and "against an adversary of weight 0.01" in text
