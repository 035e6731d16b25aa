"""BIIC-Podcast: Taiwanese Mandarin from podcasts, collected and labelled in the way of MSP-Podcast."""

from __future__ import annotations

from pathlib import Path

from sottovoce.corpora import podcasts
from sottovoce.corpora.card import CorpusCard, Prepared

CARD = CorpusCard(
    name="biic-podcast",
    title="BIIC-Podcast",
    language=("zh",),
    n_utterances=None,
    n_speakers=None,
    emotions={},
    layout="Audios/BIIC-PODCAST_0001_0031.wav ... and Labels/labels_consensus.csv, labels_detailed.csv (or .json)",
    licence="by agreement with the BIIC laboratory of National Tsing Hua University, for research (not verified)",
    home="https://biic.ee.nthu.edu.tw/open_resource_detail.php?id=63",
    citation=(
        "Upadhyay et al.: An Intelligent Infrastructure Toward Large Scale Naturalistic Affective Speech Corpora "
        "Collection, ACII 2023"
    ),
    encoding="As MSP-Podcast's; some names have a third number for a piece of a turn: BIIC-PODCAST_0001_0016_0001.",
    oddities=(
        "Not verified on a copy: that its tables are named and written as MSP-Podcast's, and all counts. Names of "
        "recordings, the attributes EmoAct, EmoVal, EmoDom and the sets Train, Development, Test are those in "
        "EMO-SUPERB's tables.",
        "Measures valence, arousal and dominance are means of the raters from 1 to 7 (not verified), as published.",
        "Label, votes, and speakers whom nobody identified are as for MSP-Podcast.",
    ),
    sources=("https://github.com/EMOsuperb/EMO-SUPERB-submission (data/BIIC_PODCAST: names, attributes, sets)",),
)

PARTS = ("train", "development", "test")


def prepare(folder: str | Path, part: str | None = None) -> Prepared:
    """Read BIIC-Podcast, or one of its parts, from any folder above `Labels` and `Audios`.

    Raises:
        CorpusError: the folder holds something else, or labels that cannot be read.
    """
    return podcasts.prepare_podcasts(folder, CARD, part)
