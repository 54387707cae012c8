"""The parts of a message that are kept as typed: searches, comments, titles.

Pure, on the raw text. Refuses to correct what it takes: a comment is stored as the
user wrote it.
"""

import re

TICKET = r"(?:ctt[ _-]?0*\d+|#\d+|(?:ticket|tiket)(?: (?:no|number|nombor))? ?#?\d+)"
QUOTED = re.compile(r"[\"“”«»]([^\"“”«»]{1,400})[\"“”«»]|(?<!\w)'([^']{2,400})'(?!\w)")
SEARCH = re.compile(
    r"(?:\babout\b|\bmentioning\b|\bcontaining\b|\bregarding\b|\brelated to\b|\bwith the words?\b"
    r"|\bmention(?:s)?\b|\btentang\b|\bpasal\b|\bpsl\b|\bmengenai\b|\bberkaitan(?: dengan)?\b"
    r"|\byang sebut\b|\bmengandungi\b|\bsearch(?: tickets?)? for\b|\blook for\b)\s+(.+)$",
    re.IGNORECASE,
)
SEARCH_WORDS = re.compile(
    r"^(?:please |can you )?(?:search|find|look for|cari)\s+(?:for\s+|me\s+|tiket\s+|tickets?\s+)?"
    r"(?:all\s+)?([a-z][\w /-]{2,40}?)\s+(?:tickets?|tiket|issues|problems|cases)\b",
    re.IGNORECASE,
)
NOT_SEARCHED = re.compile(
    r"^(?:open|closed|completed|urgent|high|low|medium|overdue|late|unassigned|my|all|the|"
    r"similar|pending|active|unfinished|in progress|cancelled|repair|maintenance|inspection|"
    r"emergency|installation|tickets?|tiket|them|it|those|me)\b",
    re.IGNORECASE,
)
TAIL = re.compile(
    r"\s+(?:in|di|from|dari|for|untuk|this|last|minggu|bulan|hari|today|yesterday|semalam|"
    r"created|opened|please|sila|dalam)\b.*$",
    re.IGNORECASE,
)
COMMENT = re.compile(
    rf"{TICKET}\s*[:,\-–]?\s*(?:(?:that|saying|with|bahawa|yang|mengatakan|dengan|comment|note|"
    r"komen|nota|add comment|tambah komen|tulis komen|tulis nota)\b\s*:?\s*)*(.+)$",
    re.IGNORECASE,
)
COMMENT_BEFORE = re.compile(
    r"(?:comment|note|remark|komen|nota|catatan|ulasan)\s*:?\s*(?:that\s+|saying\s+)?"
    rf"(.+?)\s+(?:to|on|for|pada|di|ke|untuk|dalam)\s+{TICKET}\s*[.?!]*$",
    re.IGNORECASE,
)
COMMENT_LOOSE = re.compile(
    r"(?:saying|that|bahawa|:)\s+(.+)$|(?:comment|note|komen|nota|catatan)\s*:\s*(.+)$",
    re.IGNORECASE,
)
NOTE = re.compile(
    r"(?:\bwith (?:a |the )?note\b|\bnote\b|\bbecause\b|\bsebab\b|\bkerana\b|\bdengan nota\b|"
    r"\bnota\b|\breason\b|\bas the\b)\s*:?\s*(.+)$",
    re.IGNORECASE,
)
LIKE = re.compile(
    r"(?:similar (?:tickets?|cases?|problems?|jobs?)? ?(?:to|like|about|with|for)|"
    r"\blike\b|\babout\b|\bserupa (?:dengan )?|\bseperti\b|\bmacam\b|\btentang\b|\bpasal\b|"
    r"\bdid we (?:fix|solve)\b|\bwhat fixed\b|\bcases? of\b|\bproblems? with\b)\s*:?\s*(.+)$",
    re.IGNORECASE,
)
POINTERS = re.compile(
    r"^(?:this|that|it|one|ini|itu|begini|these|those|the|a|such|similar|tiket|ticket|kes|"
    r"before|sebelum|last time|in the past|pernah)(?:\s+(?:one|ticket|tickets|tiket|before|"
    r"problem|problems|case|ini|itu|sebelum|solved|fixed))*[\s?.!]*$",
    re.IGNORECASE,
)
TITLE = re.compile(
    r"(?:\btitled?\b|\bcalled\b|\bbertajuk\b|\btajuk\b|\bdengan tajuk\b)\s*:?\s*(.+)$",
    re.IGNORECASE,
)
ABOUT = re.compile(
    r"(?:\babout\b|\bbecause(?: of)?\b|\btentang\b|\bpasal\b|\bkerana\b|\bsebab\b|\bmengenai\b"
    r"|:|\bfor (?=an?\b|no\b|broken|slow|the\b|fibre|fiber|cut|damaged)"
    r"|\buntuk (?=tiada|kabel|pelanggan|modem|router|masalah|wifi|talian))\s*(.+)$",
    re.IGNORECASE,
)
LOCATION = re.compile(
    r"\b(?:at|located at|lokasi(?: di)?|alamat(?: di)?)\s+((?:jalan|jln|taman|lorong|kampung|kg|no|"
    r"lot|blok|block|street|pangsapuri)\b[^,;]*(?:,[^,;]+)?)",
    re.IGNORECASE,
)
ENDING = " .?!,;:\"'“”"
# Where the title ends: what follows is the zone or the priority, read as slots.
TITLE_TAIL = re.compile(
    r"(?:,|\s+(?:in|di|zone|zon|kat|priority|keutamaan|with (?:high|low|urgent|medium)))\s+"
    r"[\w .'-]*$",
    re.IGNORECASE,
)


def quoted(raw: str) -> str | None:
    match = QUOTED.search(raw)
    return (match.group(1) or match.group(2)).strip() if match else None


def clean(text: str) -> str:
    return text.strip(ENDING)


def search_text(raw: str) -> str | None:
    """Return the words to search for, None if the message asks for no search."""
    found = quoted(raw)
    if found:
        return found
    match = SEARCH.search(raw) or SEARCH_WORDS.search(raw)
    if not match or NOT_SEARCHED.match(match.group(1)):
        return None
    return clean(TAIL.sub("", match.group(1))).lower() or None


def comment_text(raw: str) -> str | None:
    found = quoted(raw)
    if found:
        return found
    for pattern in (COMMENT_BEFORE, COMMENT, COMMENT_LOOSE):
        match = pattern.search(raw)
        if match:
            words = next(g for g in match.groups() if g)
            return clean(words) or None
    return None


def status_note(raw: str) -> str | None:
    match = NOTE.search(raw)
    return (quoted(raw) or clean(match.group(1)) or None) if match else None


def problem_text(raw: str) -> str | None:
    """Return the described problem of a question for similar tickets."""
    found = quoted(raw)
    if found:
        return found
    match = LIKE.search(raw)
    if not match or POINTERS.match(match.group(1)):
        return None
    words = re.sub(
        r"\s+(?:before|in the past|last time|sebelum ini)\W*$", "", match.group(1)
    )
    return clean(words) or None


def create_fields(raw: str) -> dict[str, str]:
    """Return title and location of a ticket to create, as far as they are said."""
    fields: dict[str, str] = {}
    place = LOCATION.search(raw)
    if place:
        fields["location"] = clean(place.group(1))
    title = quoted(raw)
    if title is None:
        match = TITLE.search(raw) or ABOUT.search(raw)
        if match:
            words = LOCATION.sub("", match.group(1))
            title = clean(TITLE_TAIL.sub("", words))
    if title and len(title) > 2:
        fields["title"] = title[:200]
    return fields
