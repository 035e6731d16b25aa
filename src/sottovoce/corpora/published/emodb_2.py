"""EmoDB 2.0: EmoDB with the recordings that few listeners recognised, from its tables in audformat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.published.emodb import LARYNGOGRAMS, is_laryngogram, read_name, votes_of
from sottovoce.corpora.tables import Rows, find_tables, number, prepare_from_tables, read_table, refuse
from sottovoce.errors import CorpusError
from sottovoce.speech import emotions
from sottovoce.speech.manifest import Utterance

_TABLES = {
    "train": "db.emotion.categories.train.gold_standard.csv",
    "test": "db.emotion.categories.test.gold_standard.csv",
    "ambiguous": "db.emotion.categories.ambiguous.csv",
}

PARTS = tuple(_TABLES)

_ALL = "db.emotion.csv"

CARD = CorpusCard(
    name="emodb-2",
    title="EmoDB 2.0",
    language=("de",),
    n_utterances=816,
    n_speakers=10,
    emotions={},
    layout=f"{_ALL}, {_TABLES['train']} ..., wav/03a01Fa.wav ..., {LARYNGOGRAMS}/03a01Fa.wav ...",
    licence="CC0-1.0 (as audEERING publishes EmoDB)",
    home="https://zenodo.org/records/17651657",
    citation=(
        "Burkhardt, Paeschke, Rolfes, Sendlmeier, Weiss: A database of German emotional speech, Interspeech 2005, "
        "doi:10.21437/Interspeech.2005-446"
    ),
    encoding=(
        "file, emotion, emotion.confidence (share of the listeners who recognised it, 0 to 1), emotion.naturalness; "
        "the name says speaker, sentence and emotion as in EmoDB"
    ),
    oddities=(
        "281 recordings more than EmoDB, those that less than 80 % recognised: part 'ambiguous'. Its label is the "
        "acted emotion, which for some is not what most listeners heard: prefer the votes.",
        "How many an emotion has is not verified.",
        "Votes come from emotion.confidence as EmoDB's do from its recognition rates: twenty listeners, those who "
        "erred spread evenly over the other six emotions (ours).",
        "The measure `naturalness` is meant to be the listeners' from 0 to 1. Do not rely on it: the program that made "
        "the tables seems to assign it in another order of files (2.0.0/update.py), so that a recording has the number "
        "of another (suspected, not verified).",
        "So it does with emotion and confidence in the table of part 'ambiguous' (suspected): here the tables of parts "
        f"say which files are theirs alone, and labels come from {_ALL}.",
        f"{LARYNGOGRAMS}/ holds a laryngogram for each recording under the same name: they are no speech and not read.",
        "The parts train and test share no speaker; they are unofficial.",
        "All speakers say the same ten sentences: every fold shares its texts with training.",
    ),
    sources=(
        "https://github.com/audeering/emodb (2.0.0/README.md and update.py, CHANGELOG.md, README.md)",
        "https://github.com/felixbur/nkululeko (data/emodb/README.md: the download)",
    ),
)


def prepare(folder: str | Path, part: str | None = None) -> Prepared:
    """Read EmoDB 2.0, or one of its parts, from any folder above its tables and recordings.

    Raises:
        CorpusError: the folder holds something else, or a table that cannot be read: all problems are listed.
    """
    table = find_tables(folder, CARD, [_ALL])[_ALL]
    rows = read_table(table, ["file", "emotion"], numbers=["emotion.confidence"])
    if part is not None:  # which is a list of files alone: the labels that stand there are in doubt (see the card)
        listed = read_table(find_tables(folder, CARD, [_TABLES[part]])[_TABLES[part]], ["file"])
        files = {row["file"] for row in listed}
        rows = [row for row in rows if row["file"] in files]
    problems: list[str] = []
    said = list(_utterances(table.name, rows, problems))
    refuse(folder, problems)
    if not said:
        raise CorpusError(f"{table}: there are no rows")
    return prepare_from_tables(folder, CARD, said, whole=part is None, apart=is_laryngogram)


def _utterances(table: str, rows: Rows, problems: list[str]) -> Iterator[Utterance]:
    """What the rows say; those that cannot be read are added to `problems`."""
    for row in rows:
        read, emotion = read_name(Path(row["file"]).stem), emotions.canonical(row["emotion"])
        confidence = float(row["emotion.confidence"])
        if read is None or emotion is None or read["emotion"] != emotion or not 0 <= confidence <= 1:
            problems.append(f"{table}: {row['file']} is no name of EmoDB's with '{row['emotion']}' from 0 to 1")
            continue
        yield Utterance(
            id=Path(row["file"]).stem,
            path=row["file"],
            speaker=read["speaker"],
            emotion=emotion,
            text=read["text"],
            text_id=read["text_id"],
            votes=votes_of(emotion, confidence),
            measures={"naturalness": number(row.get("emotion.naturalness"))},
        )
