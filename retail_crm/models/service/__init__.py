from . import (
    retail_calendar_makeup,
    resource_calendar,
    resource_calendar_attendance,
    resource_calendar_leaves,
)
