"""From a message to one tool and its arguments, or to a question back.

Understanding only: nothing is called and nothing is written here. State comes from
the server's own memory of the conversation, never from the client. When something is
missing or unknown the plan is `clarify`, when it is out of reach `none`.
"""

import re
from datetime import date

from ai_service.assistant import lexicon, refusals
from ai_service.assistant.arguments import BUILDERS
from ai_service.assistant.checking import (
    FREE_TEXT_TOOLS,
    again,
    answers_to,
    checked,
    free_text_missing,
    merged,
)
from ai_service.assistant.gazetteer import Gazetteer
from ai_service.assistant.intents import IntentModel
from ai_service.assistant.known_words import (
    FILLERS,
    SLOT_WORDS,
    is_mark,
    known_words,
    speller_of,
)
from ai_service.assistant.lexicon import phrases
from ai_service.assistant.normalising import words_of
from ai_service.assistant.plans import Heard, Memory, Plan
from ai_service.assistant.slots import Slots, read_slots

QUITE_SURE, SURE, UNSURE = 0.85, 0.55, 0.30
MOST_STRANGE = 0.34  # of the words that carry meaning
LONGEST_FOLLOW_UP = 5  # words
CONFIRM_SET = frozenset(phrases(lexicon.CONFIRM))
CANCEL_SET = frozenset(phrases(lexicon.CANCEL))
FOLLOWS = sorted(phrases(lexicon.FOLLOW_UPS), key=len, reverse=True)
FOLLOW = re.compile(rf"^(?:(?:{'|'.join(map(re.escape, FOLLOWS))})\s+)+")
THEM = re.compile(
    r"^(?:please |ok |can you |tolong |boleh )*(?:show|list|display|see|view|"
    r"tunjuk|tunjukkan|senarai|senaraikan|papar|paparkan|lihat|tengok)(?: me)?"
    r"(?: (?:them|those|these|the list|the tickets|all|it|all of them|semua|senarainya|"
    r"tiket itu|tiket tersebut|senarai|tiketnya|which ones))*$"
)
COUNT_THEM = re.compile(
    r"^(?:and )?(?:how many(?: (?:are there|is that|in total|of them))?|berapa"
    r"(?: semua| jumlah| banyak| jumlahnya)?|count them|total|jumlah)$"
)
PLACE_LEAD = re.compile(
    r"(?<!\w)(?:in|at|for|di|zone|zon|negeri|untuk|within|around|near|dalam|of|"
    r"state|kawasan)(?: (?:the|zone|zon|negeri|kawasan|state of))? ([a-z]{4,})(?: (?:zone|zon|state))?(?!\w)"
)
TEAM_LEAD = re.compile(r"(?<!\w)(?:team|pasukan|crew) ([a-z]{3,}|\d{1,3})(?!\w)")


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
        if reason is None and self.is_noise(heard):
            reason = "gibberish"
        if reason is not None:
            return Plan("none", {"reason": reason})
        return self.plan_of_the_same(heard)

    def plan_of_the_same(self, heard: Heard) -> Plan | None:
        """Return the list or the count of what was asked last."""
        if heard.memory.last and THEM.match(heard.text):
            return again(heard, "ticket_search")
        if heard.memory.last and COUNT_THEM.match(heard.text):
            return again(heard, "ticket_stats")
        return None

    def is_noise(self, heard: Heard) -> bool:
        spoken = self.known | frozenset(self.names.words())
        return not heard.words or refusals.is_gibberish(list(heard.words), spoken)

    @staticmethod
    def is_awaited(heard: Heard) -> bool:
        """Whether a bare word answers a question for free text."""
        asking = heard.memory.asking
        if asking is None or heard.memory.has_proposal:
            return False
        return free_text_missing(asking)

    def plan_answer(self, heard: Heard) -> Plan | None:
        """Return the plan that the last reply asked about, now complete."""
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
        last, slots = heard.memory.last, heard.slots
        if not last or slots.is_empty() or slots.tickets or slots.reference:
            return None
        started = FOLLOW.match(slots.masked) is not None
        if not started and set(heard.words) & lexicon.TICKET_WORDS:
            return None  # names its subject itself: a new question
        rest = FOLLOW.sub("", slots.masked).split()
        left = [w for w in rest if w not in FILLERS and not is_mark(w)]
        if started:
            left = [w for w in left if w not in SLOT_WORDS]
        is_short = len(heard.words) <= LONGEST_FOLLOW_UP
        allowed = 1 if started and is_short else 0
        if len(left) > allowed or not (started or is_short):
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
        if heard.slots.tickets:
            return False
        if sure < UNSURE and heard.slots.is_empty():
            return True
        is_vague = sure < QUITE_SURE or heard.slots.is_empty()
        return bool(strange) and (sure < SURE or (share >= MOST_STRANGE and is_vague))


# ---- choosing between near tools -----------------------------------------------------


def preferred(heard: Heard, tool: str) -> str:
    """Return the tool after a second look at words that decide between neighbours."""
    slots = heard.slots
    named = bool(slots.tickets or slots.reference or points_back(heard))
    in_teams = bool(slots.teams or slots.my_team)
    only_number = bool(slots.tickets) and slots.is_only_tickets()
    second_looks = (
        ("ticket_get", "change_status", named and bool(ACT_FIRST.match(heard.text))),
        ("ticket_get", "ticket_search", not named),
        ("zone_analytics", "ticket_stats", counts_tickets(heard)),
        (
            "trends",
            "performance_overview",
            bool(slots.metrics) and not heard.has(COURSE),
        ),
        ("forecast", "ticket_stats", bool(slots.periods) and not heard.has(FUTURE)),
        ("ticket_stats", "ticket_get", only_number),
        ("ticket_search", "ticket_get", only_number),
        ("performance_overview", "team_performance", in_teams),
        (
            "team_performance",
            "zone_analytics",
            bool(slots.zones) and not about_teams(heard),
        ),
    )
    for judged, better, speaks_for_it in second_looks:
        if tool == judged and speaks_for_it:
            return better
    return tool


COURSE = (
    r"trends?|aliran|corak|graf|graph|carta|chart|plot|time series|history|sejarah|per|"
    r"each|daily|weekly|monthly|harian|mingguan|bulanan|setiap|over|chang\w+|improv\w+|"
    r"evolv\w+|develop\w+|moved|gone|going|get\w+|ris\w+|increas\w+|decreas\w+|fall\w+|"
    r"grow\w+|semakin|meningkat|menurun|bertambah|berkurang|naik|turun|berubah|berkembang|"
    r"perubahan|sepanjang"
)
FUTURE = (
    r"forecasts?|predict\w*|project\w*|outlook|expect\w*|estimat\w*|anticipat\w*|will|"
    r"should|need\w*|require\w*|busy|enough|next|coming|upcoming|tomorrow|ramal\w*|"
    r"jangka\w*|dijangka|unjuran|esok|depan|hadapan|akan|bakal|perlu\w*|diperlukan|cukup|"
    r"sibuk|sesibuk"
)


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
