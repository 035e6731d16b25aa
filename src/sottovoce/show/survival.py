"""Does the emotion survive translation? A section of the report, and a page of its own: figures, plots and sounds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from markupsafe import Markup

from sottovoce.experiment.heard import SOURCE
from sottovoce.show import plots, survival_plots, tables
from sottovoce.show.page import template
from sottovoce.show.pairs import Pair, pairs
from sottovoce.show.survival_tables import (
    COMPARED,
    FIGURES,
    agreement_table,
    agreements,
    both_sides,
    compared_table,
    figures_table,
    number,
)
from sottovoce.speech import checks
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.speech.utterance import COLUMNS, MEASURES
from sottovoce.store.atomic import write_atomically

DRAWN = ("f0_level_st", "f0_range_st", "tempo_per_s", "loudness_range_db")
MOST_POINTS = 300
"""Utterances in a plot; of more, every n-th."""


def write_page(
    path: Path,
    title: str,
    source: Manifest,
    translations: Mapping[str, Manifest],
    emotion_check: Mapping[str, Any] | None,
    further: Sequence[checks.Table],
    warnings: Sequence[str],
    licence: Mapping[str, str],
) -> Path:
    """Write a self-contained page on translations of one source; the same files and figures give the same bytes.

    Args:
        path: the page.
        title: of the page.
        source: natural utterances.
        translations: by translator's name, with `translated_from` and measures.
        emotion_check: what `experiment.survival.check` returned.
        further: tables of what else is known, such as what a filter dropped.
        warnings: to be read first.
        licence: of the translated speech, by translator's name.

    Raises:
        StoreError: the page cannot be written.
    """
    content = contents(source, translations, emotion_check, further, warnings, licence)
    n_speakers, languages = len(source.speakers), ", ".join(source.languages)
    basics = [
        ("source", f"{len(source)} utterances of {n_speakers} speakers" + (f" ({languages})" if languages else ""))
    ]
    basics += [(name, f"{len(translated)} translations") for name, translated in translations.items()]
    page = template("survival_page.html.j2").render(title=title, basics=basics, survival=content)
    write_atomically(path, lambda partial: partial.write_text(page, encoding="utf-8"))
    return path


def contents(
    source: Manifest,
    translations: Mapping[str, Manifest],
    emotion_check: Mapping[str, Any] | None,
    further: Sequence[checks.Table],
    warnings: Sequence[str],
    licence: Mapping[str, str],
) -> dict[str, Any]:
    """What the templates show of `write_page`'s arguments."""
    asked = emotion_check if emotion_check and emotion_check["voices"] else None
    return {
        "reading": reading(asked) if asked else [],
        "heard": _heard(asked) if asked else None,
        "warnings": [*warnings, *(emotion_check["warnings"] if emotion_check else [])],
        "prosody": [_kept(f"kept{i}", name, made) for i, (name, made) in enumerate(translations.items()) if len(made)],
        "agreement": agreement_table(translations),
        "listen": {name: _listen(pairs(source, made)) for name, made in translations.items()},
        "tables": [(table.title, (table.columns, table.rows)) for table in further],
        "licence": licence,
    }


def written(table: pa.Table, folder: Path) -> Manifest:
    """A manifest as its file in `folder` holds it, whether or not its recordings are still there."""
    found = []
    for row in table.to_pylist():
        cells = {name: row[name] for name in COLUMNS if row.get(name) is not None}
        cells["path"] = os.path.join(folder, row.get("path", ""))
        measures = {n.removeprefix(MEASURES): m for n, m in row.items() if n.startswith(MEASURES) and m is not None}
        found.append(Utterance(**cells, measures=measures))
    return Manifest(tuple(found))


def reading(check: Mapping[str, Any]) -> list[str]:
    """What an emotion check says, in sentences that claim no more than its figures allow."""
    voices = {(v["name"], v["trained_on"]): v for v in check["voices"]}
    real, chance = voices[SOURCE, SOURCE], check["chance"]["ua"]
    said = [
        f"Heads trained on the real speech of other speakers reach UA {_score(real, 'ua')} on the recordings; "
        f"chance is {tables.points(chance)}."
    ]
    if not _above(real, chance):
        return [*said, "That is too little to say anything about translations."]
    for (name, known), voice in voices.items():
        if name == SOURCE or known != SOURCE:
            continue
        part = "" if voice["retention"] is None else f": {100 * voice['retention']:.0f} % of what was above chance"
        sentence = f"On the same utterances translated by {name} they reach {_score(voice, 'ua')}{part}."
        if own := voices.get((name, name)):
            sentence += f" Heads trained on the speech of {name} reach {_score(own, 'ua')}: "
            if not _above(own, chance):
                sentence += "no evidence of any emotion in it, even for those who know the voice."
            elif own["gain"]["ci95"] is not None and own["gain"]["ci95"][0] > 0:
                sentence += "there is more emotion in it than those who know real voices alone can hear."
            else:
                sentence += "no evidence that those who know the voice hear more."
        said.append(sentence)
    return said


def _above(voice: Mapping[str, Any], score: float) -> bool:
    return voice["ua_ci95"] is not None and voice["ua_ci95"][0] > score


def _score(voice: Mapping[str, Any], metric: str) -> str:
    return f"{tables.points(voice[metric])} {tables.interval(voice[f'{metric}_ci95'])}"


def _share(share: Mapping[str, Any]) -> str:
    return "–" if share["share"] is None else f"{tables.points(share['share'])} {tables.interval(share['ci95'])}"


def _heard(check: Mapping[str, Any]) -> dict[str, Any]:
    """Tables and figures of the emotion check."""
    emotions, voices = check["emotions"], check["voices"]
    known = [v for v in voices if v["trained_on"] == SOURCE]
    own = {v["name"]: v for v in voices if v["trained_on"] == v["name"]}
    rows = [
        [
            v["name"],
            _score(v, "ua"),
            "–" if v.get("retention") is None else f"{100 * v['retention']:.0f} %",
            _score(own[v["name"]], "ua") if v["name"] in own else "–",
            _share(v["still_heard"]["all"]) if "still_heard" in v else "–",
        ]
        for v in known
    ]
    columns = ["voice", "UA", "kept above chance", "UA, voice known", "label still heard"]
    names = [v["name"] + ("" if v["trained_on"] == SOURCE else ", voice known") for v in voices]
    recall = [[name, *(_share(v["recall"][e]) for e in emotions)] for name, v in zip(names, voices, strict=True)]
    recall += [
        [f"{v['name']}, of labels heard before", *(_share(v["still_heard"][e]) for e in emotions)]
        for v in known
        if "still_heard" in v
    ]
    same = [_share(v["agreement"]) if "agreement" in v else "–" for v in voices]
    kappa = [tables.cell(v["agreement"]["kappa"]) if "agreement" in v else "–" for v in voices]
    scores = [
        [name, *(_score(v, metric) for metric in tables.METRICS), *rest]
        for name, v, *rest in zip(names, voices, same, kappa, strict=True)
    ]
    return {
        "table": (columns, rows),
        "comparisons": tables.comparison_table(check, "ua"),
        "recall": (["voice", *emotions], recall),
        "scores": (["voice", *tables.METRICS.values(), "heard the same", "κ"], scores),
        "recall_plot": _recall_plot(check),
        "confusions": Markup("".join(_confusion(i, v, emotions) for i, v in enumerate(known))),
        "n_tested": sum(check["n_tested"].values()),
        "n_speakers": check["n_speakers"],
        "n_folds": check["n_folds"],
        "method": voices[0]["interval_method"],
        "chance": tables.points(check["chance"]["ua"]),
    }


def _recall_plot(check: Mapping[str, Any]) -> Markup:
    drawn = []
    for voice in check["voices"]:
        recall = [voice["recall"][emotion] for emotion in check["emotions"]]
        shares = [np.nan if r["share"] is None else r["share"] for r in recall]
        ends = [r["ci95"] or (share, share) for r, share in zip(recall, shares, strict=True)]
        known = voice["trained_on"] != SOURCE
        low, high = zip(*ends, strict=True)
        drawn.append(survival_plots.Recalls(voice["name"], known, shares, low, high))
    spoken = "; ".join(f"{v.voice}{' known' * v.known} {', '.join(map(tables.points, v.shares))}" for v in drawn)
    alt = f"Recall of {', '.join(check['emotions'])} in points: {spoken}."
    return Markup(survival_plots.recalls("recalls", alt, check["emotions"], drawn, check["chance"]["ua"]))


def _confusion(number: int, voice: Mapping[str, Any], emotions: Sequence[str]) -> str:
    right = ", ".join(f"{e} {100 * voice['confusion'][i][i]:.0f} %" for i, e in enumerate(emotions))
    alt = f"Confusion matrix of {voice['name']}; heard rightly: {right}."
    return plots.confusion(f"heard{number}", alt, voice["name"], emotions, voice["confusion"])


def _kept(name: str, translator: str, translated: Manifest) -> dict[str, Any]:
    """Tables and plot of one translator's prosody; `name` is the plot's."""
    emotion = np.array([u.emotion for u in translated])
    shown = np.arange(0, len(translated), -(-len(translated) // MOST_POINTS))
    figures = {FIGURES[figure]: both_sides(translated, figure) for figure in DRAWN}
    clouds = []
    for title, both in figures.items():
        there = shown[np.isfinite(both[shown]).all(axis=1)]
        points = {str(e): both[there[emotion[there] == e]] for e in np.unique(emotion[there])}
        if points:
            clouds.append(survival_plots.Cloud(title, points))
    drawn = Markup("")
    if clouds:
        spoken = ", ".join(f"{title} {number(r)}" for title, r in agreements(figures).items()) or "none"
        alt = f"Utterances in the source and as translated by {translator}. Correlations: {spoken}."
        drawn = Markup(survival_plots.clouds(name, alt, clouds))
    return {
        "translator": translator,
        "compared": compared_table(translated),
        "figures": figures_table(translated),
        "clouds": drawn,
        "n_drawn": len(shown),
        "n": len(translated),
    }


def _listen(chosen: Sequence[Pair]) -> list[dict[str, Any]]:
    return [
        {
            "why": pair.why,
            "speaker": pair.source.utterance.speaker,
            "emotion": pair.source.utterance.emotion,
            "sides": {"source": pair.source, "translation": pair.translated},
            "measures": [
                f"{title} {number(pair.translated.utterance.measures[measure])}"
                for measure, (title, _) in COMPARED.items()
                if measure in pair.translated.utterance.measures
            ],
        }
        for pair in chosen
    ]
