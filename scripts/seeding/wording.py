"""What people write: titles, descriptions, comments. English, some of it Malay."""

from collections.abc import Mapping, Sequence

import numpy as np

from db.vocabulary import Category, Cause
from scripts.seeding.demand import Need
from scripts.seeding.names import pick

Rng = np.random.Generator

# What the customer sees; the cause is found later.
SYMPTOMS: Mapping[Cause, Sequence[str]] = {
    Cause.DROP_FIBRE: (
        "No internet, LOS light red",
        "Fibre cable hanging outside the house",
        "Line down since the storm",
        "No internet after lorry pulled down cable",
    ),
    Cause.CUSTOMER_CPE: (
        "Wi-Fi slow in the whole house",
        "Modem restarts by itself",
        "No internet, all lights normal",
        "Router does not turn on",
    ),
    Cause.LONG_SPAN: (
        "Internet drops every evening",
        "Low optical power, speed far below plan",
        "No internet in the whole row of houses",
    ),
    Cause.RODENT: (
        "No internet, cable in the duct chewed",
        "LOS light red again, same as last time",
        "Line cut near the manhole",
    ),
    Cause.FDP_BREAKDOWN: (
        "No internet, neighbours too",
        "Several units without service behind one FDP",
        "Intermittent line, FDP box open and wet",
    ),
    Cause.POWER: (
        "No internet after power failure",
        "No internet after lightning",
        "Whole area offline since the blackout",
    ),
    Cause.OTHER: (
        "Phone line crackles",
        "TV freezes although internet works",
        "Line moved during renovation, no internet now",
    ),
}
IN_MALAY: Mapping[Cause, str] = {
    Cause.DROP_FIBRE: "Internet terputus, lampu LOS merah",
    Cause.CUSTOMER_CPE: "Wi-Fi perlahan di seluruh rumah",
    Cause.LONG_SPAN: "Talian perlahan setiap malam",
    Cause.RODENT: "Kabel digigit tikus, tiada internet",
    Cause.FDP_BREAKDOWN: "Tiada internet, jiran pun sama",
    Cause.POWER: "Tiada internet selepas bekalan elektrik terputus",
    Cause.OTHER: "Talian berbunyi bising",
}
WORKS: Mapping[Category, Sequence[str]] = {
    Category.FIBER_INSTALLATION: (
        "New fibre line 300 Mbps",
        "New fibre line 100 Mbps",
        "New fibre line 1 Gbps",
        "Relocate fibre point within the house",
        "Pemasangan talian fibre baharu",
    ),
    Category.MAINTENANCE: (
        "Replace ageing splitter in FDP",
        "Re-route aerial cable",
        "Clean and seal manhole",
        "Replace batteries of street cabinet",
    ),
    Category.INSPECTION: (
        "Yearly inspection of distribution point",
        "Measure optical budget of feeder",
        "Survey for new connection",
        "Check earth and surge protection",
    ),
}
EMERGENCIES: Mapping[Cause, Sequence[str]] = {
    Cause.LONG_SPAN: ("Trunk fibre cut", "Feeder cable cut by excavator"),
    Cause.POWER: ("OLT down, power supply failed", "Exchange without power"),
    Cause.FDP_BREAKDOWN: ("Cabinet hit by vehicle", "Distribution cabinet flooded"),
    Cause.OTHER: ("Fallen pole blocks the road", "Fire near cable duct"),
}
AT_HOME = (
    "Please call before coming; gate is locked.",
    "Pelanggan minta datang selepas pukul 2 petang.",
    "Customer asks for a visit in the morning.",
    "",
)
DETAILS: Mapping[Category, Sequence[str]] = {
    Category.REPAIR: (
        "Customer restarted the equipment twice, no change.",
        "Customer works from home.",
        "Reported through the hotline.",
        "Aduan melalui talian khidmat pelanggan.",
        *AT_HOME,
    ),
    Category.FIBER_INSTALLATION: ("Two-storey house, conduit is there.", *AT_HOME),
    Category.MAINTENANCE: ("Planned with the network team.", "Bring a ladder.", ""),
    Category.INSPECTION: ("Photos of the inside are needed.", "", ""),
    Category.EMERGENCY: (
        "Alarm from network monitoring; customers are calling.",
        "Reported by the police at the site.",
    ),
}
FIRST_ANSWERS = (
    "Thank you for the report. We have seen it and are arranging a visit.",
    "We checked your line remotely; a technician is needed on site.",
    "Terima kasih. Aduan anda sedang diambil tindakan.",
)
OUTAGE_ANSWER = "This is part of a larger outage at {place}. A team is working on it."
FIELD_NOTES: Mapping[Cause, Sequence[str]] = {
    Cause.DROP_FIBRE: ("Drop cable replaced, 60 m.", "New connector, level is good."),
    Cause.CUSTOMER_CPE: ("ONT replaced and set up.", "Router moved away from the TV."),
    Cause.LONG_SPAN: ("Re-spliced at the joint, OTDR trace is clean.",),
    Cause.RODENT: ("Gnawed section replaced, conduit fitted.",),
    Cause.FDP_BREAKDOWN: ("FDP box replaced and sealed.", "Splitter port changed."),
    Cause.POWER: (
        "Power supply replaced.",
        "Surge protector replaced after lightning.",
    ),
    Cause.OTHER: ("Put right on site.",),
}
WORK_NOTES = ("Done as planned.", "Work finished, site left clean.", "Siap.")
CHASERS = (
    "Any news? Still not working.",
    "Bila boleh datang? Masih tiada internet.",
    "When will the technician come?",
)


def title_of(need: Need, rng: Rng) -> str:
    """Return the title, with the quarter or exchange it is about."""
    quarter = need.address.text.split(", ")[1]
    if need.category is Category.EMERGENCY:
        what = pick(EMERGENCIES[need.cause or Cause.OTHER], rng)
        return f"{what} at {need.exchange.name}"
    if need.category is Category.REPAIR:
        cause = need.cause or Cause.OTHER
        if rng.random() < 0.25:
            return f"{IN_MALAY[cause]}, {quarter}"
        return f"{pick(SYMPTOMS[cause], rng)}, {quarter}"
    return f"{pick(WORKS[need.category], rng)}, {quarter}"


def description_of(need: Need, rng: Rng) -> str:
    detail = pick(DETAILS[need.category], rng)
    if need.is_repeat:
        detail = f"Same fault as before at this address. {detail}"
    return detail.strip()


def field_note(need: Need, rng: Rng) -> str:
    if need.cause is None:
        return pick(WORK_NOTES, rng)
    return pick(FIELD_NOTES[need.cause], rng)
