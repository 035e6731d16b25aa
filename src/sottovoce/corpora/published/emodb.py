"""EmoDB, the Berlin database of emotional speech: German, ten actors, ten sentences, twenty listeners."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import LOSSLESS, prepare_by_name, recordings
from sottovoce.corpora.tables import nearest, number, read_table, refuse
from sottovoce.errors import CorpusError

CARD = CorpusCard(
    name="emodb",
    title="EmoDB",
    language=("de",),
    n_utterances=535,
    n_speakers=10,
    emotions={
        "angry": 127,
        "bored": 81,
        "disgusted": 46,
        "fearful": 69,
        "happy": 71,
        "neutral": 79,
        "sad": 62,
    },
    layout="wav/03a01Fa.wav ... and erkennung.txt (or audEERING's db.emotion.csv) with the listeners' recognition",
    licence="free of charge to download and use with citation; exact terms not verified",
    home="http://emodb.bilderbar.info",
    citation=(
        "Burkhardt, Paeschke, Rolfes, Sendlmeier, Weiss: A database of German emotional speech, Interspeech 2005, "
        "doi:10.21437/Interspeech.2005-446"
    ),
    oddities=(
        "The published 535 are those of about 800 that at least 80 % of the listeners recognised: an easy selection.",
        "All speakers say the same ten sentences: every fold shares its texts with training.",
        "Votes come as the share that recognised the intended emotion; who chose which other one is not published. "
        "We spread the rest evenly over the other six emotions.",
        "The rates are in erkennung.txt; audEERING's packing has the same, as emotion.confidence in db.emotion.csv.",
    ),
    sources=("https://github.com/audeering/emodb (1.1.0/create.py: how its confidence was made)",),
)

_EMOTIONS = {
    "W": "angry",
    "L": "bored",
    "E": "disgusted",
    "A": "fearful",
    "F": "happy",
    "N": "neutral",
    "T": "sad",
}

_SENTENCES = {
    "a01": "Der Lappen liegt auf dem Eisschrank.",
    "a02": "Das will sie am Mittwoch abgeben.",
    "a04": "Heute abend könnte ich es ihm sagen.",
    "a05": "Das schwarze Stück Papier befindet sich da oben neben dem Holzstück.",
    "a07": "In sieben Stunden wird es soweit sein.",
    "b01": "Was sind denn das für Tüten, die da unter dem Tisch stehen?",
    "b02": "Sie haben es gerade hochgetragen und jetzt gehen sie wieder runter.",
    "b03": "An den Wochenenden bin ich jetzt immer nach Hause gefahren und habe Agnes besucht.",
    "b09": "Ich will das eben wegbringen und dann mit Karl was trinken gehen.",
    "b10": "Die wird auf dem Platz sein, wo wir sie immer hinlegen.",
}

LARYNGOGRAMS = "laryngo"
"""A folder of EmoDB 2.0, whose recordings have the names of those beside it."""

_NAME = re.compile(r"(?P<speaker>\d\d)(?P<text_id>[ab]\d\d)(?P<emotion>[A-Z])[a-z]?")
_RATES, _CONFIDENCES, _N_LISTENERS = "erkennung.txt", "db.emotion.csv", 20
_RATE = re.compile(r"(\d\d[ab]\d\d[A-Z][a-z]?)\.wav\s+(\d+(?:,\d+)?)")


def prepare(folder: str | Path) -> Prepared:
    """Read EmoDB from any folder above the recordings, with votes where a table of rates lies below or beside it.

    Raises:
        CorpusError: the folder holds something else (EmoDB 2.0, too), or names or rates that cannot be read.
    """
    folder = Path(folder)
    if any(is_laryngogram(path) for path in recordings(folder, LOSSLESS)):
        raise CorpusError(f"{folder} is EmoDB 2.0; read it with: sottovoce prepare emodb-2 {folder}")
    rates = _recognition_rates(folder)
    prepared = prepare_by_name(
        folder, CARD, read_name, lambda recording, emotion: votes_of(emotion, rates.get(recording))
    )
    without = sum(not utterance.votes for utterance in prepared.manifest)
    if not without:
        return prepared
    note = f"{without} utterances have no listeners' votes: not in {_RATES} or {_CONFIDENCES}, or neither is there"
    return Prepared(prepared.manifest, (*prepared.notes, note))


def read_name(name: str) -> dict[str, str] | None:
    """What the name of a recording says; None where it is no name of EmoDB."""
    match = _NAME.fullmatch(name)
    if match is None or match["emotion"] not in _EMOTIONS or match["text_id"] not in _SENTENCES:
        return None
    return match.groupdict() | {"emotion": _EMOTIONS[match["emotion"]], "text": _SENTENCES[match["text_id"]]}


def is_laryngogram(path: Path) -> bool:
    """Whether a file of EmoDB 2.0 is no speech."""
    return path.parent.name == LARYNGOGRAMS


def _recognition_rates(folder: Path) -> dict[str, float]:
    """Share of listeners who recognised the intended emotion, by recording; empty without a table."""
    above = folder.absolute().parent
    if table := nearest(folder, _RATES, above):
        # The columns are padded with bytes that are no-break spaces in Latin-1, and decimals have a comma.
        text = table.read_text(encoding="latin-1")
        return {name: float(percent.replace(",", ".")) / 100 for name, percent in _RATE.findall(text)}
    if table := nearest(folder, _CONFIDENCES, above):
        rows = read_table(table, ["file"], numbers=["emotion.confidence"])
        rates = {Path(row["file"]).stem: number(row["emotion.confidence"]) for row in rows}
        wrong = {name: rate for name, rate in rates.items() if not 0 <= rate <= 1}
        refuse(table, [f"{name}: emotion.confidence is {rate}, not from 0 to 1" for name, rate in wrong.items()])
        return rates
    return {}


def votes_of(emotion: str, recognised: float | None) -> Mapping[str, float]:
    """A recognition rate as votes of twenty listeners, those who erred spread evenly: the even spread is ours."""
    if recognised is None:
        return {}
    others = [name for name in _EMOTIONS.values() if name != emotion]
    each = _N_LISTENERS * (1 - recognised) / len(others)
    return {emotion: _N_LISTENERS * recognised} | dict.fromkeys(others, each)
