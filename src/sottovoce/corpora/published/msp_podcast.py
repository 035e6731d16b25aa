"""MSP-Podcast: English from podcasts of many people, each turn heard by five raters or more; releases from 1.6 on."""

from __future__ import annotations

from pathlib import Path

from sottovoce.corpora import podcasts
from sottovoce.corpora.card import CorpusCard, Prepared

CARD = CorpusCard(
    name="msp-podcast",
    title="MSP-Podcast",
    language=("en",),
    n_utterances=None,
    n_speakers=None,
    emotions={},
    layout="Audios/MSP-PODCAST_0001_0008.wav ... and Labels/labels_consensus.csv, labels_detailed.csv (or .json)",
    licence="by agreement with the University of Texas at Dallas",
    home="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html",
    citation=(
        "Lotfian, Busso: Building naturalistic emotionally balanced speech corpus by retrieving emotional speech from "
        "existing podcast recordings, IEEE Transactions on Affective Computing 10(4), 2019; Busso et al.: The "
        "MSP-Podcast Corpus, arXiv:2509.09791, 2025"
    ),
    encoding=(
        "labels_consensus (labels_concensus up to 1.9): FileName, EmoClass (A angry, S sad, H happy, U surprise, "
        "F fear, D disgust, C contempt, N neutral, O other, X no agreement), EmoAct, EmoVal, EmoDom, SpkrID, Gender, "
        "Split_Set. labels_detailed: FileName and EmoClass_Major, or one text EmoDetail, for each rater. "
        "Speaker_ids.txt: recording;speaker. Partitions.txt: set; recording (asked where the table has no Split_Set)."
    ),
    oddities=(
        "Counts depend on the release and are not checked: 1.12 has 207,136 turns (its readme), the first of the "
        "Odyssey 2024 challenge 116,221 with labels from 2,828 speakers, 2.0 has 264,705 with labels.",
        "The label is the raters' plurality. Without one (X) it is other, as is O; the usual tables leave both out.",
        "Votes are the raters' primary emotions, one each; what they typed after 'Other-' is other. Secondary emotions "
        "are not read.",
        "Measures valence, arousal and dominance are means of the raters from 1 to 7, as published.",
        "A speaker is the SpkrID of the labels; Speaker_ids.txt of the same release is asked where that is not known.",
        "A row without a class is left out, and a note counts them.",
        "A speaker given as Unknown counts as one for each podcast (ours), for nobody knows who else that is.",
        "Test3 was published without labels: it is left out. Up to release 1.9 'development' is called Validation.",
        "Recordings of earlier releases that 1.12 keeps in files_removed_from_prev_versions have no labels there and "
        "are left out.",
    ),
    sources=(
        "readme.txt of release 1.12 (https://openreview.net/attachment?id=6p9n68cxGM&name=supplementary_material) and "
        "of the Odyssey 2024 challenge's release",
        "https://github.com/felixbur/nkululeko (data/msp-podcast, data/odyssey-cat-2024)",
        "public programs that read releases 1.6 to 2.0 (columns of labels_detailed; no copy was seen)",
    ),
)

PARTS = podcasts.PARTS


def prepare(folder: str | Path, part: str | None = None) -> Prepared:
    """Read MSP-Podcast, or one of its parts, from any folder above `Labels` and `Audios`.

    Raises:
        CorpusError: the folder holds something else, or labels that cannot be read.
    """
    return podcasts.prepare_podcasts(folder, CARD, part)
