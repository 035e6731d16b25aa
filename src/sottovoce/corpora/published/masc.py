"""MASC, Mandarin Affective Speech (LDC2007S09): Mandarin, 68 speakers, phrases and sentences read three times."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {"anger": "angry", "elation": "happy", "neutral": "neutral", "panic": "fearful", "sadness": "sad"}

CARD = CorpusCard(
    name="masc",
    title="MASC",
    language=("zh",),
    n_utterances=None,
    n_speakers=68,
    emotions={},
    layout="data/001/anger/phrase/*.wav ... data/068/sadness/utterance/2203.wav",
    licence="Mandarin Affective Speech Agreement, of the Linguistic Data Consortium; to be asked for there",
    home="https://catalog.ldc.upenn.edu/LDC2007S09",
    citation=(
        "T. Wu, Y. Yang, Z. Wu, D. Li: MASC: A Speech Corpus in Mandarin for Emotion Analysis and Affective Speaker "
        "Recognition. IEEE Odyssey, 2006"
    ),
    encoding=(
        "the folders are speaker (001 to 068), emotion, and what was read: phrase or utterance. Names have four "
        "digits; those of utterances begin with 2 and the text's number. That the last digit counts the repetition is "
        "inferred from the paper's three repetitions, not verified"
    ),
    oddities=(
        "Elation is read as happy and panic as fearful.",
        "All speakers read the same texts in every emotion: every fold shares its texts with training.",
        "Some sentences suit an emotion by their wording, so what is said may tell what is felt.",
        "Neutral has two paragraphs a speaker besides; what lies in a folder 'paragraph' (its name is not verified) is "
        "left out, for no other emotion has any.",
        "Numbers of recordings were not verified, nor names in a copy of ours: we have none.",
    ),
    sources=(
        "https://catalog.ldc.upenn.edu/LDC2007S09 (speakers, emotions, licence)",
        "the paper (phrases, sentences, repetitions, paragraphs)",
        "https://github.com/maxlchen/Speech-PreFinetuning, load_datasets.py (folders)",
        "a public program that copies utterances 211 to 220 of speakers 001 to 068 (names)",
    ),
)

_NAME = re.compile(
    rf"(?P<speaker>\d{{3}})-(?P<emotion>{'|'.join(_EMOTIONS)})-(?P<kind>phrase|utterance|paragraph)-(?P<name>\w+)"
)


def prepare(folder: str | Path) -> Prepared:
    """Read MASC from any folder above those of the speakers.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name, name_of=_name_of)


def _name_of(path: Path) -> str:
    return "-".join((*path.parts[-4:-1], path.stem)).lower()


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    if match["kind"] == "paragraph":
        return {}
    text = match["name"][:-1] if re.fullmatch(r"\d{4}", match["name"]) else match["name"]
    return {"speaker": match["speaker"], "emotion": _EMOTIONS[match["emotion"]], "text_id": f"{match['kind']}-{text}"}
