"""Labels of many corpora as distributions over one set of classes, by a table that people can read and change.

arXiv 2311.08607 harmonises 16 corpora into eight classes with soft labels (contempt counts half to disgust) and
"neutral smoothing". It prints neither its table nor how it smooths: `harmonisation.yaml` and the formula of
`harmonise` are ours.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from sottovoce.errors import ManifestError, RecipeError
from sottovoce.speech import emotions
from sottovoce.speech.manifest import Manifest, Utterance

SHIPPED = Path(__file__).with_name("harmonisation.yaml")

NEUTRAL_SMOOTHING = 0.2
"""Share of its label that the weakest recording of an emotion gives to neutral. Ours: the paper prints none."""

INTENSITY = "emotion_intensity"
"""The measure that says how strongly the emotion is expressed: 0 the weakest of its corpus, 1 the strongest."""

_TOLERANCE = 1e-6

Weights = Mapping[str, float]


@dataclass(frozen=True)
class Harmonisation:
    """A table: what labels weigh in `classes`.

    `labels` holds for every corpus, `corpora` where one of them means something else; both have the names of
    `speech.emotions`. `sets` are label sets as published, by name.
    """

    classes: tuple[str, ...]
    labels: Mapping[str, Weights]
    corpora: Mapping[str, Mapping[str, Weights]]
    sets: Mapping[str, tuple[str, ...]]

    def weights(self, label: str, corpus: str = "") -> Weights | None:
        """What a label of a corpus weighs in each class, those without weight left out; None where it is unknown."""
        name = emotions.canonical(label) or label
        return self.corpora.get(corpus.lower(), {}).get(name, self.labels.get(name))

    def distribution(self, shares: Mapping[str, float], corpus: str = "") -> NDArray[np.float64]:
        """Votes or intensities of several labels as one distribution over `classes`, `[class]`.

        Args:
            shares: label -> how many listeners chose it, on any scale that is not negative.
            corpus: whose labels they are.

        Raises:
            ValueError: a label is unknown, or nothing has a positive share.
        """
        mixed = np.zeros(len(self.classes))
        for label, share in shares.items():
            weights = self.weights(label, corpus)
            if weights is None:
                raise ValueError(f"'{label}' is not in the table")
            mixed += share * np.array([weights.get(name, 0.0) for name in self.classes])
        if not mixed.sum() > 0:
            raise ValueError("nothing has a positive share")
        return mixed / mixed.sum()


def load_table(path: Path | None = None) -> Harmonisation:
    """The shipped table, changed by the rows of the file `path`; a file with `classes` of its own stands alone.

    Raises:
        RecipeError: the file cannot be read, or with every row that is no distribution or has an unknown name.
    """
    shipped = _parse(SHIPPED, ())
    if path is None:
        return shipped
    own = _parse(path, shipped.classes)
    sets = {**shipped.sets, **own.sets}
    if own.classes != shipped.classes:
        return replace(own, sets=sets)
    corpora = {name: {**shipped.corpora.get(name, {}), **rows} for name, rows in own.corpora.items()}
    return Harmonisation(own.classes, {**shipped.labels, **own.labels}, {**shipped.corpora, **corpora}, sets)


def harmonise(
    manifest: Manifest, table: Harmonisation, *, neutral_smoothing: float = NEUTRAL_SMOOTHING
) -> NDArray[np.float64]:
    """Soft labels of all utterances, `[utterance, class]`; every row sums to 1.

    With votes `n_k` of `N` listeners and the table's row `t_k` of each label, `y = sum_k n_k t_k / N`; without votes,
    `y` is the row of the label. A recording of intensity `i` in [0, 1] shares with neutral: `(1 - c (1 - i)) y +
    c (1 - i) neutral`, with `c` the coefficient `neutral_smoothing`. Where no intensity is known, nothing is shared.

    Args:
        manifest: utterances; the measure `emotion_intensity` is their intensity.
        table: what labels weigh.
        neutral_smoothing: the coefficient, in [0, 1].

    Raises:
        ManifestError: labels that are not in the table and intensities out of range, all of them.
        RecipeError: the coefficient is out of range, or the table has no class `neutral` to share with.
    """
    if not 0 <= neutral_smoothing <= 1:
        raise RecipeError(f"neutral smoothing must lie in [0, 1], not {neutral_smoothing}")
    if problems := [*_unknown(manifest, table), *_out_of_range(manifest)]:
        raise ManifestError(f"{len(problems)} label(s) or intensities cannot be harmonised:", problems)
    labels = np.array([table.distribution(_shares(u), u.corpus) for u in manifest]).reshape(-1, len(table.classes))
    given = np.array([neutral_smoothing * (1 - u.measures.get(INTENSITY, 1.0)) for u in manifest])
    if not given.any():
        return labels
    if "neutral" not in table.classes:
        raise RecipeError("the table has no class 'neutral' to share with; set neutral smoothing to 0")
    labels *= 1 - given[:, None]
    labels[:, table.classes.index("neutral")] += given
    return labels


def _shares(utterance: Utterance) -> Mapping[str, float]:
    return utterance.votes or {utterance.emotion: 1.0}


def _unknown(manifest: Manifest, table: Harmonisation) -> list[str]:
    named = Counter((label, u.corpus) for u in manifest for label in _shares(u))
    unknown = {named_by: n for named_by, n in sorted(named.items()) if table.weights(*named_by) is None}
    return [
        f"'{label}'{f' of {corpus}' * bool(corpus)} ({n} utterances) is not in the table"
        for (label, corpus), n in unknown.items()
    ]


def _out_of_range(manifest: Manifest) -> list[str]:
    found = ((u.id, u.measures.get(INTENSITY, 1.0)) for u in manifest)
    return [
        f"{name}: {INTENSITY} {intensity:g} is not in [0, 1]" for name, intensity in found if not 0 <= intensity <= 1
    ]


def _parse(path: Path, classes: tuple[str, ...]) -> Harmonisation:
    """A file's own rows; `classes` are those it inherits where it names none."""
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise RecipeError(f"{path} cannot be read as a table of labels: {problem}") from problem
    problems: list[str] = []
    parts = _parts(tree, problems)
    own = tuple(map(str, parts["classes"])) or classes
    problems += [f"class '{name}' is no emotion of ours" for name in own if emotions.canonical(name) != name]
    problems += [f"class '{name}' stands there twice" for name, n in Counter(own).items() if n > 1]
    labels = dict(_rows(parts["labels"], "labels", own, problems))
    corpora = {
        str(corpus).lower(): dict(_rows(rows, f"corpora, {corpus}", own, problems))
        for corpus, rows in parts["corpora"].items()
    }
    sets = {str(name): tuple(map(str, members)) for name, members in parts["sets"].items()}
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise RecipeError(f"{path}: {len(problems)} problem(s) in the table of labels:\n{listed}")
    return Harmonisation(own, labels, corpora, sets)


def _parts(tree: Any, problems: list[str]) -> dict[str, Any]:
    """The four parts of a file, those absent or of the wrong kind empty."""
    parts: dict[str, Any] = {"classes": [], "labels": {}, "corpora": {}, "sets": {}}
    if not isinstance(tree, Mapping):
        problems.append(f"it must hold some of: {', '.join(parts)}")
        return parts
    problems += [f"'{key}' is none of {', '.join(parts)}" for key in tree if key not in parts]
    for name, empty in parts.items():
        content = tree.get(name) or empty
        if isinstance(content, type(empty)):
            parts[name] = content
        else:
            problems.append(f"'{name}' must be a {'list' if isinstance(empty, list) else 'mapping'}")
    return parts


def _rows(rows: Any, where: str, classes: tuple[str, ...], problems: list[str]) -> Iterator[tuple[str, Weights]]:
    if not isinstance(rows, Mapping):
        problems.append(f"{where}: must be rows such as 'contempt: {{disgusted: 0.5, other: 0.5}}'")
        return
    seen: set[str] = set()
    for label, weights in rows.items():
        name = emotions.canonical(str(label))
        if name is None:
            problems.append(f"{where}: '{label}' is no emotion that a manifest may name")
        elif name in seen:
            problems.append(f"{where}: '{label}' is '{name}', which has a row already")
        elif problem := _fault(weights, classes):
            problems.append(f"{where}: '{label}' {problem}")
        else:
            seen.add(name)
            yield name, {kind: float(weight) for kind, weight in weights.items()}


def _fault(weights: Any, classes: tuple[str, ...]) -> str:
    """What is wrong with one row, or nothing."""
    if not isinstance(weights, Mapping):
        return "needs weights such as {disgusted: 0.5, other: 0.5}"
    if unknown := [str(kind) for kind in weights if kind not in classes]:
        return f"has weight in {', '.join(unknown)}; the classes are {', '.join(classes)}"
    if not all(isinstance(w, int | float) and not isinstance(w, bool) and w >= 0 for w in weights.values()):
        return "has a weight that is not a number from 0 to 1"
    total = math.fsum(weights.values())
    return "" if abs(total - 1) <= _TOLERANCE else f"has weights that sum to {total:g}, not 1"
