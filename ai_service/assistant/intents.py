"""Which tool a message wants: TF-IDF of words and letters, logistic regression.

Trained when a process first needs it, from the shipped phrases (both languages in
one model), on text in which slots are replaced by marks. Deterministic: phrases are
taken at even steps, nothing is drawn by chance.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from itertools import product
from math import log2
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from zipfile import BadZipFile

import numpy as np
import sklearn
from numpy.typing import NDArray
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ai_service.assistant.gazetteer import Gazetteer, build_gazetteer
from ai_service.assistant.normalising import words_of
from ai_service.assistant.slots import read_slots

PHRASES = Path(__file__).parent / "phrases"
LANGUAGES = ("en", "ms")
LEAST_PER_LINE, PER_DOUBLING = 8, 3
REGULARISATION = 20.0
CHOICE = re.compile(r"\[([^\]]*)\]")
ANY_DAY = date(2026, 1, 15)  # periods are only masked here, never used


@dataclass(frozen=True, slots=True)
class Judged:
    """Tools with their probabilities, the likeliest first."""

    ranking: tuple[tuple[str, float], ...]

    @property
    def best(self) -> str:
        return self.ranking[0][0]

    @property
    def confidence(self) -> float:
        return self.ranking[0][1]

    def chance(self, tool: str) -> float:
        return dict(self.ranking).get(tool, 0.0)


def phrase_lines(language: str) -> Iterator[tuple[str, str]]:
    """Yield (tool, pattern) of a phrase file."""
    for line in (PHRASES / f"{language}.txt").read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            tool, _, pattern = line.partition(":")
            yield tool.strip(), pattern.strip()


def expanded(pattern: str) -> list[str]:
    """Return readings of a pattern with [a|b] choices, evenly spread.

    The more choices the more readings, but only with their logarithm.
    """
    parts = CHOICE.split(pattern)
    options = [p.split("|") if k % 2 else [p] for k, p in enumerate(parts)]
    total = int(np.prod([len(o) for o in options]))
    most = LEAST_PER_LINE + int(PER_DOUBLING * log2(total))
    if total <= most:
        return ["".join(chosen) for chosen in product(*options)]
    # a step that shares no factor with the choices walks through all of them
    step = next(
        s for s in range(int(total * 0.618), 2 * total) if np.gcd(s, total) == 1
    )
    return [reading(options, (k * step) % total) for k in range(most)]


def reading(options: list[list[str]], index: int) -> str:
    chosen = []
    for choices in reversed(options):
        index, place = divmod(index, len(choices))
        chosen.append(choices[place])
    return "".join(reversed(chosen))


def no_names() -> Gazetteer:
    return build_gazetteer([], [])


def training_set() -> tuple[list[str], list[str]]:
    """Return (masked texts, tools)."""
    texts, labels, nowhere = [], [], no_names()
    for language in LANGUAGES:
        for tool, pattern in phrase_lines(language):
            for phrase in expanded(pattern):
                text = " ".join(words_of(phrase))
                texts.append(read_slots(text, nowhere, ANY_DAY).masked)
                labels.append(tool)
    return texts, labels


class IntentModel:
    """The trained classifier: plain arrays and two vectorisers."""

    def __init__(self, parts: dict[str, NDArray[Any]]) -> None:
        self.words = word_vectoriser()
        self.letters = letter_vectoriser()
        restore(self.words, parts["words"], parts["words_idf"])
        restore(self.letters, parts["letters"], parts["letters_idf"])
        self.weights = parts["weights"].astype(np.float64)
        self.biases = parts["biases"].astype(np.float64)
        self.tools = [str(name) for name in parts["tools"]]
        self.vocabulary = frozenset(str(w) for w in parts["vocabulary"])

    def judge(self, masked: str) -> Judged:
        parts = [self.words.transform([masked]), self.letters.transform([masked])]
        scores = (hstack(parts).tocsr() @ self.weights.T)[0] + self.biases
        chances = np.exp(scores - scores.max())
        chances /= chances.sum()
        order = np.argsort(-chances, kind="stable")
        return Judged(tuple((self.tools[k], float(chances[k])) for k in order))


def word_vectoriser() -> TfidfVectorizer:
    return TfidfVectorizer(
        ngram_range=(1, 2), tokenizer=str.split, token_pattern=None, sublinear_tf=True
    )


def letter_vectoriser() -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), min_df=3, sublinear_tf=True
    )


def restore(
    vectoriser: TfidfVectorizer, terms: NDArray[Any], idf: NDArray[Any]
) -> None:
    """Set a vectoriser to terms, in order of their columns, with their weights."""
    vectoriser.vocabulary = {str(term): k for k, term in enumerate(terms)}
    vectoriser.idf_ = idf.astype(np.float64)


def trained_parts(texts: list[str], labels: list[str]) -> dict[str, NDArray[Any]]:
    """Fit vectorisers and classifier; return them as plain arrays."""
    words, letters = word_vectoriser(), letter_vectoriser()
    features = hstack([words.fit_transform(texts), letters.fit_transform(texts)])
    model = LogisticRegression(
        C=REGULARISATION, class_weight="balanced", max_iter=60, tol=1e-3
    )
    with threadpool_limits(1):  # many threads fight each other on so small a problem
        model.fit(features.tocsr(), labels)
    return {
        "words": words.get_feature_names_out().astype(str),
        "words_idf": words.idf_,
        "letters": letters.get_feature_names_out().astype(str),
        "letters_idf": letters.idf_,
        "weights": model.coef_.astype(np.float32),
        "biases": model.intercept_,
        "tools": np.array(model.classes_).astype(str),
        "vocabulary": np.array(sorted({w for t in texts for w in t.split()})),
    }


def fingerprint() -> str:
    """Return a digest of all that the trained model follows from."""
    digest = sha256(f"{sklearn.__version__} {np.__version__}".encode())
    sources = [*sorted(PHRASES.glob("*.txt")), *sorted(PHRASES.parent.glob("*.py"))]
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def load_or_train(folder: Path | None) -> IntentModel:
    """Return the model kept in `folder`, or train it and keep it there.

    Arrays only are kept, under a name that changes with phrases, code and libraries;
    what cannot be read or written is trained again.
    """
    if folder is None:
        return IntentModel(trained_parts(*training_set()))
    kept = folder / f"intents-{fingerprint()}.npz"
    try:
        with np.load(kept, allow_pickle=False) as stored:
            return IntentModel(dict(stored))
    except (OSError, ValueError, KeyError, BadZipFile):
        parts = trained_parts(*training_set())
    with suppress(OSError):
        keep(parts, kept)
    return IntentModel(parts)


def keep(parts: dict[str, NDArray[Any]], target: Path) -> None:
    """Write the arrays beside `target` first, so that no reader sees half a file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as file:
        np.savez_compressed(file, **parts)  # type: ignore[arg-type]
    Path(file.name).replace(target)
    for old in target.parent.glob("intents-*.npz"):
        if old != target:
            old.unlink(missing_ok=True)


@cache
def intent_model(folder: Path | None = None) -> IntentModel:
    """Return the model of this process, loaded or trained at the first call."""
    return load_or_train(folder)
