"""CREMA-D: North American English, 91 actors, twelve sentences, six emotions, and what crowds heard in them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name
from sottovoce.corpora.tables import nearest, number, read_table
from sottovoce.speech.emotions import count_votes

_EMOTIONS = {
    "ANG": "angry",
    "DIS": "disgusted",
    "FEA": "fearful",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}

_SENTENCES = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.",
    "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.",
    "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}

_INTENSITIES = {"LO": "0", "MD": "0.5", "HI": "1"}  # XX says nothing of how strong it was meant to be

_LETTERS = {code[0]: emotion for code, emotion in _EMOTIONS.items()}

_TABULATED, _RESPONSES = "tabulatedVotes.csv", "finishedResponses.csv"

_VOICE = "1"
"""How a listener who heard the voice alone is marked: `queryType`, and the first of six digits of a row's number."""

CARD = CorpusCard(
    name="cremad",
    title="CREMA-D",
    language=("en",),
    n_utterances=7442,
    n_speakers=91,
    emotions={"neutral": 1087} | dict.fromkeys(sorted(set(_EMOTIONS.values()) - {"neutral"}), 1271),
    layout=f"AudioWAV/1001_DFA_ANG_XX.wav ... and processedResults/{_TABULATED} with the votes",
    licence="Open Database License 1.0, its contents under the Database Contents License 1.0",
    home="https://github.com/CheyneyComputerScience/CREMA-D",
    citation=(
        "Cao, Cooper, Keutmann, Gur, Nenkova, Verma: CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset, "
        "IEEE Transactions on Affective Computing 5(4), 2014, doi:10.1109/TAFFC.2014.2336244"
    ),
    encoding="1001_DFA_ANG_XX: actor, sentence, the emotion that was acted, its intensity (LO, MD, HI; XX: not said)",
    oddities=(
        "The label is what was acted. Of the 7442 majorities of those who heard the voice alone 42 % are that emotion, "
        "and 52 % are neutral (counted in the table of votes): use the votes, or expect a low ceiling.",
        "Votes are those of listeners who heard the voice alone; who saw the face as well is not counted. They come "
        f"from {_TABULATED} (without answers that took over 10 s), where it is absent from {_RESPONSES}.",
        "All actors say the same twelve sentences: every fold shares its texts with training.",
        "Only 'It's eleven o'clock' was acted in three intensities.",
        "1040_ITH_SAD_XX was published as 1040_ITH_SAD_X up to October 2022: either name is the utterance's.",
        "1076_MTI_SAD_XX has no audio and is very short, says its README.",
    ),
    sources=(
        "https://github.com/CheyneyComputerScience/CREMA-D (README, LICENSE.txt, tabulateVotesV2.r; all names counted; "
        "commit 26f9fcc7: the name that was deleted)",
    ),
)

_NAME = re.compile(r"(?P<speaker>1\d{3})_(?P<text_id>[A-Z]{3})_(?P<emotion>[A-Z]{3})_(?P<intensity>LO|MD|HI|XX)")
_MISNAMED = "1040_ITH_SAD_X"  # up to October 2022, when it was named 1040_ITH_SAD_XX as the table of votes has it


def prepare(folder: str | Path) -> Prepared:
    """Read CREMA-D from any folder above the recordings, with the votes where their table lies beside or above them.

    Raises:
        CorpusError: the folder holds something else, names that cannot be read, or a table of votes that cannot.
    """
    votes = _votes(Path(folder))
    prepared = prepare_by_name(
        folder, CARD, _read_name, lambda recording, emotion: votes.get(recording, {}), name_of=_name_of
    )
    n_without = sum(not u.votes for u in prepared.manifest)
    if not n_without:
        return prepared
    note = f"{n_without} utterances have no listeners' votes: they are not in {_TABULATED}, or it is not there"
    return Prepared(prepared.manifest, (*prepared.notes, note))


def _name_of(path: Path) -> str:
    return f"{path.stem}X" if path.stem == _MISNAMED else path.stem


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name)
    if match is None or match["emotion"] not in _EMOTIONS or match["text_id"] not in _SENTENCES:
        return None
    read = match.groupdict() | {"emotion": _EMOTIONS[match["emotion"]], "text": _SENTENCES[match["text_id"]]}
    intensity = _INTENSITIES.get(read.pop("intensity"))
    return read if intensity is None else read | {"intensity": intensity}


def _votes(folder: Path) -> dict[str, Mapping[str, float]]:
    """By recording, from whichever table is there; empty without one."""
    ballots: dict[str, list[tuple[str]]] = defaultdict(list)
    above = folder.absolute().parent
    beside = (above, above / "processedResults")
    if table := nearest(folder, _TABULATED, *beside):
        for row in read_table(table, ["", "fileName"], numbers=[*_LETTERS]):
            if len(row[""]) == 6 and row[""].startswith(_VOICE):
                for letter, emotion in _LETTERS.items():
                    ballots[row["fileName"]] += [(emotion,)] * int(number(row[letter]))
    elif table := nearest(folder, _RESPONSES, above):
        for row in read_table(table, ["queryType", "clipName", "respEmo"]):
            if row["queryType"] == _VOICE and row["respEmo"] in _LETTERS:
                ballots[row["clipName"]].append((_LETTERS[row["respEmo"]],))
    return {recording: count_votes(said) for recording, said in ballots.items()}
