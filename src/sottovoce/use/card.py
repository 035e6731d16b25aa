"""The model card: what a model was made of, how well it did and on whom, where it fails, what it must not be used for.

It is the README.md of the model's folder, in the form that the Hugging Face hub reads: facts for machines in YAML
first, then Markdown. Everything in it comes from the run: nothing is written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from sottovoce.use.config import Config
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
    scored = choice.scores or max(
        (c for c in results["conditions"] if c["name"] == choice.condition), key=lambda c: c["round"]
    )
    tested = as_chosen(predictions, choice)
    heard = details["upstream"]["trained_on"]
    in_model = _licences(details["licences"], added=config.trained_on.added_utterances > 0)
    named = bool(corpora) and all(map(licences.is_published, corpora))
    facts = _front_matter(config, results, in_model, corpora)
    if not (details["synthetic"] or speaker_dependent or _is_flattered(choice)):
        facts |= _model_index(config.name, results["target"], scored)
    return render(
        "card_of_run.md.j2",
        facts,
        config=config,
        results=results,
        details=details,
        flattered=_is_flattered(choice),
        chosen_by=[
            (name, list(choice.by_fold.values()).count(name)) for name in dict.fromkeys(choice.by_fold.values())
        ],
        headline=headline(results, speaker_dependent=speaker_dependent) if results["comparisons"] else "",
        speaker_dependent=speaker_dependent,
        scores=[(_METRICS[m][1], points(scored[m]), ends(scored[f"{m}_ci95"])) for m in _METRICS],
        failures=failures.of(tested, named=named),
        named=named,
        upstream_heard=heard,
        undisclosed=any(word in each for each in heard for word in ("unknown", "not disclosed", "not verified")),
        contaminated=contaminated(heard, corpora),
        trust=trust,
        calibration=[f"{100 * calibration_error(bins):.1f}" for bins in (trust.before, trust.after)],
        rates=None if trust.steps[0].error_bound is None else [_answered(trust, rate) for rate in _RATES],
        licences=in_model,
        unused_licences=[
            row for row in _licences(details["licences"]) if row not in in_model and len(recipe.conditions) > 1
        ],
        strictest=licences.strictest(in_model),
        licence_in_words=licences.in_words(in_model),
        recipe=shareable(recipe.model_dump(mode="json"), named=named),
    )


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


def _front_matter(
    config: Config, results: Mapping[str, Any], in_model: Sequence[licences.Row], corpora: Sequence[str]
) -> dict[str, Any]:
    base = config.upstream.known_as or config.upstream.weights or ""
    helped = [results["source"]] if config.trained_on.added_utterances else []
    facts = {
        **licences.front_matter(in_model),
        "language": config.trained_on.languages,
        "library_name": "sottovoce",
        "pipeline_tag": "audio-classification",
        "tags": TAGS,
        "datasets": [name for name in dict.fromkeys([*corpora, *helped]) if licences.is_published(name)],
        "metrics": [kind for kind, _ in _METRICS.values()],
        "base_model": base if is_hub_id(base) else None,
    }
    return {name: fact for name, fact in facts.items() if fact}


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


def _is_flattered(choice: Choice) -> bool:
    """Whether the score that is told is the one by which the condition was chosen."""
    return choice.scores is None and len(choice.candidates) > 1


def _licences(rows: Sequence[Mapping[str, str]], *, added: bool = True) -> list[licences.Row]:
    """What the model is made of: without added utterances neither source nor translator are in it."""
    return [(r["what"], r["licence"]) for r in rows if added or r["what"].startswith(("target", "upstream"))]


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
