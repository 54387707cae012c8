"""What a request asks for, checked and narrowed to what its caller may see."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from analytics_service.directory import Directory, Team, directory
from analytics_service.periods import Cover, Period, local_day, period_of
from analytics_service.queries import Reading, count_rows
from analytics_service.schemas import Wanted
from analytics_service.selection import (
    MOST_ROWS,
    Selection,
    cells_of,
    check_breadth,
    cut_for,
    seen_by,
    selection_of,
)
from db.scope import Actor


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with everything that its answer rests on.

    wanted: the filters as sent. selection: what the caller may see of them.
    """

    actor: Actor
    wanted: Selection
    selection: Selection
    period: Period
    now: datetime
    today: date
    directory: Directory

    def reading(self, by: str | None = None) -> Reading:
        return Reading(self.actor, self.selection, by)

    def teams(self) -> list[Team]:
        """Return the active teams of the selection."""
        chosen = self.selection
        return [
            team
            for team in self.directory.teams.values()
            if team.is_active
            and (chosen.zones is None or team.zone in chosen.zones)
            and (chosen.team_ids is None or team.id in chosen.team_ids)
        ]

    def frame(self, period: Period | None = None) -> dict[str, object]:
        """Return what every answer says about itself."""
        shown = period or self.period
        return {
            "as_of": self.now,
            "time_zone": str(self.period.zone),
            "from": shown.first,
            "to": shown.last,
        }

    def check_breadth(
        self,
        connection: Connection,
        cover: Cover,
        by: str | None,
        technicians: int = 0,
    ) -> None:
        """Raise Invalid if the read would be of too many rows.

        Counted only where the number of cells leaves it open: most of them are
        empty on most days.
        """
        cut = cut_for(self.selection, by)
        cells = cells_of(cut, self.selection, self.directory.sizes(technicians))
        if (cover.rows + 1) * cells > MOST_ROWS:
            check_breadth(count_rows(connection, self.reading(by), cover, MOST_ROWS))


def asked(
    connection: Connection, wanted: Wanted, actor: Actor, now: datetime, zone: ZoneInfo
) -> Asked:
    """Return the request; raises Invalid naming the parameter that is wrong."""
    today = local_day(now, zone)
    period = period_of(wanted.first, wanted.last, today, zone)
    names = directory(connection)
    names.check(wanted)
    selection = selection_of(wanted)
    seen = seen_by(actor, selection)
    return Asked(actor, selection, seen, period, now, today, names)
