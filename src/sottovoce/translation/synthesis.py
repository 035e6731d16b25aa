"""Phase 1 of arXiv 2409.10985 (section II-B), from `D_src` to `D_syn`: translate, identify, measure, drop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from sottovoce.errors import ManifestError, WeightsError
from sottovoce.recipe import Filter, LanguageId, Translation
from sottovoce.speech.manifest import Manifest
from sottovoce.store.artefacts import Shelf, Store, Task
from sottovoce.store.progress import Progress, timed
from sottovoce.store.shards import Execution
from sottovoce.store.speeds import Speeds
from sottovoce.translation import catalogue, language_id, measuring
from sottovoce.translation.corpus import tasks_of, translate
from sottovoce.translation.filtering import Filtered, FilterRule, filter_translations
from sottovoce.translation.language_id import LanguageIdentifier, identify, unknown_to, with_probabilities
from sottovoce.translation.measuring import can_measure, measure
from sottovoce.translation.translator import Translator

_log = logging.getLogger(__name__)

KNOWN_LANGUAGE = ("offline", "identity")
"""Translators whose language nobody need ask about: one speaks what it was told to, the other does not translate."""


@dataclass(frozen=True)
class Synthesis:
    """What phase 1 made.

    `translated` holds every translation with its measures, `filtered` those that passed and why others did not,
    `refused` the utterances without a translation by stage, and `notes` which checks did not take place.
    """

    translator: Translator
    translated: Manifest
    filtered: Filtered
    refused: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...]


def synthesise(
    source: Manifest,
    language: str,
    chosen: Translation,
    rule: Filter,
    store: Store,
    execution: Execution,
    device: str,
    progress: Progress,
) -> Synthesis:
    """Translate a source corpus and filter the translations; whatever the store holds is not done again.

    Args:
        source: natural utterances.
        language: ISO 639-1 code of the target language.
        chosen: the translator and its settings.
        rule: the filter and its settings.
        store: where translations, probabilities of languages and measures are kept.
        execution: serial, processes or Ray. With a slice, its share of the source alone is translated and judged.
        device: for translators and identifiers in this environment.
        progress: shown a stage each.

    Raises:
        ManifestError: nothing could be translated, or the filter drops everything.
        SottovoceError: of a translator or an identifier that cannot start.
    """
    speeds = Speeds(store.root)
    make_translator, make_identifier = catalogue.maker(chosen, language, device), None
    if identifies(rule.language_id, chosen):
        make_identifier = _identifier_maker(rule.language_id, language, source, device)
        make_identifier()  # what it lacks is said now, and not when all is translated
    with timed(progress, speeds, "translation", len(source), f"translation: {chosen.name}") as done:
        made = translate(source, make_translator, store, execution, done)
    if not len(made.manifest):
        raise ManifestError("not one source utterance could be translated:", sorted(set(made.refused.values())))
    refused = {"translation": dict(made.refused)}
    translated, notes = made.manifest, []
    whole = replace(execution, part=None)  # a slice's translations are its own, and all of them are judged
    if make_identifier is not None:
        with timed(progress, speeds, "language", len(translated)) as done:
            heard = identify(translated, make_identifier, store, whole, done)
        translated, refused["language"] = with_probabilities(translated, heard), dict(heard.refused)
    else:
        notes.append(f"the language of the translations was not identified (filter.language_id.use: {_why(rule)})")
    if can_measure():
        with timed(progress, speeds, "prosody", len(translated)) as done:
            processors = replace(whole, gpus_per_worker=None)
            translated = measure(source, translated, store, processors, done)
    else:
        notes.append("prosody and duration were not measured: pip install 'sottovoce[prosody]' brings what it takes")
    low, high = rule.duration_ratio
    wanted = FilterRule(
        target_language=None if make_identifier is None else language,
        threshold=rule.language_id.threshold,
        duration_ratio=(low, high),
        repetition=rule.repetition,
    )
    filtered = filter_translations(translated, wanted)
    return Synthesis(make_translator(), translated, filtered, refused, tuple(notes))


@dataclass(frozen=True)
class Step:
    """One map of phase 1: how many utterances it has, and how many of them the store holds."""

    title: str
    total: int
    kept: int
    measured_as: str

    @property
    def left(self) -> int:
        """How many are still to do."""
        return self.total - self.kept


def outlook(
    source: Manifest,
    language: str,
    chosen: Translation,
    rule: Filter,
    store: Store,
    execution: Execution,
    device: str,
) -> list[Step]:
    """What `synthesise` with these arguments would find done; nothing is computed.

    What comes after a translation that is not there yet is counted as left.
    """
    make_translator = catalogue.maker(chosen, language, device)
    tasks = tasks_of(source, store)
    shelf = store.shelf("translations", make_translator().settings)
    steps = [_step("translation", shelf, tasks, f"translation: {chosen.name}")]
    translated = Manifest(())
    if not steps[0].left:
        translated = translate(source, make_translator, store, execution).manifest
    if identifies(rule.language_id, chosen):
        identifier = _identifier_maker(rule.language_id, language, source, device)()
        heard = language_id.shelf_of(store, identifier)
        steps.append(_step("language", heard, store.tasks(translated.utterances), n=len(source)))
    if can_measure():
        pairs = measuring.pairs_of(source, translated, store)
        steps.append(_step("prosody", measuring.shelf_of(store), pairs, n=len(source)))
    return steps


def _step(title: str, shelf: Shelf, tasks: Sequence[Task], measured_as: str = "", n: int = 0) -> Step:
    finished = shelf.finished(task.key for task in tasks)
    kept = sum(task.key in finished for task in tasks)  # two recordings may be one and the same
    return Step(title, len(tasks) or n, kept, measured_as or title)


def identifies(rule: LanguageId, chosen: Translation) -> bool:
    """Whether the language of this translator's output is to be identified."""
    return rule.use == "always" or (rule.use == "auto" and chosen.name not in KNOWN_LANGUAGE)


def _identifier_maker(
    rule: LanguageId, language: str, source: Manifest, device: str
) -> Callable[[], LanguageIdentifier]:
    """The target's language is always among the candidates, and so is the source's where the checkpoint knows it."""
    try:
        unknown = unknown_to(rule.weights, source.languages, allow_download=rule.allow_download)
    except WeightsError as problem:
        raise WeightsError(
            f"the language of translations is identified by Whisper, and {problem}. Its folder is "
            "filter.language_id.weights; filter.language_id.use=never goes without"
        ) from problem
    heard = [code for code in source.languages if code not in unknown]
    if left_out := sorted({*unknown} - {*rule.candidates, language}):  # the others are errors
        _log.warning(
            "%s does not know the source's language %s: whether a translation is still in it is not asked",
            rule.weights,
            " or ".join(left_out),
        )
    return partial(
        LanguageIdentifier,
        rule.weights,
        tuple(dict.fromkeys([*rule.candidates, language, *heard])),
        device=device,
        precision=rule.precision,
        allow_download=rule.allow_download,
    )


def _why(rule: Filter) -> str:
    return "never" if rule.language_id.use == "never" else "auto, and this translator's language is no question"
