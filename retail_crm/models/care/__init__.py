from . import retail_care_rule, retail_care_rule_channel, retail_followup
