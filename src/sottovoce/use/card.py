"""The model card: what a model was made of, how well it did and on whom, where it fails, what it must not be used for.

It is the README.md of the model's folder, in the form that the Hugging Face hub reads: facts for machines in YAML
first, then Markdown. Everything in it comes from the run: nothing is written by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import jinja2
import pyarrow as pa
import yaml

from sottovoce.judging import abstention, failures
from sottovoce.judging.calibration import calibration_error
from sottovoce.judging.choosing import Choice, as_chosen
from sottovoce.judging.results import headline
from sottovoce.judging.trust import Trust
from sottovoce.recipe import Recipe
from sottovoce.upstreams.card import contaminated
from sottovoce.use import licences
from sottovoce.use.config import AnyConfig, Config
from sottovoce.use.hub import is_hub_id

_RATES = (0.1, 0.2, 0.3)
TAGS = ["speech-emotion-recognition", "emotion-recognition", "audio"]
_METRICS = {
    "ua": ("recall", "UA (mean of class recalls)"),
    "wa": ("accuracy", "WA (accuracy)"),
    "macro_f1": ("f1", "macro F1"),
}


def model_card(
    config: Config,
    recipe: Recipe,
    choice: Choice,
    trust: Trust,
    predictions: pa.Table,
    results: Mapping[str, Any],
    details: Mapping[str, Any],
    corpora: Sequence[str],
    *,
    speaker_dependent: bool,
) -> str:
    """The text of the README.md of a run's model.

    Args:
        config: of the model; `recipe` is the run's.
        recipe: see above.
        choice: how the condition was chosen; `trust`: what its predictions say of how far to rely on it.
        trust: see above.
        predictions: of all conditions.
        results: what `results.json` holds; `details`: what `details.json` does.
        details: see above.
        corpora: which the target's recordings belong to. Speakers of others than published ones are given by number.
        speaker_dependent: whether the folds share speakers between training and test.
    """
    scores = scored(choice, results)
    of_run = OfRun(config, recipe, choice, results, details, corpora, speaker_dependent)
    facts = of_run.front_matter([kind for kind, _ in _METRICS.values()])
    if not (details["synthetic"] or speaker_dependent or of_run.flattered):
        facts |= _model_index(config.name, results["target"], scores)
    return render(
        "card_of_run.md.j2",
        facts,
        **of_run.contents(),
        scores=[(_METRICS[m][1], points(scores[m]), ends(scores[f"{m}_ci95"])) for m in _METRICS],
        failures=failures.of(as_chosen(predictions, choice), named=of_run.named),
        trust=trust,
        calibration=[f"{100 * calibration_error(bins):.1f}" for bins in (trust.before, trust.after)],
        rates=None if trust.steps[0].error_bound is None else [_answered(trust, rate) for rate in _RATES],
    )


@dataclass(frozen=True)
class OfRun:
    """What the card of every run's model says, whatever the model says: see `model_card` for the fields."""

    config: AnyConfig
    recipe: Recipe
    choice: Choice
    results: Mapping[str, Any]
    details: Mapping[str, Any]
    corpora: Sequence[str]
    speaker_dependent: bool

    @property
    def named(self) -> bool:
        """Whether names of speakers may be told: all corpora are published."""
        return bool(self.corpora) and all(map(licences.is_published, self.corpora))

    @property
    def flattered(self) -> bool:
        """Whether the score that is told is the one by which the condition was chosen."""
        return self.choice.scores is None and len(self.choice.candidates) > 1

    @property
    def in_model(self) -> list[licences.Row]:
        """The licences of what is in the model."""
        return _licences(self.details["licences"], self.config.trained_on.added)

    def front_matter(self, metrics: Sequence[str]) -> dict[str, Any]:
        """Facts for machines."""
        config, source = self.config, self.results["source"]
        base = config.upstream.known_as or config.upstream.weights or ""
        helped = [source] if {"translated", "untranslated"} & config.trained_on.added.keys() else []
        facts = {
            **licences.front_matter(self.in_model),
            "language": config.trained_on.languages,
            "library_name": "sottovoce",
            "pipeline_tag": "audio-classification",
            "tags": TAGS,
            "datasets": [name for name in dict.fromkeys([*self.corpora, *helped]) if licences.is_published(name)],
            "metrics": list(metrics),
            "base_model": base if is_hub_id(base) else None,
        }
        return {name: fact for name, fact in facts.items() if fact}

    def contents(self) -> dict[str, Any]:
        """What the parts of the templates show that all cards of runs have."""
        heard, by_fold = self.details["upstream"]["trained_on"], list(self.choice.by_fold.values())
        every = [(row["what"], row["licence"]) for row in self.details["licences"]]
        compared = self.results["comparisons"]
        return {
            "config": self.config,
            "results": self.results,
            "details": self.details,
            "flattered": self.flattered,
            "chosen_by": [(name, by_fold.count(name)) for name in dict.fromkeys(by_fold)],
            "headline": headline(self.results, speaker_dependent=self.speaker_dependent) if compared else "",
            "speaker_dependent": self.speaker_dependent,
            "named": self.named,
            "upstream_heard": heard,
            "undisclosed": any(word in each for each in heard for word in ("unknown", "not disclosed", "not verified")),
            "contaminated": contaminated(heard, self.corpora),
            "licences": self.in_model,
            "unused_licences": [row for row in every if row not in self.in_model and len(self.recipe.conditions) > 1],
            "strictest": licences.strictest(self.in_model),
            "licence_in_words": licences.in_words(self.in_model),
            "recipe": shareable(self.recipe.model_dump(mode="json"), named=self.named),
        }


def scored(choice: Choice, results: Mapping[str, Any]) -> Mapping[str, Any]:
    """The honest score of a chosen condition: that of choosing, or where nothing was chosen, of its last round."""
    of_condition = (c for c in results["conditions"] if c["name"] == choice.condition)
    return choice.scores or max(of_condition, key=lambda c: c["round"])


def render(template: str, facts: Mapping[str, Any], **contents: Any) -> str:
    """A card: facts for machines in front of what a template of this folder says."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("sottovoce", "use"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"points": points, "ends": ends, "cell": _cell}
    front = yaml.safe_dump(dict(facts), sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n" + environment.get_template(template).render(contents)


def shareable(settings: Any, *, named: bool) -> str:
    """Settings as YAML without what is this machine's or private: folders by their names, folds of speakers by sizes.

    Args:
        settings: plain values.
        named: whether names of speakers may be told.
    """
    return yaml.safe_dump(_without_places(settings, named), sort_keys=False, allow_unicode=True)


def points(fraction: float) -> str:
    """A share in percent."""
    return f"{100 * fraction:.1f}"


def ends(interval: Sequence[float] | None) -> str:
    """An interval in percent."""
    return "none: too few speakers" if interval is None else f"{points(interval[0])} to {points(interval[1])}"


def _model_index(name: str, target: str, scored: Mapping[str, Any]) -> dict[str, Any]:
    """Scores for machines: only such as say something about new speakers."""
    metrics = [
        {"type": kind, "name": title, "value": round(100 * scored[metric], 2)}
        for metric, (kind, title) in _METRICS.items()
    ]
    result = {
        "task": {"type": "audio-classification", "name": "speech emotion recognition"},
        "dataset": {"type": target, "name": f"{target}, speakers not heard in training"},
        "metrics": metrics,
    }
    return {"model-index": [{"name": name, "results": [result]}]}


def _licences(rows: Sequence[Mapping[str, str]], added: Iterable[str]) -> list[licences.Row]:
    """What the model is made of: the source only where speech of it was added, the translator where it translated."""
    parts = ["target", "upstream"]
    parts += ["source"] if {"translated", "untranslated"} & set(added) else []
    parts += ["translat"] if "translated" in added else []
    return [(r["what"], r["licence"]) for r in rows if r["what"].startswith(tuple(parts))]


def _answered(trust: Trust, rate: float) -> tuple[str, str]:
    step = abstention.chosen(trust.steps, rate)
    return f"{100 * rate:.0f} %", "cannot be promised" if step is None else f"{100 * step.coverage:.0f} %"


def _without_places(settings: Any, named: bool) -> Any:
    if isinstance(settings, Mapping):
        return {
            key: [len(fold) for fold in value]
            if key == "folds" and value and not named
            else _without_places(value, named)
            for key, value in settings.items()
        }
    if isinstance(settings, list):
        return [_without_places(each, named) for each in settings]
    if isinstance(settings, str) and (PurePath(settings).is_absolute() or settings.startswith("~")):
        return PurePath(settings).name
    return settings


def _cell(text: object) -> str:
    """Text for a cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")
