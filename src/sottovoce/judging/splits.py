"""Ways of dividing a target manifest into folds.

A plan is made from the natural utterances of the target manifest. Synthetic ones never reach a test part: whether a
translated or a source utterance may train in a fold is asked of `FoldPlan.admits`, by its speaker.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from sottovoce.errors import SplitError
from sottovoce.judging import emobox_lists
from sottovoce.judging.fold_plan import Facts, Fold, FoldPlan, bare_name, speaker_of
from sottovoce.speech.manifest import Manifest, Utterance

__all__ = [
    "Fold",
    "FoldPlan",
    "Protocol",
    "at_most_groups",
    "emobox",
    "given_folds",
    "leave_one_speaker_out",
    "make_plan",
    "speaker_groups",
    "speaker_of",
]

Protocol = Literal["leave-one-speaker-out", "groups", "given", "emobox"]


def make_plan(
    manifest: Manifest,
    protocol: Protocol,
    *,
    n_folds: int | None = None,
    fold_seed: int = 0,
    given: Sequence[Sequence[str]] | None = None,
    emobox_folder: str | Path | None = None,
    classes: bool = True,
) -> FoldPlan:
    """Make folds by the protocol's name.

    Args:
        manifest: the target; its synthetic utterances are left out.
        protocol: `leave-one-speaker-out`, `groups` (needs `n_folds`), `given` (needs `given`) or `emobox` (needs
            `emobox_folder`).
        n_folds: how many groups of speakers.
        fold_seed: of the grouping.
        given: the test speakers of each fold.
        emobox_folder: one data set of the user's copy of EmoBox, e.g. `EmoBox/data/emodb`.
        classes: whether emotions are told apart, so that there must be two of them and each must be trained on.

    Raises:
        SplitError: the protocol is unknown or lacks what it needs, or fair folds cannot be made of this manifest.
    """
    match protocol:
        case "leave-one-speaker-out":
            return leave_one_speaker_out(manifest, classes=classes)
        case "groups" if n_folds is not None:
            return speaker_groups(manifest, n_folds, fold_seed, classes=classes)
        case "given" if given is not None:
            return given_folds(manifest, given, classes=classes)
        case "emobox" if emobox_folder is not None:
            return emobox(manifest, emobox_folder, classes=classes)
        case "groups" | "given" | "emobox":
            needed = {
                "groups": "n_folds",
                "given": "the test speakers of each fold (protocol.folds: [[anna, ben], [cleo]])",
                "emobox": "a folder of fold lists (protocol.emobox_folder: EmoBox/data/emodb)",
            }
            raise SplitError(f"protocol '{protocol}' needs {needed[protocol]}; set it in the recipe's protocol section")
    raise SplitError(f"unknown protocol '{protocol}'; use leave-one-speaker-out, groups, given or emobox")


def leave_one_speaker_out(manifest: Manifest, *, classes: bool = True) -> FoldPlan:
    """One fold a speaker.

    Raises:
        SplitError: there are fewer than two speakers or two emotions.
    """
    natural = _natural(manifest, classes)
    speakers = sorted({speaker_of(u) for u in natural})
    return _disjoint(natural, "leave-one-speaker-out", None, [{speaker} for speaker in speakers], classes)


def speaker_groups(manifest: Manifest, n_folds: int, fold_seed: int, *, classes: bool = True) -> FoldPlan:
    """`n_folds` groups of speakers with class shares as equal as can be (scikit-learn's StratifiedGroupKFold).

    Raises:
        SplitError: there are fewer than two speakers or two emotions, or too few speakers for so many folds.
    """
    natural = _natural(manifest, classes)
    speakers = np.array([speaker_of(u) for u in natural])
    n_speakers = len(set(speakers))
    if not 2 <= n_folds <= n_speakers:
        raise SplitError(
            f"{n_folds} folds cannot be made of {n_speakers} speakers; set n_folds between 2 and {n_speakers}"
        )
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=fold_seed)
    try:
        with warnings.catch_warnings():  # a class rarer than the folds is allowed here; the proof names it
            warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
            parts = [test for _, test in splitter.split(speakers, [u.emotion for u in natural], speakers)]
    except ValueError as problem:
        raise SplitError(f"too few utterances a class for {n_folds} folds ({problem}); set n_folds lower") from problem
    if any(part.size == 0 for part in parts):
        raise SplitError(
            f"{n_speakers} speakers cannot be shared out fairly among {n_folds} folds: one would have no test part. "
            "Set n_folds lower, or use protocol leave-one-speaker-out"
        )
    return _disjoint(natural, "groups", fold_seed, [set(speakers[part]) for part in parts], classes)


def at_most_groups(manifest: Manifest, most: int = 5) -> FoldPlan:
    """Every speaker alone where there are no more than `most`, else groups: as many as can be, up to `most`.

    Raises:
        SplitError: there are fewer than two speakers or two emotions.
    """
    if len({speaker_of(u) for u in manifest if not u.is_synthetic}) <= most:
        return leave_one_speaker_out(manifest)
    for n_folds in range(most, 2, -1):
        try:
            return speaker_groups(manifest, n_folds, fold_seed=0)
        except SplitError:
            continue
    return speaker_groups(manifest, 2, fold_seed=0)


def given_folds(manifest: Manifest, test_speakers: Sequence[Sequence[str]], *, classes: bool = True) -> FoldPlan:
    """Folds with these test speakers, named as in the manifest or as `corpus/speaker`. Others always train.

    Raises:
        SplitError: naming every speaker who is unknown, meant twice or tested twice, and every empty fold.
    """
    natural = _natural(manifest, classes)
    meant: dict[str, set[str]] = {}
    for utterance in natural:
        for name in (bare_name(utterance), speaker_of(utterance)):
            meant.setdefault(name, set()).add(speaker_of(utterance))
    problems = [f"fold {number} names no speaker" for number, names in enumerate(test_speakers, 1) if not names]
    named = [name for names in test_speakers for name in names]
    problems += [f"'{name}' is no speaker of the manifest" for name in named if name not in meant]
    problems += [
        f"'{name}' may be {' or '.join(sorted(meant[name]))}; write one of these"
        for name in named
        if len(meant.get(name, ())) > 1
    ]
    folds = [set().union(*(meant.get(name, ()) for name in names)) for names in test_speakers]
    times = Counter(speaker for names in test_speakers for name in names for speaker in meant.get(name, ()))
    problems += [f"'{speaker}' is named {n} times" for speaker, n in sorted(times.items()) if n > 1]
    if problems or not folds:
        known = ", ".join(sorted({u.speaker for u in natural}))
        lines = problems or ["no folds are given"]
        raise SplitError("\n  - ".join([f"these folds cannot be used (speakers here: {known}):", *lines]))
    return _disjoint(natural, "given", None, folds, classes)


def emobox(manifest: Manifest, folder: str | Path, *, classes: bool = True) -> FoldPlan:
    """The folds that EmoBox publishes (arXiv 2406.07162), from the user's copy. Many of them share speakers.

    Raises:
        SplitError: the folder holds no lists, or they do not name every utterance of the manifest, or ambiguously.
    """
    natural = _natural(manifest, classes)
    listed = emobox_lists.read(folder, natural)
    speakers = {u.id: speaker_of(u) for u in natural}
    folds = tuple(
        Fold(part.number, tuple(sorted({speakers[name] for name in part.test})), part.train, part.test)
        for part in listed.parts
    )
    return _checked(FoldPlan("emobox", None, folds, _facts(natural), listed.not_in_manifest), classes)


def _natural(manifest: Manifest, classes: bool) -> list[Utterance]:
    """The natural utterances, by id: the order of the manifest must not matter."""
    natural = sorted((u for u in manifest if not u.is_synthetic), key=lambda u: u.id)
    speakers, emotions = {speaker_of(u) for u in natural}, {u.emotion for u in natural}
    if len(speakers) < 2:
        raise SplitError(
            f"the target has {len(speakers)} speaker(s), and nobody can be held out for testing: two are the least, "
            "six give usable intervals. Check the manifest's speaker column, or add recordings of other speakers"
        )
    if classes and len(emotions) < 2:
        raise SplitError(
            f"the target has one emotion only ({', '.join(emotions)}): there is nothing to tell apart. "
            "Check the manifest's emotion column and the recipe's list of emotions"
        )
    return natural


def _facts(natural: Sequence[Utterance]) -> dict[str, Facts]:
    return {u.id: Facts(speaker_of(u), u.emotion, u.text_id) for u in natural}


def _disjoint(
    natural: Sequence[Utterance], protocol: str, seed: int | None, groups: Sequence[set[str]], classes: bool
) -> FoldPlan:
    facts = _facts(natural)
    folds = tuple(
        Fold(
            number,
            tuple(sorted(str(speaker) for speaker in group)),
            tuple(name for name, known in facts.items() if known.speaker not in group),
            tuple(name for name, known in facts.items() if known.speaker in group),
        )
        for number, group in enumerate(groups, start=1)
    )
    return _checked(FoldPlan(protocol, seed, folds, facts), classes)


def _checked(plan: FoldPlan, classes: bool) -> FoldPlan:
    """Refuse a plan in which an emotion is never trained, a side of a fold is empty, or both share utterances."""
    problems = [f"fold {fold.number} has no utterance to train on" for fold in plan.folds if not fold.train]
    problems += [f"fold {fold.number} has no utterance to test" for fold in plan.folds if not fold.test]
    both = {fold.number: len(set(fold.train) & set(fold.test)) for fold in plan.folds}
    problems += [f"fold {number} has {n} utterance(s) on both sides" for number, n in both.items() if n]
    trained = {plan.facts[name].emotion for fold in plan.folds for name in fold.train}
    untrained = sorted({facts.emotion for facts in plan.facts.values()} - trained) if classes else []
    problems += [f"no training part has the emotion '{name}'; leave it out of the emotions" for name in untrained]
    if problems:
        raise SplitError("\n  - ".join(["these folds cannot be used:", *problems]))
    return plan
