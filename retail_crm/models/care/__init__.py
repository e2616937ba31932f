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
