"""From what a person typed to plain words: case, SMS Malay, typing errors.

Pure. The raw text is kept by the caller for what must stay as typed (a comment,
a search). Corrections only ever lead to words of the vocabulary that is passed in.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import combinations

# Written short or spoken: the word that the grammar knows. "" drops a particle.
SHORT_FORMS = {
    "brp": "berapa",
    "brape": "berapa",
    "berape": "berapa",
    "bape": "berapa",
    "bpe": "berapa",
    "yg": "yang",
    "dlm": "dalam",
    "blm": "belum",
    "blum": "belum",
    "lom": "belum",
    "blom": "belum",
    "sy": "saya",
    "sya": "saya",
    "aku": "saya",
    "x": "tidak",
    "tak": "tidak",
    "tk": "tidak",
    "xde": "tiada",
    "xda": "tiada",
    "takde": "tiada",
    "takda": "tiada",
    "tkde": "tiada",
    "byk": "banyak",
    "bnyk": "banyak",
    "mcm": "macam",
    "mne": "mana",
    "mn": "mana",
    "ni": "ini",
    "nie": "ini",
    "tu": "itu",
    "hr": "hari",
    "hri": "hari",
    "bln": "bulan",
    "mggu": "minggu",
    "mgu": "minggu",
    "mingu": "minggu",
    "smlm": "semalam",
    "smalam": "semalam",
    "skrg": "sekarang",
    "skg": "sekarang",
    "skrang": "sekarang",
    "tkt": "tiket",
    "tiketnya": "tiket",
    "utk": "untuk",
    "utuk": "untuk",
    "dgn": "dengan",
    "pd": "pada",
    "kpd": "kepada",
    "kpada": "kepada",
    "dri": "dari",
    "drp": "daripada",
    "dpt": "dapat",
    "bg": "bagi",
    "bgi": "bagi",
    "tlg": "tolong",
    "pls": "please",
    "plz": "please",
    "plis": "please",
    "u": "you",
    "ur": "your",
    "hw": "how",
    "mny": "many",
    "shw": "show",
    "abt": "about",
    "wat": "what",
    "whats": "what is",
    "hows": "how is",
    "wheres": "where is",
    "whos": "who is",
    "im": "i am",
    "dont": "do not",
    "psl": "pasal",
    "camne": "macam mana",
    "camana": "macam mana",
    "mcmana": "macam mana",
    "kt": "di",
    "kat": "di",
    "dekat": "di",
    "je": "sahaja",
    "jer": "sahaja",
    "aje": "sahaja",
    "shj": "sahaja",
    "dah": "sudah",
    "da": "sudah",
    "dh": "sudah",
    "blh": "boleh",
    "leh": "boleh",
    "nak": "mahu",
    "nk": "mahu",
    "tgk": "tengok",
    "tngok": "tengok",
    "thn": "tahun",
    "lps": "lepas",
    "lpas": "lepas",
    "ngan": "dengan",
    "org": "orang",
    "sape": "siapa",
    "sapa": "siapa",
    "knp": "kenapa",
    "knapa": "kenapa",
    "npe": "kenapa",
    "prestasinya": "prestasi",
    "statusnya": "status",
    "tim": "pasukan",
    "lah": "",
    "la": "",
    "kan": "",
    "eh": "",
    "yer": "ya",
    "ye": "ya",
    "hai": "hi",
    "tq": "thanks",
    "thx": "thanks",
    "ty": "thanks",
    "tqvm": "thanks",
    "tkasih": "terima kasih",
    "trima": "terima",
    "kasi": "beri",
    "bagitau": "beritahu",
    "bgtau": "beritahu",
    "tukr": "tukar",
    "tkr": "tukar",
    "sgt": "sangat",
    "lmbt": "lambat",
    "siapkn": "siapkan",
    "perf": "performance",
    "stats": "statistics",
    "no.": "no",
    "wk": "week",
    "mth": "month",
    "yr": "year",
    "yday": "yesterday",
    "ystd": "yesterday",
    "tmr": "tomorrow",
    "tmrw": "tomorrow",
    "2day": "today",
    "tdy": "today",
    "tix": "tickets",
    "tckt": "ticket",
    "prio": "priority",
    "opn": "open",
    "urgnt": "urgent",
}
WORD = re.compile(r"[a-z0-9_@#/.'\-]+|[?!]")
EDGES = ".,'-/"
LEAST_CORRECTED, LEAST_TWO_ERRORS, MOST_CORRECTED = 5, 8, 20


def plain(text: str) -> str:
    """Return `text` in lower case ASCII with single spaces."""
    folded = unicodedata.normalize("NFKD", text.replace("’", "'").replace("–", "-"))
    ascii_only = folded.encode("ascii", "ignore").decode().lower()
    return " ".join(ascii_only.split())


def words_of(text: str) -> list[str]:
    """Return the words of a message, short forms written out."""
    found: list[str] = []
    for token in WORD.findall(plain(text)):
        word = token.strip(EDGES) or token
        if word in {"?", "!"} or not word.strip(EDGES):
            continue
        word = re.sub(r"'s$", "", word).replace("'", "")
        found.extend(SHORT_FORMS.get(word, word).split())
    return found


class Speller:
    """Leads a mistyped word to the nearest one of a vocabulary.

    One error from five letters on, two from eight; an exact word is never touched.
    Words are indexed by what is left when letters are dropped, so that a look-up
    does not grow with the vocabulary.
    """

    def __init__(self, vocabulary: Iterable[str]) -> None:
        self.words = frozenset(w for w in vocabulary if w.isalpha())
        self.by_rest: dict[str, set[str]] = {}
        for word in sorted(self.words):
            if len(word) >= LEAST_CORRECTED - 1:
                for rest in rests(word, errors_allowed(word)):
                    self.by_rest.setdefault(rest, set()).add(word)

    def corrected(self, word: str) -> str:
        is_word = LEAST_CORRECTED <= len(word) <= MOST_CORRECTED and word.isalpha()
        if word in self.words or not is_word:
            return word
        allowed = errors_allowed(word)
        near = {w for rest in rests(word, allowed) for w in self.by_rest.get(rest, ())}
        judged = sorted((distance(word, w), w[0] != word[0], w) for w in near)
        return judged[0][2] if judged and judged[0][0] <= allowed else word


def errors_allowed(word: str) -> int:
    return 2 if len(word) >= LEAST_TWO_ERRORS else 1


def rests(word: str, errors: int) -> set[str]:
    """Return `word` and what is left of it when up to `errors` letters are dropped."""
    found = {word}
    for dropped in range(1, errors + 1):
        for places in combinations(range(len(word)), dropped):
            found.add("".join(c for k, c in enumerate(word) if k not in places))
    return found


def distance(a: str, b: str) -> int:
    """Return the edits between two words; neighbours swapped count once."""
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            best = min(row[-1] + 1, rows[-1][j] + 1, rows[-1][j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]
