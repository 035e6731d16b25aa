"""Names of emotions, the many spellings of them, and the way from listeners' votes to a distribution."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

FOUR_CLASSES = ("angry", "happy", "neutral", "sad")
"""The label set of arXiv 2409.10985, and our default."""

# Each name with the spellings met in corpora, in English and in the languages of the shipped readers.
_SPELLINGS: dict[str, tuple[str, ...]] = {
    "angry": (
        "anger",
        "ang",
        "rabbia",
        "ärger",
        "aerger",
        "wut",
        "hot anger",
        "enfado",
        "enojo",
        "ira",
        "colère",
        "colere",
    ),
    "happy": (
        "happiness",
        "hap",
        "joy",
        "joyful",
        "gioia",
        "freude",
        "felicidad",
        "alegría",
        "alegria",
        "joie",
        "excited",
        "excitement",
        "exc",
    ),
    "neutral": ("neu", "neutral state", "neutrality", "neutrale", "neutre", "neutro"),
    "sad": ("sadness", "sadnes", "tristezza", "trauer", "tristeza", "tristesse"),
    "fearful": ("fear", "fea", "afraid", "paura", "angst", "miedo", "peur", "anxious", "anxiety"),
    "disgusted": ("disgust", "dis", "disgusto", "ekel", "asco", "dégoût", "degout"),
    "surprised": ("surprise", "sur", "sorpresa", "überraschung", "pleasant surprise", "ps", "surprised pleasantly"),
    "calm": ("calmness", "relaxed"),
    "bored": ("boredom", "bor", "langeweile", "boardom", "boredem"),
    "contempt": ("contemptuous",),
    "other": ("oth", "unknown", "xxx", "no-agreement", "no agreement", "breath"),
}

# Finer ones: the dimensions that Hume's measurement of speech prosody prints, then what EmoBox's corpora add.
_FINER_SPELLINGS: dict[str, tuple[str, ...]] = {
    "admiration": (),
    "adoration": (),
    "aesthetic appreciation": (),
    "amusement": ("amused",),
    "awe": (),
    "awkwardness": (),
    "concentration": (),
    "confusion": ("confused",),
    "contemplation": (),
    "contentment": (),
    "craving": (),
    "desire": (),
    "determination": (),
    "disappointment": ("disappointed", "disappointment,disapproval", "disappointment, disapproval"),
    "distress": (),
    "doubt": (),
    "ecstasy": (),
    "embarrassment": ("embarrassed",),
    "empathic pain": (),
    "entrancement": (),
    "envy": (),
    "guilt": (),
    "horror": (),
    "interest": ("interested",),
    "love": (),
    "nostalgia": (),
    "pain": ("pain,groan", "pain, groan"),
    "pride": ("proud",),
    "realization": ("realisation",),
    "relief": (),
    "romance": (),
    "satisfaction": ("satisfied",),
    "shame": (),
    "surprise (negative)": ("surprise negative", "negative surprise"),
    "surprise (positive)": ("surprise positive", "positive surprise"),
    "sympathy": (),
    "tiredness": ("tired", "sleepy", "sleepiness"),
    "triumph": (),
    "frustration": ("frustrated", "fru"),
    "worry": ("worried",),
    "concern": ("concerned",),
    "apology": ("apologetic",),
    "assertiveness": ("assertive",),
    "encouragement": ("encouraging",),
    "enthusiasm": ("enthusiastic",),
    "pleasure": (),
    "sarcasm": ("sarcastic",),
    "poker face": ("poker",),
}

NAMES = tuple(_SPELLINGS)
"""The usual emotions, for messages and tables."""

FINER_NAMES = tuple(_FINER_SPELLINGS)
"""What else a manifest may name. The usual label sets have no class for them; `speech.harmonisation` mixes them."""

_CANONICAL = {
    spelling: name for name, others in (_SPELLINGS | _FINER_SPELLINGS).items() for spelling in (name, *others)
}


def canonical(label: str) -> str | None:
    """The name for one spelling of an emotion, or None where it is unknown."""
    composed = unicodedata.normalize("NFC", label)  # file names of macOS hold `e` and its accent apart
    return _CANONICAL.get(composed.strip().lower().replace("_", " "))


def count_votes(ballots: Iterable[Sequence[str]]) -> dict[str, float]:
    """Listeners' ballots as votes: each ballot is one vote, shared evenly by the emotions it names (ours).

    Args:
        ballots: the emotions, by the names of this module, that each listener named; one who named none does not count.

    Returns:
        Votes by emotion, in order of first mention; they sum to the number of ballots that name any.
    """
    votes: dict[str, float] = {}
    for ballot in ballots:
        for name in ballot:
            votes[name] = votes.get(name, 0.0) + 1 / len(ballot)
    return votes


def soft_label(votes: Mapping[str, float], label: str, classes: Sequence[str], epsilon: float) -> list[float]:
    """Listeners' votes as a smoothed distribution: `y_k = (1 - eps) n_k / N + eps / K`.

    Args:
        votes: how many listeners chose each emotion, on any positive scale; those outside `classes` do not count.
        label: the one label to fall back on where no vote lies within `classes`.
        classes: the K emotions, in the order of the result.
        epsilon: the smoothing constant in [0, 1) (arXiv 2409.10985 cites label smoothing and prints no value).

    Returns:
        K probabilities that sum to 1.

    Raises:
        ValueError: there is no vote within `classes` and `label` is not one of them, or epsilon is out of range.
    """
    if not 0 <= epsilon < 1:
        raise ValueError(f"epsilon must lie in [0, 1), not {epsilon}")
    counts = [float(votes.get(name, 0.0)) for name in classes]
    total = sum(counts)
    if total <= 0:
        if label not in classes:
            raise ValueError(f"'{label}' is none of the classes {', '.join(classes)}")
        counts, total = [float(name == label) for name in classes], 1.0
    return [(1 - epsilon) * (count / total) + epsilon / len(classes) for count in counts]
