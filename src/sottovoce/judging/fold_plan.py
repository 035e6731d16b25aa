"""A plan of folds: which utterances train and which are tested, as a file with its own proof.

A speaker is the pair of corpus and name, because two corpora may both have a speaker "01".
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sottovoce.errors import SplitError
from sottovoce.speech.manifest import Utterance
from sottovoce.store.atomic import write_atomically


@dataclass(frozen=True)
class Fold:
    """One division of the target's utterance ids. Numbers start at 1; speakers are named as `speaker_of` does."""

    number: int
    test_speakers: tuple[str, ...]
    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What a plan must know of an utterance to prove that it is fair."""

    speaker: str
    emotion: str
    text_id: str | None


@dataclass(frozen=True)
class FoldPlan:
    """Folds over the target's natural utterances.

    Attributes:
        protocol: how the folds were made.
        fold_seed: of protocol `groups`, otherwise None; it has nothing to do with training seeds.
        folds: the folds, in order of their numbers.
        facts: speaker, emotion and sentence of every utterance id.
        not_in_manifest: protocol `emobox`: entries of the published lists that the manifest does not hold.
    """

    protocol: str
    fold_seed: int | None
    folds: tuple[Fold, ...]
    facts: Mapping[str, Facts]
    not_in_manifest: tuple[str, ...] = ()

    @property
    def speaker_dependent(self) -> bool:
        """Whether any fold has a speaker on both sides. Its scores are then no evidence about new speakers."""
        return any(self._speakers(fold.train) & set(fold.test_speakers) for fold in self.folds)

    @property
    def tested_speakers(self) -> frozenset[str]:
        """Those who are in a test part; others, of given folds, train in every fold."""
        return frozenset(speaker for fold in self.folds for speaker in fold.test_speakers)

    def admits(self, fold: Fold, utterance: Utterance) -> bool:
        """Whether an utterance that is not natural target speech (translated or source) may train in this fold."""
        return speaker_of(utterance) not in fold.test_speakers

    def proof(self) -> dict[str, Any]:
        """Who is where, in plain types for JSON: per fold the speakers, classes and shared sentences of both sides.

        Sentences (`text_id`) on both sides are reported, not forbidden: acted corpora have few of them.
        """
        tested = Counter(utterance for fold in self.folds for utterance in fold.test)
        return {
            "speaker_disjoint": not self.speaker_dependent,
            "every_utterance_tested_once": set(tested) == set(self.facts) and set(tested.values()) == {1},
            "n_utterances": len(self.facts),
            "n_speakers": len(self._speakers(self.facts)),
            "not_in_manifest": list(self.not_in_manifest),
            "folds": [self._fold_proof(fold) for fold in self.folds],
        }

    def write(self, path: str | Path) -> Path:
        """Write the plan and its proof as JSON, atomically; the same plan gives the same bytes.

        Raises:
            StoreError: the disk is full or may not be written.
        """
        path = Path(path)
        content = {
            "schema": 1,
            "protocol": self.protocol,
            "fold_seed": self.fold_seed,
            "speaker_dependent": self.speaker_dependent,
            "proof": self.proof(),
            "folds": [asdict(fold) for fold in self.folds],
            "utterances": {name: asdict(facts) for name, facts in sorted(self.facts.items())},
        }
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        write_atomically(path, lambda partial: partial.write_text(text, encoding="utf-8"))
        return path

    @classmethod
    def read(cls, path: str | Path) -> FoldPlan:
        """Read a plan and check its proof.

        Raises:
            SplitError: there is no such file, it is not a plan, or its folds do not give the proof that it states.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            plan = cls(
                content["protocol"],
                content["fold_seed"],
                tuple(
                    Fold(fold["number"], *(tuple(fold[part]) for part in ("test_speakers", "train", "test")))
                    for fold in content["folds"]
                ),
                {name: Facts(**facts) for name, facts in content["utterances"].items()},
                tuple(content["proof"]["not_in_manifest"]),
            )
            proven = plan.proof() == content["proof"]
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise SplitError(
                f"{path} is not a fold plan ({problem!r}); delete it and run the recipe again"
            ) from problem
        if not proven:
            raise SplitError(
                f"{path}: the folds do not give the proof stated there; delete it and run the recipe again"
            )
        return plan

    def _speakers(self, utterances: Iterable[str]) -> set[str]:
        return {self.facts[name].speaker for name in utterances}

    def _fold_proof(self, fold: Fold) -> dict[str, Any]:
        train, test = ([self.facts[name] for name in part] for part in (fold.train, fold.test))
        classes = sorted({facts.emotion for facts in self.facts.values()})
        counts = [Counter(facts.emotion for facts in part) for part in (train, test)]
        sentences = [{facts.text_id for facts in part} - {None} for part in (train, test)]
        train_speakers, test_speakers = ({facts.speaker for facts in part} for part in (train, test))
        return {
            "number": fold.number,
            "train_speakers": sorted(train_speakers),
            "test_speakers": sorted(test_speakers),
            "shared_speakers": sorted(train_speakers & test_speakers),
            "train_counts": {name: counts[0][name] for name in classes},
            "test_counts": {name: counts[1][name] for name in classes},
            "absent_from_train": [name for name in classes if not counts[0][name]],
            "absent_from_test": [name for name in classes if not counts[1][name]],
            "shared_text_ids": sorted(str(name) for name in sentences[0] & sentences[1]),
        }


def speaker_of(utterance: Utterance) -> str:
    """The speaker's name together with the corpus: `corpus/speaker`, as `Manifest.people_apart` writes it too."""
    prefix = f"{utterance.corpus}/" if utterance.corpus else ""
    return utterance.speaker if utterance.speaker.startswith(prefix) else prefix + utterance.speaker


def bare_name(utterance: Utterance) -> str:
    """The speaker's name without the corpus."""
    return utterance.speaker.removeprefix(f"{utterance.corpus}/")


def namesakes(one: Iterable[Utterance], other: Iterable[Utterance]) -> set[str]:
    """Names that are on both sides in different corpora: whether they are one person's nobody can tell."""
    known: dict[str, set[str]] = {}
    for utterance in other:
        known.setdefault(bare_name(utterance), set()).add(speaker_of(utterance))
    return {bare_name(u) for u in one if known.get(bare_name(u), set()) - {speaker_of(u)}}
