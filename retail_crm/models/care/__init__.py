from . import (
    retail_care_rule,
    retail_care_rule_state,
    retail_care_rule_audience,
    retail_care_rule_plan,
    retail_care_rule_channel,
    retail_followup,
    retail_care_trigger_moment,
    retail_moment_care,
)
