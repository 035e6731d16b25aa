"""The first half of a run: manifests, quality checks, folds, translations and features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from sottovoce.augmentation.copies import KINDS, Copied, Kind, copies
from sottovoce.corpora import catalogue
from sottovoce.errors import ManifestError
from sottovoce.experiment.place import Place
from sottovoce.experiment.task import Side, Task, task_of
from sottovoce.judging.splits import FoldPlan, make_plan, speaker_of
from sottovoce.recipe import Recipe, Speech
from sottovoce.recipe import Upstream as UpstreamSettings
from sottovoce.speech import checks
from sottovoce.speech.manifest import Manifest
from sottovoce.store.artefacts import Store
from sottovoce.store.progress import Progress, timed
from sottovoce.translation.synthesis import Synthesis, synthesise
from sottovoce.upstreams.card import Upstream
from sottovoce.upstreams.features import Extracted, extract
from sottovoce.upstreams.loading import load_upstream

SYNTHETIC_CONDITIONS = {"all-synthetic", "bootstrapped"}
SOURCE_CONDITIONS = {*SYNTHETIC_CONDITIONS, "untranslated", "untranslated-selected"}
"""Those that add speech of the source, translated or not."""


@dataclass(frozen=True)
class Natural:
    """One side's recordings, checked and limited to those that have what is to be learned."""

    manifest: Manifest
    checked: checks.Checks
    notes: tuple[str, ...]

    @property
    def language(self) -> str | None:
        """The one language of all utterances, or None."""
        languages = self.manifest.languages
        return languages[0] if len(languages) == 1 else None


@dataclass(frozen=True)
class Inputs:
    """Everything that training starts from.

    `translated` is `D_syn`: translations that passed the filter. `copied` holds copies of the target by condition.
    """

    target: Natural
    source: Natural
    plan: FoldPlan
    synthesis: Synthesis | None
    translated: Manifest
    copied: Mapping[str, Copied]
    features: Mapping[str, Extracted]
    upstream: Upstream
    refused: tuple[Mapping[str, str], ...]


def gather(recipe: Recipe, place: Place, progress: Progress) -> Inputs:
    """Prepare everything that training needs, continuing from what the store holds.

    Raises:
        SottovoceError: of whichever stage cannot go on; each says what to do next.
    """
    task = task_of(recipe)
    target = natural(recipe.target, task, "target", progress)
    source = natural(recipe.source, task, "source", progress)
    if SOURCE_CONDITIONS & set(recipe.conditions):  # where names agree, the folds keep a speaker's own speech away
        known = {speaker_of(u) for u in target.manifest}
        others = source.manifest.filter(lambda u: speaker_of(u) not in known)
        require_apart({"target": target.manifest, "source": others}, place.store)
    make_upstream = upstream_maker(recipe, place.device)
    upstream = make_upstream()
    features: dict[str, Extracted] = {}
    refused = [
        r for side in (target, source) for r in _refusals("check", {i: why for i, _, why in side.checked.refused})
    ]

    def frames(name: str, manifest: Manifest) -> Manifest:
        speed = f"features: {recipe.upstream.name}"
        with timed(progress, place.speeds, f"features: {name}", len(manifest), speed) as done:
            features[name] = extract(manifest, make_upstream, place.store, place.execution, done, loaded=upstream)
        refused.extend(_refusals(f"features: {name}", features[name].refused))
        return manifest.filter(lambda u: u.id in features[name].kept)

    target = Natural(frames("target", target.manifest), target.checked, target.notes)
    plan = folds_of(recipe, target.manifest)
    synthesis, translated = None, Manifest(())
    if SYNTHETIC_CONDITIONS & set(recipe.conditions):
        synthesis = synthesise(
            source.manifest,
            target_language(target),
            recipe.translation,
            recipe.filter,
            place.store,
            place.execution,
            place.device,
            progress,
        )
        for stage, reasons in synthesis.refused.items():
            refused += _refusals(stage, reasons)
        translated = frames("translated", task.inherited(synthesis.filtered.kept, source.manifest))
    if SOURCE_CONDITIONS & set(recipe.conditions):  # each of them is compared with the source as it is
        source = Natural(frames("source", source.manifest), source.checked, source.notes)
    copied = {}
    for kind in kinds_of(recipe):
        with timed(progress, place.speeds, f"copies: {kind}", len(target.manifest) * recipe.copies.number) as done:
            made = copies(target.manifest, kind, recipe.copies, place.store, place.execution, done)
        refused += _refusals(f"copies: {kind}", made.refused)
        copied[kind] = replace(made, manifest=frames(kind, task.inherited(made.manifest, target.manifest)))
    return Inputs(target, source, plan, synthesis, translated, copied, features, upstream, tuple(refused))


def kinds_of(recipe: Recipe) -> list[Kind]:
    """The kinds of copies that the recipe's conditions need."""
    wanted = frozenset[str](recipe.conditions)
    return [kind for kind in KINDS if {kind} <= wanted]


def natural(speech: Speech, task: Task, side: Side, progress: Progress) -> Natural:
    """Read one side of a recipe, check every recording, drop what cannot be used and what has no label for the task.

    Raises:
        ManifestError: nothing is left, or the task cannot be learned from it: see `Task.usable`.
    """
    manifest, notes = labelled(speech, task, side)
    with progress.stage(f"check: {side}", len(manifest)) as done:
        checked = checks.check(manifest, on_progress=done)
    refused = {i for i, _, _ in checked.refused}
    usable = manifest.filter(lambda u: u.id not in refused)
    if not len(usable):
        raise ManifestError(
            f"not one recording of the {side} can be used:", [f"{p}: {r}" for _, p, r in checked.refused]
        )
    return Natural(usable, checked, notes)


def labelled(speech: Speech, task: Task, side: Side) -> tuple[Manifest, tuple[str, ...]]:
    """One side's recordings that have what is to be learned, with notes; of the target the natural ones alone.

    Raises:
        ManifestError: see `Task.usable`.
    """
    manifest, notes = read(speech)
    if made := sum(u.is_synthetic for u in manifest) if side == "target" else 0:
        manifest = manifest.filter(lambda u: not u.is_synthetic)
        notes = (*notes, f"{made} synthetic utterances of the target were left out: results are about natural speech")
    usable, further = task.usable(manifest, side)
    return usable, (*notes, *further)


def read(speech: Speech) -> tuple[Manifest, tuple[str, ...]]:
    """The manifest that a recipe's `target` or `source` names, and notes on it."""
    if speech.manifest is not None:
        return Manifest.read(speech.manifest, language=speech.language).people_apart(), ()
    assert speech.corpus is not None and speech.folder is not None  # the recipe has checked it
    options: dict[str, Any] = {"pattern": speech.pattern, "labels": speech.labels, "language": speech.language}
    options["part"] = speech.part
    prepared = catalogue.prepare(speech.corpus, Path(speech.folder), **{k: v for k, v in options.items() if v})
    return prepared.manifest, prepared.notes


def require_apart(manifests: Mapping[str, Manifest], store: Store) -> None:
    """Raise a `ManifestError` where one recording is in two manifests: a test would be of what was heard."""
    home: dict[str, str] = {}
    shared: dict[tuple[str, str], list[str]] = {}
    for name, manifest in manifests.items():
        digests = store.sound_digests(manifest)
        first = {str(digests[u.id]): u.path for u in reversed(manifest.utterances) if digests[u.id]}
        for digest, path in first.items():
            if (other := home.setdefault(digest, name)) != name:
                shared.setdefault((other, name), []).append(path)
    if shared:
        listed = [f"{a} and {b}: {len(paths)} recording(s), such as {paths[0]}" for (a, b), paths in shared.items()]
        raise ManifestError(
            "the same recordings are on two sides, so that a test would be of what was heard. Take them out of one:",
            listed,
        )


def folds_of(recipe: Recipe, target: Manifest) -> FoldPlan:
    """The folds that the recipe's protocol makes of the target."""
    protocol = recipe.protocol
    return make_plan(
        target,
        protocol.kind,
        n_folds=protocol.n_folds,
        fold_seed=protocol.fold_seed,
        given=protocol.folds,
        emobox_folder=protocol.emobox_folder,
        classes=not recipe.measures,
    )


def upstream_maker(recipe: Recipe, device: str) -> Callable[[], Upstream]:
    """A picklable maker of the recipe's upstream."""
    return maker(recipe.upstream, device)


def maker(chosen: UpstreamSettings, device: str) -> Callable[[], Upstream]:
    """A picklable maker of an upstream with these settings."""
    return partial(
        load_upstream,
        chosen.name,
        chosen.weights,
        layer=chosen.hidden_states,
        context=chosen.context,
        device=device,
        precision=chosen.precision,
        allow_download=chosen.allow_download,
        known_as=chosen.known_as,
        revision=chosen.revision,
    )


def target_language(target: Natural) -> str:
    """The language to translate into.

    Raises:
        ManifestError: the target's language is not known, or there are several.
    """
    if target.language is None:
        found = ", ".join(target.manifest.languages) or "none"
        raise ManifestError(
            f"translation needs the one language of the target (found: {found}); set target.language to its two letters"
        )
    return target.language


def _refusals(stage: str, reasons: Mapping[str, str]) -> list[Mapping[str, str]]:
    return [{"stage": stage, "id": i, "reason": reason} for i, reason in reasons.items()]
