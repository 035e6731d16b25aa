"""BIIC-Podcast: read as MSP-Podcast is."""

from __future__ import annotations

from sottovoce.corpora.published.biic_podcast import prepare
from tests.corpora.miniature import Miniature, facts

A, B = "BIIC-PODCAST_0001_0016_0001.wav", "BIIC-PODCAST_0002_0005.wav"

MINIATURE = Miniature(
    (f"Audios/{A}", f"Audios/{B}"),
    {
        "Labels/labels_consensus.csv": (
            f"FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Split_Set\n{A},N,2.33,4.0,6.33,Unknown,Test\n"
            f"{B},H,4.0,4.75,5.5,5,Train\n"
        ),
        "Labels/labels_detailed.csv": f"FileName,EmoClass_Major\n{A},Neutral\n{A},Angry\n{B},Happy\n",
    },
)


def test_labels_votes_and_parts(folder):
    prepared = prepare(folder)
    assert facts(prepared) == {
        "BIIC-PODCAST_0001_0016_0001": ("biic-podcast-unknown-0001", "neutral", None, "zh"),
        "BIIC-PODCAST_0002_0005": ("biic-podcast-5", "happy", None, "zh"),
    }
    assert [dict(u.votes) for u in prepared.manifest] == [{"neutral": 1, "angry": 1}, {"happy": 1}]
    assert dict(prepared.manifest[0].measures) == {"valence": 4.0, "arousal": 2.33, "dominance": 6.33}
    assert [u.id for u in prepare(folder, "test").manifest] == ["BIIC-PODCAST_0001_0016_0001"]
