"""Forms in which other toolkits keep a labelled corpus, read and written: one file a format."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sottovoce.corpora.card import Prepared
from sottovoce.corpora.interchange import audformat, emo_superb, emobox, huggingface, lhotse, nkululeko
from sottovoce.corpora.interchange.format import Format, taken_over
from sottovoce.errors import CorpusError
from sottovoce.speech.manifest import Manifest

__all__ = ["Format", "formats", "read", "write"]


@cache
def formats() -> Mapping[str, Format]:
    """Every format by its name."""
    modules = (audformat, emo_superb, emobox, huggingface, lhotse, nkululeko)
    return {module.FORMAT.name: module.FORMAT for module in modules}


def read(
    name: str,
    place: str | Path,
    *,
    labels: Mapping[str, str] | None = None,
    language: str | None = None,
    audio_to: Path | None = None,
) -> Prepared:
    """Read what another toolkit keeps at `place`.

    Args:
        name: of the format.
        place: what the format's `place` says.
        labels: emotions as written there, to those of `speech.emotions`; the usual spellings are known without.
        language: ISO 639-1 code, for the utterances of which the format says none.
        audio_to: folder for recordings that lie inside a table; beside `place` where it is None.

    Returns:
        The manifest, and notes on what was left out, such as rows whose recording is not there.

    Raises:
        CorpusError: there is no such format, or `place` does not hold it, with every problem found.
        MissingExtra: the format needs a library that is not installed.
    """
    place = Path(place)
    if not place.exists():
        raise CorpusError(f"{place}: there is nothing; {_format(name).title} is {_format(name).place}")
    foreign = _format(name).read(place, audio_to or place.with_name(f"{place.stem}-recordings"))
    return taken_over(_format(name), foreign, place, labels or {}, language)


def write(name: str, manifest: Manifest, place: str | Path) -> list[str]:
    """Write a manifest for another toolkit. Recordings stay where they are, but in formats that hold them.

    Returns:
        Notes: what the format does not hold, and what was left out.

    Raises:
        CorpusError: there is no such format, or it cannot hold these utterances.
        MissingExtra: the format needs a library that is not installed.
    """
    if not len(manifest):
        raise CorpusError(f"{place}: there are no utterances to write")
    return _format(name).write(manifest, Path(place))


def _format(name: str) -> Format:
    if name not in formats():
        raise CorpusError(f"There is no format '{name}'; there are: {', '.join(formats())}")
    return formats()[name]
