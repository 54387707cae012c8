"""From a message to one tool and its arguments, or to a question back.

Understanding only: nothing is called and nothing is written here. State comes from
the server's own memory of the conversation, never from the client. When something is
missing or unknown the plan is `clarify`, when it is out of reach `none`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from ai_service.assistant import lexicon, refusals
from ai_service.assistant.free_text import (
    comment_text,
    create_fields,
    problem_text,
    search_text,
    status_note,
)
from ai_service.assistant.gazetteer import Gazetteer
from ai_service.assistant.intents import IntentModel
from ai_service.assistant.lexicon import UNFINISHED, phrases
from ai_service.assistant.normalising import Speller, plain, words_of
from ai_service.assistant.periods import (
    DAYS,
    MONTHS,
    NAMED,
    NUMBER_WORDS,
    UNITS,
    WEEKDAYS,
)
from ai_service.assistant.registry import WRITE, kind_of, tools
from ai_service.assistant.slots import TIME_METRICS, Slots, read_slots

SURE, UNSURE = 0.55, 0.30
Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do. details: for clarify and none, what the reply should say."""

    tool: str
    arguments: Arguments = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    unfinished: bool = False  # `status` means open, in progress and on hold
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What the server remembers of a conversation, read-only to the planner.

    asking: an unfinished plan {tool, arguments, missing} that the last reply asked
    about; last: the last read {tool, arguments, unfinished}.
    """

    last: Mapping[str, Any] | None = None
    asking: Mapping[str, Any] | None = None
    focus: str | None = None
    listed: int = 0
    has_proposal: bool = False
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """One message, taken apart. raw: as typed; words: plain and spelled."""

    raw: str
    words: tuple[str, ...]
    slots: Slots
    names: Gazetteer
    memory: Memory

    @property
    def text(self) -> str:
        return self.slots.text

    def has(self, pattern: str) -> bool:
        return re.search(rf"(?<!\w)(?:{pattern})(?!\w)", self.text) is not None


CONFIRM_SET = frozenset(phrases(lexicon.CONFIRM))
CANCEL_SET = frozenset(phrases(lexicon.CANCEL))
FOLLOWS = sorted(phrases(lexicon.FOLLOW_UPS), key=len, reverse=True)
FOLLOW = re.compile(rf"^(?:(?:{'|'.join(map(re.escape, FOLLOWS))})\s+)+")
FILLERS = frozenset(
    "the a an for in on of to at please ones one tickets ticket tiket jobs kes yang di untuk "
    "dalam pada bagi sahaja only then now is are me and dan or atau from dari priority "
    "keutamaan zone zon with dengan it them ones' team pasukan status what about by ikut "
    "mengikut per with pula juga too also instead category kategori state negeri as well "
    "created dicipta show list".split()
)
THEM = re.compile(
    r"^(?:please |ok |can you |tolong |boleh )*(?:show|list|display|see|view|tunjuk|tunjukkan|"
    r"senarai|senaraikan|papar|paparkan|lihat|tengok)(?: me)?"
    r"(?: (?:them|those|these|the list|the tickets|all|it|all of them|semua|senarainya|"
    r"tiket itu|tiket tersebut|senarai|tiketnya|which ones))*$"
)
COUNT_THEM = re.compile(
    r"^(?:and )?(?:how many(?: (?:are there|is that|in total|of them))?|berapa"
    r"(?: semua| jumlah| banyak| jumlahnya)?|count them|total|jumlah)$"
)
PLACE_LEAD = re.compile(
    r"(?<!\w)(?:in|at|for|di|zone|zon|negeri|untuk|within|around|near|dalam|of|state|kawasan)"
    r"(?: (?:the|zone|zon|negeri|kawasan|state of))? ([a-z]{4,})(?: (?:zone|zon|state))?(?!\w)"
)
TEAM_LEAD = re.compile(r"(?<!\w)(?:team|pasukan|crew) ([a-z]{3,}|\d{1,3})(?!\w)")
WILL = r"akan|hampir|mahu|will|about to|going to|at risk|likely|close to|berisiko|nyaris|soon|near|could|might|may|bakal|dalam bahaya|in danger"
DUE = r"due|deadline|perlu siap|perlu disiapkan|tamat tempoh|tarikh akhir|perlu diselesaikan|expire|expiring"
DONE_WORDS = r"complete|completed|close|closed|finish|finished|resolve|resolved|siapkan|selesaikan|tutup|disiapkan|diselesaikan|ditutup|siap|selesai|fixed|fix"
NEGATED = r"not|belum|tidak|perlu|yet to be|to be"


class Planner:
    """Understands messages for one gazetteer; cheap to make, shares the model."""

    def __init__(self, model: IntentModel, names: Gazetteer, today: date) -> None:
        self.model = model
        self.names = names
        self.today = today
        self.known = known_words(model)
        self.speller = speller_of(model)

    # ---- hearing -------------------------------------------------------------------

    def hear(self, raw: str, memory: Memory) -> Heard:
        names = self.names.words()
        words = [w if w in names else self.speller.corrected(w) for w in words_of(raw)]
        slots = read_slots(" ".join(words), self.names, self.today)
        self.note_unknown_names(slots)
        return Heard(raw.strip(), tuple(words), slots, self.names, memory)

    def note_unknown_names(self, slots: Slots) -> None:
        """Set what was named as a zone or a team and is none; nearly right is taken."""
        if not slots.teams and not slots.my_team:
            lead = TEAM_LEAD.search(slots.masked)
            if lead and lead.group(1) not in self.known:
                near = self.names.teams.near(f"team {lead.group(1)}")
                slots.teams = [near] if near else []
                slots.unknown_team = None if near else lead.group(1)
        if slots.zones:
            return
        for word in slots.masked.split():
            near = None if word in self.known else self.names.zones.near(word)
            if near:
                slots.zones = [near]
                slots.masked = slots.masked.replace(word, "zzone")
                return
        lead = PLACE_LEAD.search(slots.masked)
        if (
            lead
            and lead.group(1) not in self.known
            and not lead.group(1).startswith("z")
        ):
            slots.unknown_zone = lead.group(1)

    # ---- planning ------------------------------------------------------------------

    def plan(self, raw: str, memory: Memory) -> Plan:
        """Return the plan for a message."""
        heard = self.hear(raw, memory)
        return (
            self.plan_by_rule(heard)
            or self.plan_answer(heard)
            or self.plan_follow_up(heard)
            or self.plan_by_model(heard)
        )

    def plan_by_rule(self, heard: Heard) -> Plan | None:
        """Return the plan of a message that needs no judging."""
        bare = " ".join(w for w in heard.words if w not in {"please", "tolong", "sila"})
        if bare in CONFIRM_SET and not self.is_awaited(heard):
            return Plan("confirm")
        if bare in CANCEL_SET:
            return Plan("cancel")
        reason = refusals.refusal_reason(heard.raw)
        if reason:
            return Plan("none", {"reason": reason})
        if not heard.words or refusals.is_gibberish(
            list(heard.words), self.spoken(heard)
        ):
            return Plan("none", {"reason": "gibberish"})
        if heard.memory.last and THEM.match(heard.text):
            return again(heard, "ticket_search")
        if heard.memory.last and COUNT_THEM.match(heard.text):
            return again(heard, "ticket_stats")
        return None

    def spoken(self, heard: Heard) -> frozenset[str]:
        return self.known | frozenset(self.names.words())

    def is_awaited(self, heard: Heard) -> bool:
        """Whether a bare word answers a question for free text."""
        asking = heard.memory.asking
        if asking is None or heard.memory.has_proposal:
            return False
        return free_text_missing(asking)

    def plan_answer(self, heard: Heard) -> Plan | None:
        """Return the plan that the last reply asked about, completed by this message."""
        asking = heard.memory.asking
        if not asking:
            return None
        judged = self.model.judge(heard.slots.masked)
        fills = answers_to(heard, asking)
        is_new_question = judged.confidence > 0.9 and len(heard.words) > 4
        if not fills or (is_new_question and judged.best != asking["tool"]):
            return None
        arguments = {**asking["arguments"], **fills}
        return checked(heard, str(asking["tool"]), arguments, 1.0)

    def plan_follow_up(self, heard: Heard) -> Plan | None:
        """Return the last question with what this message changes in it."""
        last = heard.memory.last
        if not last or heard.slots.is_empty():
            return None
        if heard.slots.tickets or heard.slots.reference:
            return None
        started = FOLLOW.match(heard.slots.masked)
        if not started and set(heard.words) & lexicon.TICKET_WORDS:
            return None  # names its subject itself: a new question
        rest = FOLLOW.sub("", heard.slots.masked)
        left = [w for w in rest.split() if w not in FILLERS and not is_mark(w)]
        if started:
            left = [w for w in left if w not in SLOT_WORDS]
        if len(left) > bool(started and len(heard.words) <= 5):
            return None
        if not started and len(heard.words) > 5:
            return None
        return merged(heard, last)

    def plan_by_model(self, heard: Heard) -> Plan:
        judged = self.model.judge(heard.slots.masked)
        tool, sure = judged.best, judged.confidence
        tool = preferred(heard, tool)
        if tool != judged.best:
            sure = max(sure, SURE)
        if tool not in FREE_TEXT_TOOLS and refusals.lacks_data(heard.raw):
            return Plan("none", {"reason": "no_data"}, confidence=sure)
        if tool == "none":
            return Plan("none", {"reason": "out_of_scope"}, confidence=sure)
        strange = self.strange_words(heard)
        if self.is_out_of_reach(heard, tool, sure, strange):
            return Plan(
                "none", {"reason": "out_of_scope"}, {"words": strange}, confidence=sure
            )
        return checked(heard, tool, BUILDERS[tool](heard), sure)

    def strange_words(self, heard: Heard) -> list[str]:
        """Return the words that nothing explains."""
        named = {heard.slots.unknown_zone, heard.slots.unknown_team}
        return [
            w
            for w in heard.slots.masked.split()
            if w.isalpha() and len(w) > 2 and not is_mark(w)
            and w not in self.known and w not in named
        ]  # fmt: skip

    def is_out_of_reach(
        self, heard: Heard, tool: str, sure: float, strange: list[str]
    ) -> bool:
        if tool in FREE_TEXT_TOOLS:
            return sure < UNSURE and heard.slots.is_empty()
        content = [w for w in heard.words if w not in FILLERS]
        share = len(strange) / max(1, len(content))
        if sure < UNSURE and heard.slots.is_empty():
            return True
        return bool(strange) and (share >= 0.34 or sure < SURE)


FREE_TEXT_TOOLS = frozenset(
    {"add_comment", "create_ticket", "kb_search", "similar_tickets", "change_status"}
)
SLOT_WORDS = frozenset(
    w
    for table in (
        lexicon.METRIC_PHRASES,
        lexicon.RANK_PHRASES,
        lexicon.SORT_PHRASES,
        lexicon.GROUP_WORDS,
    )
    for text in table.values()
    for phrase in phrases(text)
    for w in phrase.split()
) | frozenset(w for p in phrases(lexicon.OVERDUE) for w in p.split())


TIME_WORDS = frozenset(
    w
    for table in (MONTHS, WEEKDAYS, NUMBER_WORDS, UNITS, DAYS, NAMED)
    for phrase in table
    for w in phrase.split()
) | frozenset(
    "older than more over least longer exceeding beyond above lebih daripada melebihi "
    "sekurang-kurangnya umur usia within masa jam minit hour hours minute minutes coming "
    "upcoming previous past current semasa since sejak before sebelum until hingga between "
    "antara lepas lalu depan hadapan akan datang terakhir kebelakangan ago old during".split()
)


@lru_cache(maxsize=4)
def known_words(model: IntentModel) -> frozenset[str]:
    """Return every word that phrases or lexicon explain."""
    spoken = set(model.vocabulary) | set(FILLERS) | SLOT_WORDS
    spoken |= lexicon.MALAY_MARKS | lexicon.ENGLISH_MARKS | TIME_WORDS
    for value in vars(lexicon).values():
        texts = value.values() if isinstance(value, Mapping) else [value]
        for text in texts:
            if isinstance(text, str):
                spoken |= {w for p in phrases(text) for w in p.split()}
    return frozenset(spoken)


@lru_cache(maxsize=4)
def speller_of(model: IntentModel) -> Speller:
    return Speller(w for w in known_words(model) if not is_mark(w))


def is_mark(word: str) -> bool:
    return word in MARKS


MARKS = frozenset(
    "zticket zzone zteam zperiod zstatus zprio zcat zage zwindow zmine zunassigned "
    "zrecommended zref".split()
)


# ---- choosing between near tools -------------------------------------------------------


def preferred(heard: Heard, tool: str) -> str:
    """Return the tool after a second look at words that decide between neighbours."""
    slots = heard.slots
    if tool == "ticket_get" and not (
        slots.tickets or slots.reference or points_back(heard)
    ):
        return "ticket_search"
    if tool == "ticket_get" and ACT_FIRST.match(heard.text):
        return "change_status"
    if tool == "zone_analytics" and counts_tickets(heard):
        return "ticket_stats"
    if (
        tool in {"ticket_stats", "ticket_search"}
        and slots.tickets
        and slots.is_only_tickets()
    ):
        return "ticket_get"
    if tool == "performance_overview" and (slots.teams or slots.my_team):
        return "team_performance"
    if tool == "team_performance" and slots.zones and not about_teams(heard):
        return "zone_analytics"
    return tool


def counts_tickets(heard: Heard) -> bool:
    """Whether groups of tickets are asked for, and no figure about them."""
    slots = heard.slots
    plain_groups = slots.group_by and not slots.metrics and not slots.rank
    return bool(plain_groups) and bool(set(heard.words) & lexicon.TICKET_WORDS)


ACT_FIRST = re.compile(
    r"^(?:please |can you |tolong |sila |boleh )*(?:start|begin|cancel|close|complete|"
    r"finish|resolve|reopen|batalkan|tutup|siapkan|selesaikan|mulakan|sambung) "
)


def about_teams(heard: Heard) -> bool:
    named = heard.slots.teams or heard.slots.my_team
    return bool(named) or heard.has("team|teams|pasukan|crew|crews")


def points_back(heard: Heard) -> bool:
    return heard.slots.focus_ticket and heard.memory.focus is not None


# ---- arguments, tool by tool -----------------------------------------------------------


def statuses_of(heard: Heard) -> list[str]:
    """Return the statuses for a read tool, sorted; unfinished is open and in progress."""
    found: set[str] = set()
    still_due = heard.has("perlu (?:siap|disiapkan|selesai|diselesaikan)")
    for status in heard.slots.statuses:
        if status == "completed" and still_due:
            continue
        found |= {"open", "in_progress"} if status == UNFINISHED else {status}
    asks_done = heard.has(DONE_WORDS) and not heard.has(NEGATED)
    if not found and asks_done and not heard.slots.overdue:
        found = {"completed"}
    return sorted(found)


def period_arguments(heard: Heard, arguments: Arguments) -> None:
    periods = heard.slots.periods
    if not periods:
        return
    arguments["period"] = periods[0]
    if heard.has(DUE):
        arguments["date_field"] = "due"
    elif arguments.get("status") == ["completed"]:
        arguments["date_field"] = "completed"


def filters_of(heard: Heard) -> Arguments:
    """Return the filters that list and count share."""
    slots = heard.slots
    arguments: Arguments = {}
    statuses = statuses_of(heard)
    if statuses:
        arguments["status"] = statuses
    if slots.priorities:
        arguments["priority"] = sorted(slots.priorities)
    if slots.categories:
        arguments["category"] = sorted(slots.categories)
    arguments |= place_of(heard)
    if slots.mine:
        arguments["assigned_to"] = "me"
    if slots.unassigned:
        arguments["unassigned"] = True
    if slots.overdue:
        arguments["overdue"] = True
    if slots.min_age_days:
        arguments["min_age_days"] = slots.min_age_days
    period_arguments(heard, arguments)
    return arguments


def place_of(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments: Arguments = {}
    if slots.zones:
        arguments["zone"] = slots.zones[0]
    if slots.teams:
        arguments["team"] = slots.teams[0]
    elif slots.my_team:
        arguments["team"] = "me"
    return arguments


def build_search(heard: Heard) -> Arguments:
    arguments = filters_of(heard)
    words = search_text(heard.raw)
    if words:
        arguments["text"] = words
    if heard.slots.sort:
        arguments["sort"] = heard.slots.sort
    if heard.slots.limit:
        arguments["limit"] = heard.slots.limit
    return arguments


def build_stats(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments = filters_of(heard)
    if slots.group_by:
        arguments["group_by"] = slots.group_by
    if slots.rank and slots.group_by:
        arguments["rank"] = slots.rank
        if slots.limit:
            arguments["limit"] = slots.limit
    if len(slots.periods) > 1:
        arguments["compare_to"] = slots.periods[1]
    return arguments


def build_aging(heard: Heard) -> Arguments:
    arguments = place_of(heard)
    statuses = statuses_of(heard)
    if statuses and UNFINISHED not in heard.slots.statuses:
        arguments["status"] = statuses
    if heard.slots.min_age_days:
        arguments["min_age_days"] = heard.slots.min_age_days
    return arguments


def build_risk(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments = place_of(heard)
    if slots.priorities:
        arguments["priority"] = sorted(slots.priorities)
    if slots.window_hours:
        hours = slots.window_hours
        arguments["window_hours"] = int(hours) if hours == int(hours) else hours
    if not heard.has(WILL) and (
        slots.breached or heard.has("missed|failed|violated|broke|out of")
    ):
        arguments["breached"] = True
    if slots.periods:
        arguments["period"] = slots.periods[0]
    if slots.limit:
        arguments["limit"] = slots.limit
    return arguments


def metric_of(heard: Heard) -> str | None:
    found = [m for m in heard.slots.metrics if m not in {"created", "open_tickets"}]
    if found:
        return found[0]
    if heard.has(
        "fastest|slowest|quickest|paling laju|paling lambat|paling pantas|terpantas"
    ):
        return TIME_METRICS[0]
    if heard.has("sla") and not heard.has("sla (?:clock|policy)"):
        return "sla_compliance"
    return next(iter(heard.slots.metrics), None)


def build_overview(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments: Arguments = {}
    metric = metric_of(heard)
    if metric is None and heard.has("how long|how fast|how quickly|berapa lama"):
        metric = (
            TIME_METRICS[1] if heard.has("respond|respon|respons") else TIME_METRICS[0]
        )
    if metric:
        arguments["metric"] = metric
    if slots.zones:
        arguments["zone"] = slots.zones[0]
    if slots.periods:
        arguments["period"] = slots.periods[0]
    if len(slots.periods) > 1:
        arguments["compare_to"] = slots.periods[1]
    return arguments


def rank_arguments(heard: Heard, arguments: Arguments) -> Arguments:
    slots = heard.slots
    metric = metric_of(heard)
    if metric is None and slots.rank and heard.has(DONE_WORDS):
        metric = "tickets_completed"
    if metric:
        arguments["metric"] = metric
    if slots.rank:
        arguments["rank"] = slots.rank
    if slots.limit:
        arguments["limit"] = slots.limit
    if slots.periods:
        arguments["period"] = slots.periods[0]
    return arguments


def build_team_performance(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments: Arguments = {}
    if len(slots.teams) > 1:
        arguments["team"] = list(slots.teams)
    elif slots.teams:
        arguments["team"] = slots.teams[0]
    elif slots.my_team:
        arguments["team"] = "me"
    if slots.zones:
        arguments["zone"] = slots.zones[0]
    return rank_arguments(heard, arguments)


def build_zone_analytics(heard: Heard) -> Arguments:
    zones = heard.slots.zones
    arguments: Arguments = {"zone": zones[0]} if len(zones) == 1 else {}
    return rank_arguments(heard, arguments)


def build_trends(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments: Arguments = {}
    metric = metric_of(heard)
    if metric is None and slots.statuses == ["completed"]:
        metric = "tickets_completed"
    if metric:
        arguments["metric"] = metric
    arguments |= place_of(heard)
    if slots.periods:
        arguments["period"] = slots.periods[0]
    if slots.group_by in {"day", "week", "month"}:
        arguments["granularity"] = slots.group_by
    if len(slots.periods) > 1:
        arguments["compare_to"] = slots.periods[1]
    return arguments


def build_forecast(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments: Arguments = {}
    if "teams_needed" in slots.metrics or heard.has(
        "teams|pasukan|crews|technicians|staff"
    ):
        arguments["metric"] = "teams_needed"
    elif heard.has("tickets|tiket|volume|demand|permintaan|jobs"):
        arguments["metric"] = "created"
    if slots.zones:
        arguments["zone"] = slots.zones[0]
    if slots.periods:
        arguments["period"] = slots.periods[0]
    return arguments


def build_insights(heard: Heard) -> Arguments:
    arguments: Arguments = {}
    if heard.slots.zones:
        arguments["zone"] = heard.slots.zones[0]
    if heard.slots.periods:
        arguments["period"] = heard.slots.periods[0]
    return arguments


def build_recommendations(heard: Heard) -> Arguments:
    arguments: Arguments = {}
    if heard.slots.zones:
        arguments["zone"] = heard.slots.zones[0]
    if heard.slots.focus:
        arguments["focus"] = heard.slots.focus
    return arguments


def ticket_of(heard: Heard) -> Arguments:
    """Return the ticket meant: named, by its place in the list, or the one in focus."""
    slots = heard.slots
    if slots.tickets:
        return {"ticket_number": slots.tickets[0]}
    if slots.reference:
        return {"ticket_number": slots.reference}
    if heard.memory.focus is not None and (
        slots.focus_ticket or heard.has("its|itu|ini|nya")
    ):
        return {"ticket_number": heard.memory.focus}
    return {}


def build_get(heard: Heard) -> Arguments:
    includes = [i for i in heard.slots.includes if i != "sla" or heard.has("sla")]
    arguments = ticket_of(heard)
    if includes:
        arguments["include"] = sorted(includes)
    return arguments


def build_recommend_team(heard: Heard) -> Arguments:
    found = ticket_of(heard)
    if not found and heard.memory.focus is not None:
        found = {"ticket_number": heard.memory.focus}
    return found


def build_similar(heard: Heard) -> Arguments:
    found = ticket_of(heard)
    if found:
        return found
    words = problem_text(heard.raw)
    if words:
        return {"text": words}
    return {} if heard.memory.focus is None else {"ticket_number": heard.memory.focus}


def build_team_list(heard: Heard) -> Arguments:
    arguments: Arguments = {}
    if heard.slots.zones:
        arguments["zone"] = heard.slots.zones[0]
    if heard.slots.availability:
        arguments["availability"] = heard.slots.availability
    return arguments


def build_my_day(heard: Heard) -> Arguments:
    return {"period": heard.slots.periods[0]} if heard.slots.periods else {}


def build_kb(heard: Heard) -> Arguments:
    return {"query": heard.raw.strip(" ?!.")[:200]}


def build_assign(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments = ticket_of(heard)
    if slots.teams:
        arguments["team"] = slots.teams[0]
    elif slots.recommended_team:
        arguments["team"] = "@recommended"
    elif slots.my_team or re.search(
        r"(?:to|kepada|ke|pada) (?:me|saya)(?!\w)", heard.text
    ):
        arguments["team"] = "me"
    return arguments


def build_change_status(heard: Heard) -> Arguments:
    arguments = ticket_of(heard)
    named = [s for s in heard.slots.statuses if s != UNFINISHED]
    target = target_status(heard) or (named[-1] if named else heard.slots.verb)
    if target:
        arguments["status"] = target
    note = status_note(heard.raw)
    if note:
        arguments["note"] = note
    return arguments


def target_status(heard: Heard) -> str | None:
    """Return the status after "to" or "as", which wins over the verb before it."""
    after = re.search(
        r"(?<!\w)(?:to|as|kepada|ke|sebagai|jadi) ([\w\- ]+)$", heard.text
    )
    if after is None:
        return None
    table = lexicon.by_phrase(lexicon.STATUS_VERBS) | lexicon.by_phrase(
        lexicon.STATUS_PHRASES
    )
    words = after.group(1).split()
    for size in (3, 2, 1):
        found = table.get(" ".join(words[:size]))
        if found and found != UNFINISHED:
            return found
    return None


def build_change_priority(heard: Heard) -> Arguments:
    arguments = ticket_of(heard)
    priorities = heard.slots.priorities
    if priorities:
        arguments["priority"] = last_said(heard, priorities)
    else:
        soft = lexicon.by_phrase(lexicon.PRIORITY_PHRASES)
        said = [soft[w] for w in heard.text.split() if w in soft]
        if said:
            arguments["priority"] = said[-1]
    return arguments


def last_said(heard: Heard, priorities: list[str]) -> str:
    table = lexicon.by_phrase(lexicon.PRIORITY_PHRASES)
    said = [table[w] for w in heard.text.split() if table.get(w) in priorities]
    return said[-1] if said else priorities[-1]


def build_comment(heard: Heard) -> Arguments:
    arguments = ticket_of(heard)
    if not arguments and heard.memory.focus is not None:
        arguments = {"ticket_number": heard.memory.focus}
    words = comment_text(heard.raw)
    if words:
        arguments["text"] = words
    return arguments


def build_create(heard: Heard) -> Arguments:
    slots = heard.slots
    arguments: Arguments = dict(create_fields(heard.raw))
    if slots.categories:
        arguments["category"] = slots.categories[0]
    if slots.priorities:
        arguments["priority"] = slots.priorities[0]
    if slots.zones:
        arguments["zone"] = slots.zones[0]
    return arguments


def nothing(_: Heard) -> Arguments:
    return {}


BUILDERS: Mapping[str, Callable[[Heard], Arguments]] = {
    "ticket_get": build_get,
    "ticket_search": build_search,
    "ticket_stats": build_stats,
    "ticket_aging": build_aging,
    "sla_risk": build_risk,
    "performance_overview": build_overview,
    "team_performance": build_team_performance,
    "zone_analytics": build_zone_analytics,
    "trends": build_trends,
    "forecast": build_forecast,
    "insights": build_insights,
    "recommendations": build_recommendations,
    "recommend_team": build_recommend_team,
    "similar_tickets": build_similar,
    "team_list": build_team_list,
    "my_day": build_my_day,
    "kb_search": build_kb,
    "assign_ticket": build_assign,
    "change_status": build_change_status,
    "change_priority": build_change_priority,
    "add_comment": build_comment,
    "create_ticket": build_create,
    "help": nothing,
    "smalltalk": nothing,
}

# ---- checking, follow-ups, answers -----------------------------------------------------


def required(tool: str) -> list[str]:
    if tool == "create_ticket":
        return ["title", "category", "zone"]  # what the API asks for
    if tool == "similar_tickets":
        return []
    listed: list[str] = tools()[tool]["function"]["parameters"]["required"]
    return listed


def checked(heard: Heard, tool: str, arguments: Arguments, confidence: float) -> Plan:
    """Return the plan, or `clarify` when something is missing or unknown."""
    slots = heard.slots
    if tool not in FREE_TEXT_TOOLS:
        if slots.unknown_zone and "zone" not in arguments and "text" not in arguments:
            return unknown(heard, tool, arguments, "zone", slots.unknown_zone)
        if slots.unknown_team and "team" not in arguments:
            return unknown(heard, tool, arguments, "team", slots.unknown_team)
    missing = [name for name in required(tool) if name not in arguments]
    if tool == "similar_tickets" and not arguments:
        missing = ["ticket_number"]
    if missing:
        asked = {"tool": tool, "arguments": arguments, "missing": missing}
        return Plan("clarify", {"missing": missing}, asked, confidence=confidence)
    unfinished = UNFINISHED in slots.statuses and "status" in arguments
    return Plan(tool, arguments, unfinished=unfinished, confidence=confidence)


def unknown(
    heard: Heard, tool: str, arguments: Arguments, slot: str, said: str
) -> Plan:
    details = {"tool": tool, "arguments": arguments, "missing": [slot], "unknown": said}
    return Plan("clarify", {"missing": [slot]}, details)


def again(heard: Heard, tool: str) -> Plan | None:
    """Return the last question asked of another tool: its list, or its count."""
    last = heard.memory.last
    if last is None or last["tool"] not in {"ticket_stats", "ticket_search"}:
        return None
    allowed = tools()[tool]["function"]["parameters"]["properties"]
    dropped = {"group_by", "rank", "compare_to", "limit", "sort"}
    kept = {
        k: v for k, v in last["arguments"].items() if k in allowed and k not in dropped
    }
    return Plan(tool, kept, unfinished=bool(last.get("unfinished")))


def merged(heard: Heard, last: Mapping[str, Any]) -> Plan | None:
    """Return the last question with the slots of this message put over its own."""
    tool = str(last["tool"])
    if kind_of(tool) == WRITE or tool not in BUILDERS:
        return None
    fresh = BUILDERS[tool](heard)
    fresh.pop("text", None)
    if not fresh and not (heard.slots.unknown_zone or heard.slots.unknown_team):
        return None
    kept = dict(last["arguments"])
    if "period" in fresh and "date_field" not in fresh and kept.get("date_field"):
        fresh["date_field"] = kept["date_field"]
    arguments = {**kept, **fresh}
    if arguments.get("status") == ["completed"] and "period" in arguments:
        arguments.setdefault("date_field", "completed")
    plan = checked(heard, tool, arguments, 1.0)
    kept_unfinished = bool(last.get("unfinished")) and "status" not in fresh
    return Plan(
        plan.tool, plan.arguments, plan.details, plan.unfinished or kept_unfinished
    )


def free_text_missing(asking: Mapping[str, Any]) -> bool:
    return asking["missing"][:1] in (["text"], ["title"])


def answers_to(heard: Heard, asking: Mapping[str, Any]) -> Arguments:
    """Return the missing arguments that a message gives."""
    tool, missing = str(asking["tool"]), list(asking["missing"])
    built = BUILDERS[tool](heard)
    fills = {name: built[name] for name in missing if name in built}
    if fills:
        return fills
    slots = heard.slots
    if "zone" in missing and slots.zones:
        return {"zone": slots.zones[0]}
    if "team" in missing and slots.teams:
        return {"team": slots.teams[0]}
    if "ticket_number" in missing and re.fullmatch(r"#?0*\d{1,12}", heard.raw.strip()):
        return {"ticket_number": f"CTT_{int(heard.raw.strip().lstrip('#'))}"}
    if free_text_missing(asking) and plain(heard.raw):
        return {missing[0]: heard.raw.strip()[:200]}
    return {}
