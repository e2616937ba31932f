from . import (
    base_partner_merge,
    mail_activity_schedule,
    mail_compose_message,
    retail_adviser_assign,
    retail_anonymise,
    retail_consent_record,
    retail_consent_record_line,
    retail_registration,
    retail_sensitive,
    loyalty,
    service,
    care,
)
