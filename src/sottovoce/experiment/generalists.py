"""Generalists of one recipe: which are to be trained on which corpora, and each of them trained once and kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sottovoce.errors import ManifestError
from sottovoce.experiment.inputs import read
from sottovoce.experiment.place import Place
from sottovoce.learning.generalist import building, processes, training
from sottovoce.learning.generalist.dataset import SpeechDataset, balanced, domains_of
from sottovoce.recipe.generalist import GeneralistRecipe
from sottovoce.speech import checks
from sottovoce.speech.harmonisation import Harmonisation, harmonise, load_table
from sottovoce.speech.manifest import Manifest
from sottovoce.store.artefacts import key_of
from sottovoce.store.progress import Progress, timed
from sottovoce.upstreams.generalist_network import Generalist
from sottovoce.weights.checkpoint import load_complete, open_checkpoint

METHOD = 1
"""Raised with every change of the code that changes what is learned."""

SURE = 0.5
"""An utterance is tested for a class that weighs more than this in its label; contempt, half disgust, is not tested."""


@dataclass(frozen=True)
class Corpora:
    """The recipe's corpora by name, what was refused of them, and the table of their labels."""

    manifests: Mapping[str, Manifest]
    refused: Mapping[str, Mapping[str, str]]
    table: Harmonisation

    def together(self, names: Sequence[str]) -> Manifest:
        """One manifest of several corpora; an id belongs to its corpus."""
        return Manifest(tuple(replace(u, id=f"{u.corpus}/{u.id}") for n in names for u in self.manifests[n]))


@dataclass(frozen=True)
class Variant:
    """One way to train."""

    soft: bool
    domain_weight: float

    @property
    def name(self) -> str:
        """As a condition's name."""
        return f"{'soft' if self.soft else 'hard'} labels, w_d = {self.domain_weight:g}"


def variants(recipe: GeneralistRecipe) -> list[Variant]:
    """Every combination of the sweep; the recipe's own settings first where they are among them."""
    soft = recipe.sweep.soft or [recipe.labels.soft]
    weights = recipe.sweep.domain_weight or [recipe.domains.weight]
    own = Variant(recipe.labels.soft, recipe.domains.weight)
    found = [Variant(s, w) for s in dict.fromkeys(soft) for w in dict.fromkeys(weights)]
    return sorted(found, key=lambda variant: variant != own)


def gather(recipe: GeneralistRecipe, progress: Progress) -> Corpora:
    """Read and check every corpus.

    Raises:
        ManifestError: a corpus cannot be read, none of its recordings can be used, or a label is not in the table.
    """
    table = load_table(Path(recipe.labels.table) if recipe.labels.table else None)
    manifests, refused = {}, {}
    whole = {
        name: Manifest(tuple(replace(u, corpus=u.corpus or name) for u in read(speech)[0]))
        for name, speech in recipe.corpora.items()
    }
    for manifest in whole.values():  # a label that is not in the table is said before all sounds are read
        soft_labels(recipe, table, manifest)
    for name, manifest in whole.items():
        with progress.stage(f"check: {name}", len(manifest)) as done:
            found = checks.check(manifest, on_progress=done).refused
        refused[name] = {i: why for i, _, why in found}
        manifests[name] = manifest.filter(lambda u, bad=frozenset(refused[name]): u.id not in bad)
        if not len(manifests[name]):
            raise ManifestError(f"not one recording of {name} can be used:", [f"{p}: {why}" for _, p, why in found])
    return Corpora(manifests, refused, table)


@dataclass(frozen=True)
class Trained:
    """A model on the shelf."""

    folder: Path
    key: str
    log: Sequence[Mapping[str, float]]


def trained(
    recipe: GeneralistRecipe,
    corpora: Corpora,
    names: Sequence[str],
    variant: Variant,
    seed: int,
    place: Place,
    progress: Progress,
    title: str,
) -> Trained:
    """The generalist that heard these corpora: from the store, or trained now; a crash costs one epoch at most.

    Raises:
        SottovoceError: the weights or a package are missing, or the store cannot be written.
    """
    heard = corpora.together(names)
    labels = soft_labels(recipe, corpora.table, heard, variant.soft)
    kinds = recipe.domains.of if variant.domain_weight else []
    domains, sizes = domains_of(heard, kinds)
    steps = recipe.schedule.epochs * -(-len(heard) // (recipe.schedule.batch_size * recipe.schedule.accumulate))
    single = place.store.single("generalists", _key(recipe, variant, heard, labels, kinds, seed, place))
    with timed(progress, place.speeds, title, steps) as done:
        if (found := single.find()) is not None:
            done(steps)
        else:
            torch.manual_seed(seed)
            own = recipe.domains.model_copy(update={"weight": variant.domain_weight})
            targets = recipe.labels.targets
            classes = tuple(targets) or corpora.table.classes
            network = building.build(recipe.network, classes, recipe.spec_augment, own, sizes)
            network.config.problem_type = training.SHARES if targets else None
            dataset = SpeechDataset(
                heard,
                network.config.num_mel_bins,
                labels=labels,
                domains=domains if kinds else None,
                weights=balanced(heard, labels, _balance(recipe)),
                augmentation=recipe.augmentation,
                seed=seed,
            )
            log = training.train(
                network, dataset, recipe.schedule, single.unfinished, seed=seed, device=place.device, on_step=done
            )
            facts = {"prior": labels.mean(0).tolist(), "heard": heard_facts(heard, network.config.heard)}

            def write(folder: Path) -> None:
                training.save(network, folder, facts)
                (folder / "log.json").write_text(json.dumps(log), encoding="utf-8")

            if processes.is_first():
                single.keep(write)
            processes.wait()
            found = single.find()
            assert found is not None, "kept just now"
    return Trained(found, single.folder.name, json.loads((found / "log.json").read_text(encoding="utf-8")))


def soft_labels(
    recipe: GeneralistRecipe, table: Harmonisation, manifest: Manifest, soft: bool = True
) -> NDArray[np.float64]:
    """Labels `[utterance, class]` that training sees; for hard labels, 1 for the class of most weight.

    Raises:
        ManifestError: labels that are not in the table, or utterances without a target from 0 to 1; all of them.
    """
    if targets := recipe.labels.targets:
        shares = np.array([[u.measures.get(target, np.nan) for target in targets] for u in manifest])
        without = [u.id for u, row in zip(manifest, shares, strict=True) if not ((row >= 0) & (row <= 1)).all()]
        if without:
            raise ManifestError(f"{len(without)} utterances lack a measure of labels.targets from 0 to 1:", without)
        return shares
    smoothing = recipe.labels.neutral_smoothing if soft else 0.0
    labels = harmonise(manifest, table, neutral_smoothing=smoothing)
    return labels if soft else np.eye(labels.shape[1])[labels.argmax(1)]


def tested(table: Harmonisation, manifest: Manifest) -> tuple[Manifest, list[str]]:
    """The utterances that can be scored and their classes: those of which one class has more weight than `SURE`."""
    rows = [table.distribution({u.emotion: 1.0}, u.corpus) for u in manifest]
    sure = [u for u, row in zip(manifest, rows, strict=True) if row.max() > SURE]
    return Manifest(tuple(sure)), [table.classes[int(row.argmax())] for row in rows if row.max() > SURE]


def predicted(model: Trained, manifest: Manifest, place: Place, progress: Progress, title: str) -> NDArray[np.float64]:
    """Probabilities `[utterance, class]`, kept in the store."""
    tasks = place.store.tasks(manifest.utterances)
    single = place.store.single("zero-shot", key_of(model.key, [task.key for task in tasks]))
    with timed(progress, place.speeds, title, len(manifest), "generalist") as done:
        if (found := single.find()) is None:
            network = load_complete(Generalist, open_checkpoint(str(model.folder)))
            said = training.probabilities(
                network, SpeechDataset(manifest, network.config.num_mel_bins), device=place.device, on_done=done
            )
            found = single.keep(lambda folder: np.save(folder / "probabilities.npy", said))
        else:
            done(len(manifest))
    return np.load(found / "probabilities.npy", allow_pickle=False)


def heard_facts(manifest: Manifest, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a model should say of its training: corpora, languages, speakers and utterances.

    Args:
        manifest: what it heard now.
        before: the same of the generalist that training started from; a speaker heard again counts again.
    """
    before = before or {}
    return {
        "corpora": sorted({*before.get("corpora", ()), *(u.corpus for u in manifest)}),
        "languages": sorted({*before.get("languages", ()), *manifest.languages}),
        "speakers": before.get("speakers", 0) + len({(u.corpus, u.speaker) for u in manifest}),
        "utterances": before.get("utterances", 0) + len(manifest),
    }


def _balance(recipe: GeneralistRecipe) -> str:
    """There are no classes to balance among targets."""
    of_targets = {"both": "corpus", "class": "none"}
    balance = recipe.schedule.balance
    return of_targets.get(balance, balance) if recipe.labels.targets else balance


def _key(
    recipe: GeneralistRecipe,
    variant: Variant,
    heard: Manifest,
    labels: NDArray[np.float64],
    kinds: Sequence[str],
    seed: int,
    place: Place,
) -> str:
    settings = {
        "method": METHOD,
        "network": recipe.network.model_dump(exclude={"weights", "allow_download"}),
        "revision": open_checkpoint(recipe.network.weights, allow_download=recipe.network.allow_download).revision,
        "domains": [kinds, variant.domain_weight],
        "augmentation": recipe.augmentation.model_dump(),
        "spec_augment": recipe.spec_augment.model_dump(),
        "schedule": recipe.schedule.model_dump(exclude={"seeds", "workers", "gradient_checkpointing", "precision"}),
        "precision": training.precision_of(recipe.schedule, place.device),  # what `auto` comes to here
        "seed": seed,
        "device": torch.device(place.device).type,
    }
    sounds = [task.key for task in place.store.tasks(heard.utterances, "id", "corpus", "speaker")]
    if recipe.labels.targets:
        settings["targets"] = recipe.labels.targets
    return key_of(settings, sounds, np.round(labels, 9).tolist())
