from . import retail_care_rule, retail_care_rule_channel, retail_followup
from . import ir_qweb
from . import retail_followup_gates
from . import retail_followup_channel
from . import retail_followup_owner
from . import retail_followup_turn
from . import retail_followup_text
from . import retail_followup_send
from . import retail_followup_mail
from . import retail_followup_unsubscribe
from . import retail_followup_letter
from . import retail_followup_reaction
from . import retail_followup_refusal
from . import retail_followup_portal_access
from . import retail_consent
from . import mail_mail
from . import (
    retail_care_rule,
    retail_care_rule_channel,
    retail_followup,
    retail_followup_gates,
    retail_followup_channel,
    retail_followup_owner,
    retail_followup_turn,
    retail_followup_text,
    retail_followup_refusal,
    retail_followup_send,
    retail_followup_mail,
    retail_followup_letter,
    retail_followup_unsubscribe,
    retail_consent,
    mail_mail,
    res_company_care,
    res_config_settings_care,
    retail_care_gap,
    retail_care_pause,
    retail_followup_pause,
    retail_followup_words,
    retail_followup_report,
    retail_followup_why,
    retail_care_rule_why,
    retail_care_rule_preview,
    res_partner_care,
)
