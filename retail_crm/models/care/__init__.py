from . import retail_care_rule, retail_care_rule_channel, retail_followup
from . import retail_followup_attempt
from . import retail_followup_work
from . import retail_followup_activity
from . import retail_followup_ticket
from . import retail_followup_release
from . import retail_followup_tend
from . import retail_followup_card
from . import retail_followup_contact
from . import retail_followup_merge
from . import mail_activity
from . import res_users
from . import retail_ticket
from . import sale_order
from . import res_partner_followup
from . import res_partner_forget
from . import retail_my_day
from . import retail_timeline
