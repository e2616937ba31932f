from . import (
    base_partner_merge,
    mail_activity_schedule,
    mail_compose_message,
    retail_consent_record,
    retail_consent_record_line,
    retail_registration,
)
