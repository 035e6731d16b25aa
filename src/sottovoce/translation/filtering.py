"""Which translations enter `D_syn`: in the right language, of a likely duration, and without going round in circles.

The rule on language is arXiv 2409.10985's (section II-B): the likeliest language is the target's. The two checks beside
it are ours. Drops are counted by emotion: a filter that drops one more than the others changes what is learnt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sottovoce.errors import ManifestError
from sottovoce.speech.checks import Table
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.translation.language_id import probabilities
from sottovoce.translation.repetition import repeated_share

LEVEL = 0.01
"""Of the test whether emotions are dropped alike. A screen, no proof: utterances of one speaker are not independent."""

_DRAWS = 9_999


@dataclass(frozen=True)
class FilterRule:
    """What a translation must be.

    `target_language` is None where languages were not identified. `threshold` is the least probability of the target
    language; None asks that it be the likeliest. `duration_ratio` bounds translated over source speech: languages say
    the same in about the same time (Coupé et al. 2019), and less than half of it, or more than twice, is a translation
    cut off or run away; the bounds leave room beyond that for speakers' tempo. `repetition` is the largest share of the
    text that may repeat (see `repetition.repeated_share`). Neither default was tuned on results.
    """

    target_language: str | None
    threshold: float | None = None
    duration_ratio: tuple[float, float] = (0.4, 2.5)
    repetition: float = 0.5


@dataclass(frozen=True)
class Drop:
    """A translation that was dropped, and every reason for it."""

    id: str
    emotion: str
    reasons: tuple[str, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Filtered:
    """What passed and what did not. `warnings` say what a reader of the results must know of the filter."""

    kept: Manifest
    dropped: tuple[Drop, ...]
    tables: tuple[Table, ...]
    warnings: tuple[str, ...]


def filter_translations(translated: Manifest, rule: FilterRule) -> Filtered:
    """Drop what the rule does not let through.

    Args:
        translated: utterances with `duration_ratio` and `language_*` among their measures, where those were measured,
            and the translator's text, where it gave one. What was not measured is not held against an utterance, but
            for the language, which must be known if the rule names one.
        rule: what a translation must be.

    Raises:
        ManifestError: nothing is left, or the target language was no candidate.
    """
    _require_candidate(translated, rule.target_language)
    judged = {u.id: _faults(u, rule) for u in translated}
    dropped = tuple(
        Drop(u.id, u.emotion, tuple(judged[u.id].values()), tuple(judged[u.id])) for u in translated if judged[u.id]
    )
    kept = translated.filter(lambda u: not judged[u.id])
    if len(translated) and not len(kept):
        common = Counter(kind for drop in dropped for kind in drop.kinds).most_common()
        instead = _heard(translated).rows if rule.target_language is not None else ()
        raise ManifestError(
            f"the filter dropped all {len(translated)} translations. Listen to some of them, then mend the translator, "
            "or the rule (filter.language_id, filter.duration_ratio, filter.repetition). Reasons:",
            [*(f"{kind}: {n}" for kind, n in common), *(f"heard as {code}: {n}" for code, n in instead)],
        )
    tables = [_by_emotion(translated, dropped)]
    if rule.target_language is not None:
        tables.append(_heard(translated))
    if dropped:
        rows = tuple((d.id, d.emotion, "; ".join(d.reasons)) for d in dropped)
        tables.append(Table("Dropped translations", ("utterance", "emotion", "why"), rows))
    return Filtered(kept, dropped, tuple(tables), tuple(_warnings(translated, dropped)))


def _require_candidate(translated: Manifest, language: str | None) -> None:
    candidates = sorted({code for u in translated for code in probabilities(u.measures)})
    if language is not None and candidates and language not in candidates:
        raise ManifestError(
            f"the languages of the translations were identified among {', '.join(candidates)}, and '{language}', which "
            "they should be in, was not one of them; identify them again with it among the candidates"
        )


def _faults(utterance: Utterance, rule: FilterRule) -> dict[str, str]:
    """Kind of fault -> the reason in words."""
    faults = {}
    measures = utterance.measures
    if rule.target_language is not None and (heard := _language_fault(measures, rule)):
        faults["language"] = heard
    low, high = rule.duration_ratio
    ratio = measures.get("duration_ratio")
    if ratio is not None and not low <= ratio <= high:
        faults["duration"] = f"speech {ratio:.2f} times as long as the source's (allowed: {low:g} to {high:g})"
    share = repeated_share(utterance.text or "")
    if share > rule.repetition:
        faults["repetition"] = f"{100 * share:.0f} % of its words repeat what was just said"
    return faults


def _language_fault(measures: Mapping[str, float], rule: FilterRule) -> str | None:
    shares = probabilities(measures)
    own = shares.get(rule.target_language or "")
    if own is None:
        return "its language could not be identified"
    likeliest = _likeliest(shares)
    if own >= (shares[likeliest] if rule.threshold is None else rule.threshold):
        return None
    return f"heard as {likeliest} ({shares[likeliest]:.2f}; {rule.target_language}: {own:.2f})"


def _likeliest(shares: Mapping[str, float]) -> str:
    return max(shares, key=lambda code: shares[code])


def _by_emotion(translated: Manifest, dropped: Sequence[Drop]) -> Table:
    """How many of each emotion were dropped and why, with Wilson's 95 % interval of the share."""
    kinds = [kind for kind in ("language", "duration", "repetition") if any(kind in d.kinds for d in dropped)]
    rows = []
    for emotion in sorted({u.emotion for u in translated}):
        n = sum(u.emotion == emotion for u in translated)
        mine = [d for d in dropped if d.emotion == emotion]
        ends = stats.binomtest(len(mine), n).proportion_ci(0.95, "wilson")
        share = f"{100 * len(mine) / n:.1f} % ({100 * ends.low:.1f} to {100 * ends.high:.1f})"
        rows.append((emotion, str(n), str(len(mine)), *(str(sum(k in d.kinds for d in mine)) for k in kinds), share))
    columns = ("emotion", "translated", "dropped", *(f"for {kind}" for kind in kinds), "share dropped (95 % interval)")
    return Table("What the filter dropped, by emotion", columns, tuple(rows))


def _heard(translated: Manifest) -> Table:
    """What the translations were heard as."""
    likeliest: Counter[str] = Counter()
    for utterance in translated:
        shares = probabilities(utterance.measures)
        likeliest[_likeliest(shares) if shares else "(not identified)"] += 1
    return Table("Heard as", ("language", "translations"), tuple((c, str(n)) for c, n in likeliest.most_common()))


def _warnings(translated: Manifest, dropped: Sequence[Drop]) -> list[str]:
    if not dropped:
        return []
    warnings = [f"the filter dropped {len(dropped)} of {len(translated)} translations; see the table by emotion"]
    emotions = sorted({u.emotion for u in translated})
    total = np.array([sum(u.emotion == e for u in translated) for e in emotions])
    gone = np.array([sum(d.emotion == e for d in dropped) for e in emotions])
    p = _p_alike(total, gone)
    if p < LEVEL:
        shares = dict(zip(emotions, 100 * gone / total, strict=True))
        most, least = max(shares, key=lambda e: shares[e]), min(shares, key=lambda e: shares[e])
        warnings.append(
            f"the filter drops {most} ({shares[most]:.0f} %) more than {least} ({shares[least]:.0f} %): what is left "
            f"has other classes than the source. Were utterances independent, drops so uneven would come about by "
            f"chance with p = {p:.2g}; those of one speaker or sentence are not, so take it as a hint and no proof"
        )
    return warnings


def _p_alike(total: NDArray[np.int64], gone: NDArray[np.int64]) -> float:
    """p of the chi-square statistic if all emotions were dropped alike, by drawing as many at random many times."""
    n_gone = int(gone.sum())
    if len(total) < 2 or n_gone == total.sum():
        return 1.0
    expected = total * n_gone / total.sum()
    drawn = np.random.default_rng(0).multivariate_hypergeometric(total, n_gone, _DRAWS, method="marginals")
    observed, by_chance = (((each - expected) ** 2 / expected).sum(-1) for each in (gone, drawn))
    return float((1 + (by_chance >= observed - 1e-9).sum()) / (1 + _DRAWS))
