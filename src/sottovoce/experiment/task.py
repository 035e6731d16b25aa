"""What a run learns and asks: emotions or, where the recipe says so, measures in their place.

Everything that differs between the two up to the predictions is here; how these are scored is in `judging.scoring`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sottovoce.errors import ManifestError
from sottovoce.judging import predictions as prediction_table
from sottovoce.learning.bootstrapping import Selected, SelectedByError, select, select_by_error
from sottovoce.learning.outputs import CLASSES, MEASURES, Outputs
from sottovoce.recipe import Measure, Recipe
from sottovoce.recipe.stages import Selection
from sottovoce.speech.manifest import Manifest, Utterance

Side = Literal["target", "source"]
Criterion = Literal["kl", "argmax", "error"]


class Task(Protocol):
    """What a run learns: its `names` are the columns of labels, `outputs` what heads give."""

    outputs: Outputs

    @property
    def names(self) -> list[str]:
        """Of the emotions, or of the measures."""
        ...

    def usable(self, manifest: Manifest, side: Side) -> tuple[Manifest, tuple[str, ...]]:
        """The utterances of one side that have what is to be learned, and notes on the others.

        Raises:
            ManifestError: it cannot be learned from this side.
        """
        ...

    def inherited(self, made: Manifest, origins: Manifest) -> Manifest:
        """Utterances made from others, with the labels of those they were made from."""
        ...

    def labels(self, utterances: Sequence[Utterance], side: Side) -> NDArray[np.float32]:
        """What heads are trained on, `[utterance, name]`."""
        ...

    def criterion(self, source: Manifest) -> Criterion:
        """The recipe's criterion of selection, and what `auto` comes to with this source."""
        ...

    def select(
        self, said: NDArray[np.float64], labels: NDArray[np.float32], criterion: Criterion, among: NDArray[np.bool_]
    ) -> Selected | SelectedByError:
        """One model's selection from the whole of `D_syn`: see `learning.bootstrapping`."""
        ...

    def table(self, said: NDArray[np.float64], tested: Sequence[Utterance], **where: Any) -> pa.Table:
        """What one model said of its test utterances, as rows of `predictions.parquet`."""
        ...


def task_of(recipe: Recipe) -> Task:
    """The recipe's."""
    if recipe.measures:
        return OfMeasures(recipe.measures, recipe.selection)
    return OfEmotions(recipe.emotions, recipe.training.epsilon, recipe.selection)


@dataclass(frozen=True)
class OfEmotions(Task):
    """Classes with soft labels."""

    emotions: list[str]
    epsilon: float
    selection: Selection
    outputs: Outputs = CLASSES

    @property
    def names(self) -> list[str]:
        """The emotions."""
        return self.emotions

    def usable(self, manifest: Manifest, side: Side) -> tuple[Manifest, tuple[str, ...]]:
        """See `Task`."""
        found = manifest.with_emotions(self.emotions)
        if absent := [e for e in self.emotions if not len(found.with_emotions([e]))]:
            raise ManifestError(
                f"the {side} has no utterance labelled {', '.join(absent)}; change `emotions` in the recipe or the "
                "labels"
            )
        return found, ()

    def inherited(self, made: Manifest, origins: Manifest) -> Manifest:
        """As they are: whoever made them kept emotion and votes."""
        return made

    def labels(self, utterances: Sequence[Utterance], side: Side) -> NDArray[np.float32]:
        """Soft labels."""
        return np.array([u.soft_label(self.emotions, self.epsilon) for u in utterances], np.float32)

    def criterion(self, source: Manifest) -> Criterion:
        """`auto` is `kl` where the source has votes (the paper's default) and else `argmax`."""
        if self.selection.criterion == "auto":
            return "kl" if source.has_votes else "argmax"
        return self.selection.criterion

    def select(
        self, said: NDArray[np.float64], labels: NDArray[np.float32], criterion: Criterion, among: NDArray[np.bool_]
    ) -> Selected:
        """By eq. 2 or eq. 3."""
        assert criterion != "error"  # the recipe has checked it
        rule = self.selection
        return select(said, labels, criterion, among, keep=rule.keep, divergence=rule.divergence)

    def table(self, said: NDArray[np.float64], tested: Sequence[Utterance], **where: Any) -> pa.Table:
        """Probabilities beside the label."""
        who, labels = _who(tested), [u.emotion for u in tested]
        return prediction_table.table(self.emotions, said, labels=labels, **who, **where)


@dataclass(frozen=True)
class OfMeasures(Task):
    """Figures on scales, each mapped onto 0 to 1 by the ends that the recipe states for its side."""

    measures: Mapping[str, Measure]
    selection: Selection
    outputs: Outputs = MEASURES

    @property
    def names(self) -> list[str]:
        """The measures."""
        return list(self.measures)

    def usable(self, manifest: Manifest, side: Side) -> tuple[Manifest, tuple[str, ...]]:
        """Those that have every measure; all of them must lie on their scales."""
        found = manifest.filter(lambda u: set(self.names) <= set(u.measures))
        wanted = ", ".join(self.names)
        if not len(found):
            known = ", ".join(sorted({name for u in manifest for name in u.measures})) or "none"
            raise ManifestError(
                f"no utterance of the {side} has the measures {wanted} (columns measure_NAME); there are: {known}"
            )
        values = self.values(found)
        lowest, highest = self.ends(side).T
        if (outside := (values < lowest) | (values > highest)).any():
            raise ManifestError(
                f"{outside.any(axis=1).sum()} utterances of the {side} have figures outside the scales that `measures` "
                "states for it; mend the scales or the manifest:",
                [
                    f"{name}: {values[off, i].min():g} to {values[off, i].max():g} in {off.sum()} utterances, "
                    f"outside {lowest[i]:g} to {highest[i]:g}"
                    for i, (name, off) in enumerate(zip(self.names, outside.T, strict=True))
                    if off.any()
                ],
            )
        if same := [name for name, column in zip(self.names, values.T, strict=True) if np.ptp(column) == 0]:
            raise ManifestError(
                f"every utterance of the {side} has the same {', '.join(same)}: there is nothing to learn; leave it "
                "out of `measures`"
            )
        lacking = len(manifest) - len(found)
        note = f"{lacking} of {len(manifest)} utterances of the {side} lack {wanted}, and were left out"
        return found, ((note,) if lacking else ())

    def inherited(self, made: Manifest, origins: Manifest) -> Manifest:
        """With the measures of what they were made from."""
        of = {u.id: {name: u.measures[name] for name in self.names} for u in origins}
        return Manifest(
            tuple(replace(u, measures={**u.measures, **of[u.translated_from]}) for u in made if u.translated_from in of)
        )

    def ends(self, side: Side) -> NDArray[np.float64]:
        """The lowest and the highest figure of each scale, `[measure, 2]`."""
        return np.array([getattr(measure, side) for measure in self.measures.values()])

    def values(self, utterances: Iterable[Utterance]) -> NDArray[np.float64]:
        """The figures in their own units, `[utterance, measure]`."""
        values = [[u.measures[name] for name in self.names] for u in utterances]
        return np.array(values, np.float64).reshape(-1, len(self.names))

    def labels(self, utterances: Sequence[Utterance], side: Side) -> NDArray[np.float32]:
        """From 0 to 1."""
        lowest, highest = self.ends(side).T
        return ((self.values(utterances) - lowest) / (highest - lowest)).astype(np.float32)

    def criterion(self, source: Manifest) -> Criterion:
        """There is one."""
        return "error"

    def select(
        self, said: NDArray[np.float64], labels: NDArray[np.float32], criterion: Criterion, among: NDArray[np.bool_]
    ) -> SelectedByError:
        """By the squared error."""
        return select_by_error(said, labels, among, keep=self.selection.keep)

    def table(self, said: NDArray[np.float64], tested: Sequence[Utterance], **where: Any) -> pa.Table:
        """What is true and what was said, in the target's units."""
        lowest, highest = self.ends("target").T
        in_units = lowest + said * (highest - lowest)
        true = self.values(tested)
        return prediction_table.table_of_measures(self.names, true, in_units, **_who(tested), **where)


def _who(tested: Sequence[Utterance]) -> dict[str, list[str]]:
    return {"utterances": [u.id for u in tested], "speakers": [u.speaker for u in tested]}
