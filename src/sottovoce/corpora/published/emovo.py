"""EMOVO: Italian, six actors, fourteen sentences, each in seven emotions."""

from __future__ import annotations

import re
from pathlib import Path

from sottovoce.corpora.card import CorpusCard, Prepared
from sottovoce.corpora.names import prepare_by_name

_EMOTIONS = {
    "neu": "neutral",
    "gio": "happy",
    "rab": "angry",
    "tri": "sad",
    "dis": "disgusted",
    "pau": "fearful",
    "sor": "surprised",
}

_SENTENCES = {
    "b1": "Gli operai si alzano presto.",
    "b2": "I vigili sono muniti di pistola.",
    "b3": "La cascata fa molto rumore.",
    "l1": "L'autunno prossimo Tony partirà per la Spagna nella prima metà di ottobre.",
    "l2": "Ora prendo la felpa di là ed esco per fare una passeggiata.",
    "l3": "Un attimo dopo s'è incamminato ed è inciampato.",
    "l4": "Vorrei il numero telefonico del Signor Piatti.",
    "n1": "La casa forte vuole col pane.",
    "n2": "La forza trova il passo e l'aglio rosso.",
    "n3": "Il gatto sta scorrendo nella pera.",
    "n4": "Insalata pastasciutta coscia d'agnello limoncello.",
    "n5": "Uno quarantatré dieci mille cinquantasette venti.",
    "d1": "Sabato sera cosa farà?",
    "d2": "Porti con te quella cosa?",
}

CARD = CorpusCard(
    name="emovo",
    title="EMOVO",
    language=("it",),
    n_utterances=588,
    n_speakers=6,
    emotions=dict.fromkeys(sorted(_EMOTIONS.values()), 84),
    layout="f1/dis-f1-b1.wav ... m3/tri-m3-n5.wav",
    licence="non-commercial; exact terms not verified",
    home="http://www.lrec-conf.org/proceedings/lrec2014/summaries/591.html",
    citation="Costantini, Iaderola, Paoloni, Todisco: EMOVO Corpus: an Italian Emotional Speech Database, LREC 2014",
    oddities=(
        "All speakers say the same fourteen sentences: every fold shares its texts with training.",
        "Five of the sentences (n1 to n5) make no sense, on purpose.",
        "The published recordings are 48 kHz stereo, one is mono (not verified); channels are averaged.",
    ),
)

_NAME = re.compile(r"(?P<emotion>[a-z]{3})-(?P<speaker>[fm][123])-(?P<text_id>[blnd]\d)")


def prepare(folder: str | Path) -> Prepared:
    """Read EMOVO from any folder above the recordings.

    Raises:
        CorpusError: the folder holds something else, or names that cannot be read.
    """
    return prepare_by_name(folder, CARD, _read_name)


def _read_name(name: str) -> dict[str, str] | None:
    match = _NAME.fullmatch(name.lower())
    if match is None or match["emotion"] not in _EMOTIONS or match["text_id"] not in _SENTENCES:
        return None
    return match.groupdict() | {"emotion": _EMOTIONS[match["emotion"]], "text": _SENTENCES[match["text_id"]]}
