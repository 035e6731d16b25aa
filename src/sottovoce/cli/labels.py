"""The command that shows what becomes of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sottovoce.cli.verbs import app
from sottovoce.errors import SottovoceError
from sottovoce.show import terminal

if TYPE_CHECKING:
    from sottovoce.speech.harmonisation import Harmonisation
    from sottovoce.speech.manifest import Manifest


@app.command()
def labels(
    what: Annotated[
        str | None, typer.Argument(help="A manifest, a corpus of `sottovoce corpora`, or a label set such as iemocap.")
    ] = None,
    table: Annotated[Path | None, typer.Option(help="A table of yours: YAML with the rows that differ.")] = None,
    neutral_smoothing: Annotated[
        float | None, typer.Option(help="What the weakest recording gives to neutral. \\[default: 0.2]", min=0, max=1)
    ] = None,
) -> None:
    """What each label weighs in the generalist's eight classes; without an argument, the whole table.

    Of a manifest, the last column is what training sees on average, votes and intensity included.

    Example: sottovoce labels ravdess

    Example: sottovoce labels emodb.parquet --table mine.yaml
    """
    from sottovoce.corpora import catalogue
    from sottovoce.speech import harmonisation
    from sottovoce.speech.manifest import Manifest

    chosen = harmonisation.load_table(table)
    readers = catalogue.corpora()
    if what is None:
        _print_set("Every label", chosen, list(chosen.labels))
        terminal.print_line(f"Sets of labels, one at a time: {', '.join(dict.fromkeys([*readers, *chosen.sets]))}")
    elif what in chosen.sets:
        _print_set(what, chosen, chosen.sets[what], what)
    elif what in readers:
        _print_set(readers[what].card.title, chosen, list(readers[what].card.emotions), what)
    elif Path(what).suffix:
        coefficient = harmonisation.NEUTRAL_SMOOTHING if neutral_smoothing is None else neutral_smoothing
        _print_manifest(what, chosen, Manifest.read(what), coefficient)
    else:
        known = ", ".join(dict.fromkeys([*readers, *chosen.sets]))
        raise SottovoceError(f"'{what}' is neither a manifest (.parquet, .csv, .jsonl) nor one of: {known}")


def _print_set(title: str, table: Harmonisation, names: Sequence[str], corpus: str = "") -> None:
    rows = [(name, _in_words(table.weights(name, corpus))) for name in names]
    terminal.print_table(title, ("label", "weights"), rows)


def _print_manifest(title: str, table: Harmonisation, manifest: Manifest, neutral_smoothing: float) -> None:
    from sottovoce.speech.harmonisation import harmonise

    soft, rows = harmonise(manifest, table, neutral_smoothing=neutral_smoothing), []
    kinds = sorted({(u.corpus, u.emotion) for u in manifest})
    several = len({corpus for corpus, _ in kinds}) > 1
    for corpus, label in kinds:
        of_kind = [u.corpus == corpus and u.emotion == label for u in manifest]
        mean = dict(zip(table.classes, soft[of_kind].mean(0).tolist(), strict=True))
        name = f"{corpus}: {label}" if several else label
        rows.append((name, sum(of_kind), _in_words(table.weights(label, corpus)), _in_words(mean)))
    terminal.print_table(title, ("label", "utterances", "weights", "in training, on average"), rows)


def _in_words(weights: Mapping[str, float] | None) -> str:
    """Weights from the largest, those that round to nothing left out."""
    if weights is None:
        return "not in the table"
    ranked = sorted(weights.items(), key=lambda each: -each[1])
    return ", ".join(f"{name} {round(weight, 2):g}" for name, weight in ranked if weight >= 0.005)
