"""IEMOCAP: American English, ten actors in improvised and scripted dialogues of two, and evaluators' votes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import LOSSLESS, files_below, recordings, wrong_folder
from sottovoce.corpora.tables import prepare_from_tables, refuse
from sottovoce.errors import CorpusError
from sottovoce.speech import emotions
from sottovoce.speech.manifest import Utterance

CARD = CorpusCard(
    name="iemocap",
    title="IEMOCAP",
    language=("en",),
    n_utterances=10_039,
    n_speakers=10,
    emotions={
        "neutral": 1708,
        "happy": 1636,
        "angry": 1103,
        "sad": 1084,
        "frustration": 1849,
        "surprised": 107,
        "fearful": 40,
        "disgusted": 2,
        "other": 2510,
    },
    layout=(
        "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt ... and "
        "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav ..."
    ),
    licence="by agreement with its makers, for research",
    home="https://sail.usc.edu/iemocap/",
    citation=(
        "Busso, Bulut, Lee, Kazemzadeh, Mower, Kim, Chang, Lee, Narayanan: IEMOCAP: Interactive emotional dyadic "
        "motion capture database, Language Resources and Evaluation 42(4), 2008"
    ),
    encoding=(
        "Ses01F_impro01_F000: session, who wore the markers, the dialogue, who speaks (F or M), the turn. The speaker "
        "is session and last letter, never the first F or M. EmoEvaluation/*.txt: times, turn, label, [valence, "
        "activation, dominance], then a line an evaluator (C-E1 ...: emotions; C-F1, C-M1: the actor's own view)."
    ),
    oddities=(
        "The label is the majority of the evaluators. 1041 'exc' (excited) and 595 'hap' are one emotion here, happy, "
        "as is usual; 2507 'xxx' without a majority and 3 'oth' are other. The usual four classes are 5531 utterances.",
        "Votes are those of the outside evaluators (C-E...), one ballot each, shared by all that it names; an emotion "
        "that we do not know is other. The actors' own are not counted.",
        "Measures valence, arousal (its activation) and dominance are the evaluators' means from 1 to 5, as published.",
        "dialog/wav holds the whole dialogues, 151 as the turns' names have it: they are no utterances and not read.",
        "The scripted half has the same texts in every session: folds share them. Text ids are not given, for turns "
        "are numbered differently.",
    ),
    sources=(
        "https://github.com/emo-box/EmoBox (data/iemocap: 5531 names and paths)",
        "https://github.com/tsagketas/demokritos-ml-project (datasets/iemocap/README.md: counts of all labels)",
        "https://github.com/CXianRen/AMST (Doc/dataset/IEMOCAP.md: folders and lines of EmoEvaluation)",
    ),
)

_LABELS = ("neu", "hap", "exc", "ang", "sad", "fru", "sur", "fea", "dis", "oth", "xxx")

_NUMBER = r"\d+(?:\.\d+)?"
_TURN = re.compile(
    rf"\[{_NUMBER} - {_NUMBER}\]\s+(?P<name>(?P<session>Ses\d\d)[FM]_\w+_(?P<sex>[FM])\d+)\s+(?P<label>\w+)\s+"
    rf"\[(?P<valence>{_NUMBER}), (?P<arousal>{_NUMBER}), (?P<dominance>{_NUMBER})\]\s*"
)
_BALLOT = re.compile(r"C-E\d+:\s*(?P<emotions>.*?)\s*\(.*")
_SPOKEN = re.compile(r"(?P<name>Ses\d\d[FM]_\w+)\s+\[[\d.]+-[\d.]+\]:\s*(?P<text>.+)")


def prepare(folder: str | Path) -> Prepared:
    """Read IEMOCAP from any folder above its sessions, or one session.

    Raises:
        CorpusError: the folder holds something else, or evaluations that cannot be read: all problems are listed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CorpusError(f"{folder}: there is no such folder")
    tables = sorted(path for path in files_below(folder) if _is_evaluation(path))
    if not tables:
        sounds = recordings(folder, LOSSLESS)
        raise wrong_folder(folder, CARD, [str(path.relative_to(folder.absolute())) for path in sounds])
    problems: list[str] = []
    said = [utterance for table in tables for utterance in _turns(table, problems)]
    refuse(folder, problems)
    return prepare_from_tables(folder, CARD, said, apart=_is_dialogue)


def _is_dialogue(path: Path) -> bool:
    return path.parts[-3:-1] == ("dialog", "wav")


def _is_evaluation(path: Path) -> bool:
    return path.parent.name == "EmoEvaluation" and path.suffix == ".txt"


def _turns(table: Path, problems: list[str]) -> Iterator[Utterance]:
    """The utterances of one dialogue; what cannot be read is added to `problems`."""
    texts = _texts(table.parent.parent / "transcriptions" / table.name)
    blocks = re.split(r"^(?=\[)", table.read_text(encoding="latin-1"), flags=re.MULTILINE)
    for block in blocks[1:]:  # before the first turn stands what the columns are
        first, *rest = block.splitlines()
        match = _TURN.fullmatch(first)
        if match is None or match["label"] not in _LABELS:
            problems.append(f"{table.name}: '{first}' is no turn with a known label")
            continue
        yield Utterance(
            id=match["name"],
            path=match["name"],
            speaker=match["session"] + match["sex"],
            emotion=emotions.canonical(match["label"]) or match["label"],
            text=texts.get(match["name"]),
            votes=emotions.count_votes(map(_ballot, rest)),
            measures={name: float(match[name]) for name in ("valence", "arousal", "dominance")},
        )


def _ballot(line: str) -> list[str]:
    """The emotions that one outside evaluator names; none on any other line."""
    match = _BALLOT.fullmatch(line)
    named = match["emotions"].split(";") if match else []
    return [emotions.canonical(each) or "other" for each in named if each.strip()]


def _texts(transcript: Path) -> Mapping[str, str]:
    """What is said in each turn; empty where the transcript is not there."""
    if not transcript.is_file():
        return {}
    lines = transcript.read_text(encoding="latin-1").splitlines()
    return {match["name"]: match["text"].strip() for match in filter(None, map(_SPOKEN.fullmatch, lines))}
