from . import base_partner_merge, retail_anonymise, retail_sensitive
from . import base_partner_merge, retail_adviser_assign
from . import (
    base_partner_merge,
    mail_activity_schedule,
    mail_compose_message,
    retail_consent_record,
    retail_consent_record_line,
    retail_registration,
)
