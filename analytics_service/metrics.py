"""What every figure means: the only place where a metric is defined.

`METRICS` says it in words (`GET /api/analytics/metrics`), `FIGURES` says it in
code: pure functions of `Totals`, the sums of the roll-up over a period and a
group. A figure counts the rows of one population, and `n` is how many they are;
the tickets service returns exactly these rows for the population's name.
Refuses ratios of different populations and averages of percentiles.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from analytics_service.durations import MEDIAN, P90, Durations

SMALL_SAMPLE = 5  # below this many rows a figure says that it is no evidence
SETTLED_DAYS = 14  # a completion is judged once it could have been reopened

NOTHING = Durations(0, 0)


@dataclass(frozen=True, slots=True)
class Totals:
    """What a group of tickets adds up to over a period.

    sums: measures of tickets_service/rollup.py by name, over the days of the
        period; names with a colon are counters (`missed:<policy_id>` …).
    settled: `completed` and `first_visit_fixed` over those days of the period
        that are at least 14 days old.
    backlog: unfinished tickets at the end of the last day.
    shift_s: seconds that the group's teams are on shift in the period.
    durations: rw, rk (resolution, wall and working time), fw, fk (first response).
    """

    sums: Mapping[str, int] = field(default_factory=dict)
    settled: Mapping[str, int] = field(default_factory=dict)
    backlog: int = 0
    shift_s: int = 0
    durations: Mapping[str, Durations] = field(default_factory=dict)

    def of(self, name: str) -> int:
        return self.sums.get(name, 0)


@dataclass(frozen=True, slots=True)
class Metric:
    """A definition in words. better: whether more is good (None: neither)."""

    id: str
    title: str
    unit: str
    numerator: str
    denominator: str | None
    population: str
    exclusions: str
    better: bool | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a metric: how it is computed, and of which rows.

    is_exact: False where the value may be off by up to 1 %.
    """

    key: str
    metric: str
    text: str
    population: str
    value: Callable[[Totals], float | None]
    n: Callable[[Totals], int]
    is_exact: Callable[[Totals], bool] = lambda _: True


def ratio(part: float, whole: float) -> float | None:
    """Return part / whole, None of nothing."""
    return part / whole if whole else None


def minutes(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 60


DELETED = "Deleted tickets are in no figure."
NOT_COMPLETED = f"{DELETED} Cancelled and reopened tickets are not completed."
PROMISED = f"{NOT_COMPLETED} Tickets without a promise have no working time."

METRICS = (
    Metric(
        "created",
        "Created",
        "tickets",
        "Tickets whose created_at lies in the period.",
        None,
        "tickets created in the period, cancelled ones too",
        DELETED,
    ),
    Metric(
        "completed",
        "Completed",
        "tickets",
        "Tickets completed or closed whose last completion lies in the period.",
        None,
        "tickets completed in the period",
        NOT_COMPLETED,
        better=True,
    ),
    Metric(
        "backlog",
        "Backlog",
        "tickets",
        "Tickets open, in progress or on hold at the end of the last day.",
        None,
        "tickets unfinished at the end of the period",
        f"{DELETED} Cancelled and completed tickets are finished.",
        better=False,
    ),
    Metric(
        "completion_ratio",
        "Completion ratio",
        "ratio",
        "Tickets completed in the period.",
        "Tickets completed in the period and tickets unfinished at its end.",
        "tickets completed in the period or unfinished at its end",
        NOT_COMPLETED,
        better=True,
    ),
    Metric(
        "first_response_minutes",
        "Time to first response",
        "minutes",
        "From opening to the first human acknowledgement (a visit accepted or a "
        "public comment of staff): median and 90th percentile, in wall time and in "
        "working time of the ticket's calendar.",
        None,
        "tickets first answered in the period",
        f"{DELETED} Tickets not yet answered have no duration. Comments of the "
        "ticket's creator, internal notes and automatic messages are no answer.",
        better=False,
    ),
    Metric(
        "resolution_minutes",
        "Time to resolve",
        "minutes",
        "From opening to the last completion, less the pauses: mean, median and "
        "90th percentile, in wall time and in working time of the ticket's calendar.",
        None,
        "tickets completed in the period, reopened ones by their last completion",
        PROMISED,
        better=False,
    ),
    Metric(
        "sla_met_ratio",
        "Promises kept",
        "ratio",
        "Verdicts 'met' that fell in the period (for the first response and for the "
        "resolution).",
        "Verdicts 'met' that fell in the period, and 'missed' whose due instant lies "
        "in it, those still unfinished too.",
        "tickets judged in the period; met counts on the day it is met, missed on "
        "the day it fell due",
        f"{DELETED} Tickets cancelled before a verdict are not judged.",
        better=True,
    ),
    Metric(
        "first_visit_fix_ratio",
        "Fixed at the first visit",
        "ratio",
        "Tickets with exactly one visit done, none ended 'not done', and not "
        "reopened within 14 days of a completion.",
        "Tickets completed in the period at least 14 days ago.",
        "tickets completed in the period, less its days of the last 14",
        NOT_COMPLETED,
        better=True,
    ),
    Metric(
        "reopen_ratio",
        "Reopened",
        "ratio",
        "Tickets reopened within 14 days of an earlier completion.",
        "Tickets completed in the period.",
        "tickets completed in the period",
        NOT_COMPLETED,
        better=False,
    ),
    Metric(
        "utilisation_ratio",
        "Utilisation",
        "ratio",
        "Minutes on site and on the way of the visits that ended in the period.",
        "Shift minutes, on the working days of the zone's calendar until today, of "
        "the active teams of the group.",
        "visits ended 'done' or 'not done' in the period",
        "Declined and released visits. Visits of deleted tickets.",
    ),
    Metric(
        "workload_minutes",
        "Workload",
        "minutes",
        "Estimated minutes of the tickets created in the period.",
        None,
        "tickets created in the period, cancelled ones too",
        f"{DELETED} A ticket without an estimate counts 0 minutes.",
    ),
)


def percentile(which: str, share: float) -> Callable[[Totals], float | None]:
    def value(totals: Totals) -> float | None:
        return minutes(totals.durations.get(which, NOTHING).percentile_s(share))

    return value


def exactness(which: str, share: float) -> Callable[[Totals], bool]:
    def is_exact(totals: Totals) -> bool:
        return totals.durations.get(which, NOTHING).is_exact(share)

    return is_exact


def mean(which: str) -> Callable[[Totals], float | None]:
    def value(totals: Totals) -> float | None:
        return minutes(totals.durations.get(which, NOTHING).mean_s)

    return value


def measured(which: str) -> Callable[[Totals], int]:
    def n(totals: Totals) -> int:
        return totals.durations.get(which, NOTHING).n

    return n


def measure(name: str) -> Callable[[Totals], int]:
    def value(totals: Totals) -> int:
        return totals.of(name)

    return value


def judged(clock: str) -> Callable[[Totals], int]:
    def n(totals: Totals) -> int:
        return totals.of(f"{clock}_met") + totals.of(f"{clock}_missed")

    return n


def met_ratio(clock: str) -> Callable[[Totals], float | None]:
    n = judged(clock)

    def value(totals: Totals) -> float | None:
        return ratio(totals.of(f"{clock}_met"), n(totals))

    return value


def backlog(totals: Totals) -> int:
    return totals.backlog


def completed_or_backlog(totals: Totals) -> int:
    return totals.of("completed") + totals.backlog


def completion_ratio(totals: Totals) -> float | None:
    return ratio(totals.of("completed"), completed_or_backlog(totals))


def settled(totals: Totals) -> int:
    return totals.settled.get("completed", 0)


def first_visit_fix_ratio(totals: Totals) -> float | None:
    return ratio(totals.settled.get("first_visit_fixed", 0), settled(totals))


def reopen_ratio(totals: Totals) -> float | None:
    return ratio(totals.of("reopened"), totals.of("completed"))


def visits(totals: Totals) -> int:
    return totals.of("visits_done") + totals.of("visits_not_done")


def utilisation_ratio(totals: Totals) -> float | None:
    return ratio(totals.of("on_site_s") + totals.of("travel_s"), totals.shift_s)


def count(name: str, text: str, value: Callable[[Totals], int]) -> Figure:
    return Figure(name, name, text, name, value, value)


def duration(
    key: str, which: str, text: str, value: Callable[[Totals], float | None]
) -> Figure:
    """Return a figure of durations; `key` tells metric and statistic apart."""
    resolution = which.startswith("r")
    return Figure(
        key,
        "resolution_minutes" if resolution else "first_response_minutes",
        text,
        "completed" if resolution else "responded",
        value,
        measured(which),
    )


def spread(key: str, which: str, text: str, share: float) -> Figure:
    """Return a figure that is a percentile of durations."""
    figure = duration(key, which, text, percentile(which, share))
    return replace(figure, is_exact=exactness(which, share))


FIGURES = (
    count("created", "Tickets created in the period.", measure("created")),
    count("completed", "Tickets completed in the period.", measure("completed")),
    count("backlog", "Tickets unfinished at the end of the period.", backlog),
    Figure(
        "completion_ratio",
        "completion_ratio",
        "Completed tickets ÷ completed and unfinished tickets.",
        "completed_or_backlog",
        completion_ratio,
        completed_or_backlog,
    ),
    spread(
        "first_response_median_minutes",
        "fw",
        "Opening to first response, median, wall time.",
        MEDIAN,
    ),
    spread(
        "first_response_p90_minutes",
        "fw",
        "Opening to first response, 90th percentile, wall time.",
        P90,
    ),
    spread(
        "first_response_median_working_minutes",
        "fk",
        "Opening to first response, median, working time.",
        MEDIAN,
    ),
    spread(
        "first_response_p90_working_minutes",
        "fk",
        "Opening to first response, 90th percentile, working time.",
        P90,
    ),
    duration(
        "resolution_mean_minutes",
        "rw",
        "Opening to completion less pauses, mean, wall time.",
        mean("rw"),
    ),
    spread(
        "resolution_median_minutes",
        "rw",
        "Opening to completion less pauses, median, wall time.",
        MEDIAN,
    ),
    spread(
        "resolution_p90_minutes",
        "rw",
        "Opening to completion less pauses, 90th percentile, wall time.",
        P90,
    ),
    duration(
        "resolution_mean_working_minutes",
        "rk",
        "Opening to completion less pauses, mean, working time.",
        mean("rk"),
    ),
    spread(
        "resolution_median_working_minutes",
        "rk",
        "Opening to completion less pauses, median, working time.",
        MEDIAN,
    ),
    spread(
        "resolution_p90_working_minutes",
        "rk",
        "Opening to completion less pauses, 90th percentile, working time.",
        P90,
    ),
    Figure(
        "sla_met_ratio_response",
        "sla_met_ratio",
        "First responses in time ÷ first responses judged.",
        "response_judged",
        met_ratio("response"),
        judged("response"),
    ),
    Figure(
        "sla_met_ratio_resolution",
        "sla_met_ratio",
        "Resolutions in time ÷ resolutions judged.",
        "resolution_judged",
        met_ratio("resolution"),
        judged("resolution"),
    ),
    Figure(
        "first_visit_fix_ratio",
        "first_visit_fix_ratio",
        "Fixed by one visit and not reopened ÷ completed at least 14 days ago.",
        "completed_settled",
        first_visit_fix_ratio,
        settled,
    ),
    Figure(
        "reopen_ratio",
        "reopen_ratio",
        "Reopened within 14 days ÷ completed.",
        "completed",
        reopen_ratio,
        measure("completed"),
    ),
    Figure(
        "utilisation_ratio",
        "utilisation_ratio",
        "Minutes on site and on the way ÷ shift minutes.",
        "visits",
        utilisation_ratio,
        visits,
    ),
    Figure(
        "workload_minutes",
        "workload_minutes",
        "Estimated minutes of the tickets created.",
        "created",
        measure("workload_minutes"),
        measure("created"),
    ),
)

FIGURE = {figure.key: figure for figure in FIGURES}

# A metric of several figures, asked for by its own name, means this one.
MAIN_FIGURE = {
    "first_response_minutes": "first_response_median_minutes",
    "resolution_minutes": "resolution_median_minutes",
    "sla_met_ratio": "sla_met_ratio_resolution",
}


def figure_of(name: str) -> Figure | None:
    """Return the figure of a metric's or a figure's name, None if there is none."""
    return FIGURE.get(MAIN_FIGURE.get(name, name))


def figure_names() -> tuple[str, ...]:
    """Return every name that `metric=` takes."""
    return tuple(dict.fromkeys([*(m.id for m in METRICS), *FIGURE]))


def definitions() -> list[dict[str, object]]:
    """Return every definition in words, with the figures that it has."""
    return [
        {
            "id": m.id,
            "title": m.title,
            "unit": m.unit,
            "numerator": m.numerator,
            "denominator": m.denominator,
            "population": m.population,
            "exclusions": m.exclusions,
            "more_is_better": m.better,
            "figures": [
                {"key": f.key, "definition": f.text, "population": f.population}
                for f in FIGURES
                if f.metric == m.id
            ],
        }
        for m in METRICS
    ]
