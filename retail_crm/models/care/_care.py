"""Words of care that rules and follow-ups share; a later file adds its own to these lists before its model is loaded."""

#: What makes a follow-up necessary. Each but ``moment`` has a builder in a file retail_care_trigger_<topic>.py.
TRIGGERS = [
    ('moment', 'Something happened'),
    ('birthday', 'Birthday'),
    ('named_date', 'Named date of the customer'),
    ('occasion', 'Holiday or occasion'),
    ('purchase', 'Purchase'),
    ('delivery', 'Delivery'),
    ('second_purchase', 'Second purchase'),
    ('refill', 'Used up or due for maintenance'),
    ('silence', 'Silence beyond the own interval'),
    ('interval', 'Interval of the policy'),
    ('expected', 'Next purchase expected'),
    ('new_product', 'New product'),
    ('promotion', 'Promotion'),
    ('visit', 'Visit'),
    ('no_show', 'Appointment missed'),
]
#: Triggers about products: only they know categories.
PRODUCT_TRIGGERS = {'purchase', 'delivery', 'second_purchase', 'refill', 'new_product'}

PURPOSES = [('service', 'Service'), ('marketing', 'Marketing')]

FAMILIES = [
    ('greeting', 'Greeting'),
    ('purchase', 'After a purchase'),
    ('product', 'Product'),
    ('loyalty', 'Loyalty'),
    ('churn', 'Churn'),
    ('complaint', 'Complaint'),
    ('call_back', 'Call-back'),
    ('promotion', 'Promotion'),
    ('welcome', 'Welcome'),
    ('other', 'Other'),
]

OWNERS = [
    ('adviser', 'Adviser of the customer'),
    ('seller', 'Seller of the document'),
    ('handler', 'Owner of the ticket'),
    ('store_manager', 'Leader of the store'),
    ('team', 'Least loaded member of a team'),
    ('user', 'A certain employee'),
]

GOALS = [
    ('none', 'No goal'),
    ('purchase', 'A purchase'),
    ('reply', 'A reply'),
    ('reached', 'The customer was reached'),
]

SILENCES = [
    ('watch', 'Overdue'),
    ('alert', 'Warning'),
    ('lapse', 'Lapsed'),
]

STATES = [
    ('planned', 'Planned'),
    ('todo', 'To Do'),
    ('done', 'Done'),
    ('skipped', 'Not Sent'),
    ('stopped', 'Goal Reached'),
    ('held', 'Control Group'),
    ('failed', 'Failed'),
    ('cancelled', 'Cancelled'),
]

#: Why a follow-up is not sent, or what it waits for.
REASONS = [
    ('no_consent', 'No consent'),
    ('refused', 'Customer refused'),
    ('no_address', 'No address or number'),
    ('no_channel', 'No channel left'),
    ('paused', 'Paused for this customer'),
    ('complaint', 'Open complaint'),
    ('limit_week', 'Marketing contacts of the week used up'),
    ('limit_month', 'Marketing contacts of the month used up'),
    ('limit_all', 'All contacts of the week used up'),
    ('limit_family', 'Too soon after a similar contact'),
    ('no_reaction', 'No reaction to the last contacts'),
    ('minor', 'Minor'),
    ('no_contact_day', 'Day without advertising'),
    ('store_closed', 'Store closed by an incident'),
    ('capacity', 'Capacity of the day used up'),
    ('quiet_hours', 'Quiet hours'),
    ('late', 'Too late'),
    ('goal', 'Goal reached'),
    ('control', 'Control group'),
    ('not_customer', 'No customer any more'),
    ('company_archived', 'Company archived'),
    ('rule_off', 'Rule switched off'),
    ('rule_failed', 'Rule failed'),
    ('error', 'Technical failure'),
]

RESULTS = [
    ('reached', 'Reached'),
    ('not_reached', 'Not Reached'),
    ('refused', 'Refused Contact'),
    ('wrong_address', 'Wrong Number or Address'),
    ('message', 'Message Left'),
]

OUTCOMES = [('open', 'Open'), ('saved', 'Saved'), ('lost', 'Lost')]

REACTIONS = [
    ('none', 'None'),
    ('opened', 'Opened'),
    ('clicked', 'Clicked'),
    ('replied', 'Replied'),
    ('bought', 'Bought'),
    ('visited', 'Visited'),
]

#: What changes whom a rule reaches, when, or with what: a running rule is stopped when one of these changes.
DEFINITION_FIELDS = {
    'purpose',
    'family',
    'is_expected',
    'company_id',
    'trigger',
    'moment_kind',
    'silence',
    'delay_days',
    'in_working_days',
    'lead_days',
    'hard_date',
    'late_days',
    'again_days',
    'segment_ids',
    'tier_ids',
    'domain',
    'category_ids',
    'minimum',
    'first_only',
    'channel_mode',
    'channel_line_ids',
    'template_id',
    'activity_type_id',
    'plan_id',
    'offer_id',
    'survey_id',
}
