"""The words that columns may hold, shared by tables, rules and schemas."""

from enum import StrEnum


class Role(StrEnum):
    ADMIN = "admin"
    MANAGER = "manager"
    DISPATCHER = "dispatcher"
    TECHNICIAN = "technician"
    REQUESTER = "requester"
    VIEWER = "viewer"


class Status(StrEnum):
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"


UNFINISHED = (Status.OPEN, Status.IN_PROGRESS, Status.ON_HOLD)


class Priority(StrEnum):
    URGENT = "urgent"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


PRIORITY_RANK = {p: rank for rank, p in enumerate(Priority)}  # 0 is the most pressing


class Category(StrEnum):
    FIBER_INSTALLATION = "fiber_installation"
    MAINTENANCE = "maintenance"
    REPAIR = "repair"
    INSPECTION = "inspection"
    EMERGENCY = "emergency"


class Cause(StrEnum):
    DROP_FIBRE = "drop_fibre"
    CUSTOMER_CPE = "customer_cpe"
    LONG_SPAN = "long_span"
    RODENT = "rodent"
    FDP_BREAKDOWN = "fdp_breakdown"
    POWER = "power"
    OTHER = "other"


class VisitStatus(StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    DONE = "done"
    NOT_DONE = "not_done"
    DECLINED = "declined"
    RELEASED = "released"


class HoldReason(StrEnum):
    CUSTOMER_ABSENT = "customer_absent"
    AWAITING_PARTS = "awaiting_parts"
    PERMIT_ACCESS = "permit_access"
    WEATHER_SAFETY = "weather_safety"
    THIRD_PARTY = "third_party"
    CUSTOMER_INFO = "customer_info"
    OTHER = "other"


class Visibility(StrEnum):
    PUBLIC = "public"
    INTERNAL = "internal"


class SlaState(StrEnum):
    OK = "ok"
    AT_RISK = "at_risk"
    BREACHED = "breached"
    PAUSED = "paused"
    MET = "met"
    MISSED = "missed"
    NONE = "none"


class Via(StrEnum):
    """The way by which a change came in."""

    API = "api"
    CHAT = "chat"
    IMPORT = "import"
    SEED = "seed"
    WORKER = "worker"
    LEGACY = "legacy"


class Locale(StrEnum):
    EN = "en"
    MS = "ms"
