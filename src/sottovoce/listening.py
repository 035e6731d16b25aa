"""The page of `sottovoce translate --report`: emotion check, prosody, what was dropped, and pairs to hear."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sottovoce.experiment import survival
from sottovoce.experiment.place import Place
from sottovoce.recipe import Training
from sottovoce.show.survival import write_page
from sottovoce.speech.manifest import Manifest
from sottovoce.store.progress import Progress
from sottovoce.translation import catalogue
from sottovoce.translation.synthesis import Synthesis
from sottovoce.upstreams.features import extract
from sottovoce.upstreams.loading import load_upstream


def page(
    path: Path,
    source: Manifest,
    made: Synthesis,
    others: Sequence[Manifest],
    upstream: str | None,
    place: Place,
    progress: Progress,
) -> Path:
    """Write the page `path` on translations of `source`.

    Args:
        path: the page.
        source: natural utterances.
        made: their translations, those that the filter kept.
        others: further translations of them, by other translators.
        upstream: weights of a Whisper encoder for the emotion check; None takes log-mel.
        place: where features and heads are kept.
        progress: shown a stage each.
    """
    translations = {made.translator.card.name: made.filtered.kept}
    for other in others:
        names = sorted({u.translator or "unnamed" for u in other})
        translations |= {n: other.filter(lambda u, n=n: (u.translator or "unnamed") == n) for n in names}
    name = "whisper" if upstream else "logmel"
    make = partial(load_upstream, name, upstream, device=place.device)
    loaded, features = make(), {}
    for side, manifest in {"source": source, **translations}.items():
        with progress.stage(f"features: {side}", len(manifest)) as done:
            features[side] = extract(manifest, make, place.store, place.execution, done, loaded=loaded)
    emotions = sorted({u.emotion for u in source})
    training = Training()
    with progress.stage("emotion check", (1 + len(translations)) * training.epochs) as done:
        check = survival.check(source, translations, features, emotions, training, place, done)
    known = catalogue.translators()
    licence = {n: known[n].card.licence_of_outputs for n in translations if n in known}
    title = f"Translations into {made.translator.target_language}"
    return write_page(path, title, source, translations, check, made.filtered.tables, made.filtered.warnings, licence)
