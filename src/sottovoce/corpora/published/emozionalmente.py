"""Emozionalmente: Italian, 431 amateurs at home, eighteen sentences, seven emotions, five listeners a recording."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.tables import find_tables, nearest, prepare_from_tables, read_table, refuse
from sottovoce.speech import emotions
from sottovoce.speech.manifest import Utterance

_SAMPLES, _EVALUATIONS = "samples.csv", "evaluations.csv"

_EMOTIONS = {
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "fearful",
    "joy": "happy",
    "neutrality": "neutral",
    "sadness": "sad",
    "surprise": "surprised",
}

CARD = CorpusCard(
    name="emozionalmente",
    title="Emozionalmente",
    language=("it",),
    n_utterances=6_902,
    n_speakers=431,
    emotions=dict.fromkeys(_EMOTIONS.values(), 986),
    layout=f"metadata/{_SAMPLES}, metadata/{_EVALUATIONS}, audio/1613655062436.wav ...",
    licence="CC BY 4.0",
    home="https://zenodo.org/record/6569824",
    citation="Catania: Emozionalmente: a crowdsourced Italian speech emotional corpus, Zenodo, 2022, record 6569824",
    encoding=(
        f"{_SAMPLES}: file_name, emotion_expressed, sentence, actor; "
        f"{_EVALUATIONS}: file_name, emotion_recognized, a row a listener"
    ),
    oddities=(
        "The label is what the amateur meant to express; listeners chose it in 66 % of their answers (published). The "
        "votes are what they heard, one a listener, about five a recording.",
        "All say the same eighteen sentences: every fold shares its texts with training.",
        "Recorded with people's own telephones and computers; sampled at 16 or 44.1 kHz.",
    ),
    sources=(
        "https://zenodo.org/record/6569824 as described in nkululeko",
        "https://github.com/felixbur/nkululeko, data/emozionalmente (columns, counts, licence)",
        "https://github.com/emo-box/EmoBox, data/emozionalmente (all names and labels)",
    ),
)


def prepare(folder: str | Path) -> Prepared:
    """Read Emozionalmente from any folder above `metadata` and `audio`, with votes where the evaluations are there.

    Raises:
        CorpusError: the folder holds something else, or a table cannot be read.
    """
    samples = read_table(find_tables(folder, CARD, [_SAMPLES])[_SAMPLES], ["file_name", "emotion_expressed", "actor"])
    table = nearest(Path(folder), _EVALUATIONS)
    heard = read_table(table, ["file_name", "emotion_recognized"]) if table else []
    ballots: dict[str, list[tuple[str]]] = defaultdict(list)
    labels = [(_SAMPLES, row["emotion_expressed"]) for row in samples]
    labels += [(_EVALUATIONS, row["emotion_recognized"]) for row in heard]
    unknown = sorted({(table, label) for table, label in labels if label not in _EMOTIONS})
    refuse(folder, [f"{table}: '{label}' is none of {', '.join(_EMOTIONS)}" for table, label in unknown])
    for row in heard:
        ballots[row["file_name"]].append((_EMOTIONS[row["emotion_recognized"]],))
    return prepare_from_tables(folder, CARD, (_utterance(row, ballots[row["file_name"]]) for row in samples))


def _utterance(row: dict[str, str], ballots: list[tuple[str]]) -> Utterance:
    sentence = row.get("sentence") or None
    return Utterance(
        id=Path(row["file_name"]).stem,
        path=row["file_name"],
        speaker=row["actor"],
        emotion=_EMOTIONS[row["emotion_expressed"]],
        text=sentence,
        text_id=sentence,
        votes=emotions.count_votes(ballots),
    )
