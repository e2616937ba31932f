"""Words of offers that the lists of care get; loaded before the models that use the lists."""

from . import _care

_care.REASONS.append(('not_entitled', 'Offer Not for This Customer'))
_care.DEFINITION_FIELDS.add('offer_by_policy')

KINDS = [
    ('promotion', 'Promotion'),
    ('new_product', 'New product'),
    ('reward', 'Reward'),
    ('recommendation', 'Recommendation'),
]
STATES = [('draft', 'Draft'), ('running', 'Running'), ('ended', 'Ended')]
#: Programs of which each customer gets a coupon of his own.
COUPON_TYPES = ('coupons', 'next_order_coupons', 'gift_card')
#: Who sees offers.
OFFER_GROUPS = 'retail_crm.group_user,retail_crm.group_marketing'
