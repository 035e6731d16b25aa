"""Does the emotion survive translation? Asked of heads that never heard the speaker, on real and on translated speech.

Heads are trained on real source speech, in folds over its speakers, and hear the speakers who were left out twice: in
their own recordings, and translated. What they hear less in the translation is lost to them. That need not mean that it
is lost: a head that knows real voices may fail on a synthetic one for reasons of its own (domain shift). So heads are
trained on the translations too: where these hear what the others do not, it is the voice that changed.

It is the automatic side of a listening study, which arXiv 2409.10985 lacks, and no replacement for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sottovoce.errors import SplitError
from sottovoce.experiment import cross_fitting
from sottovoce.experiment.banks import Banks
from sottovoce.experiment.cross_fitting import Pool
from sottovoce.experiment.heard import SOURCE, summary
from sottovoce.experiment.place import Place
from sottovoce.judging.splits import FoldPlan, at_most_groups
from sottovoce.recipe import Training
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Kept
from sottovoce.upstreams.features import Extracted


def check(
    source: Manifest,
    translations: Mapping[str, Manifest],
    features: Mapping[str, Extracted],
    emotions: Sequence[str],
    training: Training,
    place: Place,
    on_epoch: Callable[[int], None] = lambda n: None,
) -> dict[str, Any]:
    """How well the source's emotions are heard before and after translation, by speaker-independent heads.

    All voices (the source's recordings and each translator's) are tested on the same utterances: those with features in
    every one of them.

    Args:
        source: natural utterances; those with another emotion are left out.
        translations: by translator's name, with `translated_from`.
        features: of the source as "source", and of the translations by the translator's name.
        emotions: the K classes.
        training: of the heads; every seed is trained.
        place: where they are trained and kept.
        on_epoch: called with the number of epochs just done; there are `training.epochs` for each voice.

    Returns:
        Plain types for JSON. `voices` has an entry for each voice as heard by heads trained on real speech, and for
        each translator as heard by heads trained on its own speech. All have the scores of a condition of
        `results.json` and

        - `name`, `trained_on`: which voice was tested, and which one the heads knew;
        - `recall`: by emotion, as `{"share", "ci95"}`; `confusion`: `[K, K]`, rows are true and sum to 1.

        Translations heard by heads trained on real speech have

        - `retention`: UA above chance, divided by that of the real recordings (None where these are at chance);
        - `still_heard`: of the utterances whose label was heard in the recording, the share where it is heard in the
          translation, `all` and by emotion;
        - `agreement`: how often the same is heard before and after, right or wrong, with Cohen's kappa.

        and those heard by heads trained on their own speech

        - `gain`: in UA over the heads that know real speech alone, paired by speaker, as `{"delta", "ci95"}`.

        Beside `voices`: `comparisons` with the real recordings, `chance`, `n_tested` by emotion, `n_speakers`,
        `n_folds`, `seeds`, `emotions`, `warnings`. Where no fair folds can be made, `voices` is empty and the
        warning says why.
    """
    known = features["source"].kept
    natural = [u for u in source.with_emotions(emotions) if not u.is_synthetic and u.id in known]
    voices: dict[str, dict[str, Kept]] = {SOURCE: {u.id: known[u.id] for u in natural}}
    for name, manifest in translations.items():
        found = features[name].kept
        voices[name] = {u.translated_from: found[u.id] for u in manifest if u.translated_from and u.id in found}
    tested = [u for u in natural if all(u.id in kept for kept in voices.values())]
    try:
        plan = at_most_groups(Manifest(tuple(natural)))
    except SplitError as problem:
        return _nothing(emotions, str(problem))
    if not tested:
        return _nothing(emotions, "no utterance of the source has a translation with features")
    said = _Work(natural, tested, voices, plan, emotions, Banks(training, place)).said(on_epoch)
    outcome: dict[str, Any] = {"n_folds": len(plan.folds), **summary(tested, emotions, training.seeds, said)}
    if left_out := len(natural) - len(tested):
        why = f"{left_out} of {len(natural)} utterances lack a translation and were not asked about"
        outcome["warnings"] = [why, *outcome["warnings"]]
    return outcome


@dataclass(frozen=True)
class _Work:
    natural: list[Utterance]
    tested: list[Utterance]
    voices: Mapping[str, Mapping[str, Kept]]
    plan: FoldPlan
    emotions: Sequence[str]
    banks: Banks

    def said(self, on_epoch: Callable[[int], None]) -> dict[tuple[str, str], NDArray[np.float64]]:
        """What heads say of the tested utterances, by the voice they are in and the voice the heads know.

        Probabilities `[seed, utterance, K]`. One voice's frames are in memory at a time.
        """
        said: dict[tuple[str, str], NDArray[np.float64]] = {}
        real: cross_fitting.OfFolds = []
        for name, kept in self.voices.items():
            pool = self.pool([u for u in self.natural if u.id in kept], kept)
            own = cross_fitting.heads(self.banks, self.plan, pool, on_epoch)
            real = real or own
            said[name, SOURCE] = cross_fitting.asked(self.banks, self.plan, real, pool, self.tested)
            if own and name != SOURCE:
                said[name, name] = cross_fitting.asked(self.banks, self.plan, own, pool, self.tested)
        return said

    def pool(self, utterances: list[Utterance], kept: Mapping[str, Kept]) -> Pool:
        """One voice's utterances; a translation goes under the name of what was translated."""
        found, epsilon = [kept[u.id] for u in utterances], self.banks.training.epsilon
        labels = np.array([u.soft_label(self.emotions, epsilon) for u in utterances], np.float32)
        return Pool(utterances, found, self.banks.frames(found), labels)


def _nothing(emotions: Sequence[str], why: str) -> dict[str, Any]:
    return {
        "emotions": list(emotions),
        "voices": [],
        "comparisons": [],
        "warnings": [f"it was not asked whether the emotion survives: {why}"],
    }
