"""The strictest reading of licences."""

from __future__ import annotations

import pytest

from sottovoce.corpora import catalogue
from sottovoce.use import licences
from sottovoce.use.licences import Rank


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("Apache-2.0", Rank.FREE),
        ("Apache-2.0 or MIT", Rank.FREE),
        ("CC BY 4.0", Rank.FREE),
        ("none", Rank.FREE),
        ("as the source recordings: neither voice restricts the sound it makes", Rank.FREE),
        ("MIT (code); weights not stated", Rank.UNSETTLED),
        ("free of charge to download and use with citation; exact terms not verified", Rank.UNSETTLED),
        ("yours: not stated in the manifest", Rank.UNSETTLED),
        ("CC BY-SA 4.0", Rank.UNSETTLED),
        ("unknown", Rank.UNSETTLED),
        ("whatever this may mean", Rank.UNSETTLED),
        ("CC BY-NC-SA 4.0", Rank.RESTRICTED),
        ("non-commercial; exact terms not verified", Rank.RESTRICTED),
        ('"only for research purposes"', Rank.RESTRICTED),
        ("Seamless Licensing Agreement: what the model makes is non-commercial too", Rank.RESTRICTED),
        ("CC BY-ND 4.0", Rank.RESTRICTED),
    ],
)
def test_ranks(licence, expected):
    assert licences.rank(licence) == expected


FREE, ASK = ("upstream", "Apache-2.0"), ("target", "terms not verified")
NC, OWN_WORDS = ("source", "CC BY-NC-SA 4.0"), ("other", "non-commercial")


@pytest.mark.parametrize(
    ("rows", "facts", "strict"),
    [
        ([FREE], {"license": "apache-2.0"}, []),
        ([FREE, NC], {"license": "cc-by-nc-sa-4.0"}, [NC]),
        ([FREE, ASK], {"license": "other", "license_name": "not-settled"}, [ASK]),
        ([NC, ASK], {"license": "other", "license_name": "non-commercial"}, [NC]),
        ([NC, OWN_WORDS, FREE], {"license": "other", "license_name": "non-commercial"}, [NC, OWN_WORDS]),
    ],
)
def test_the_strictest_is_told(rows, facts, strict):
    assert licences.front_matter(rows) == facts and licences.strictest(rows) == strict
    assert len({licences.in_words(r) for r in ([FREE], [ASK], [NC])}) == 3
    assert licences.in_words(rows) == licences.in_words(strict or [FREE])


def test_published_corpora_are_free_where_a_known_licence_says_so():
    for name, corpus in catalogue.corpora().items():
        licence = corpus.card.licence
        assert licences.is_published(name) and licences.of_corpus(name) == licence
        named = licence.startswith(("CC BY 4.0", "CC0", "MIT")) and "not verified" not in licence
        assert (licences.rank(licence) == Rank.FREE) == named, (name, licence)
    assert not licences.is_published("mine") and licences.rank(licences.of_corpus("mine")) == Rank.UNSETTLED
