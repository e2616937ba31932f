from . import (
    base_partner_merge,
    loyalty_card_update_balance,
    loyalty_generate_wizard,
    retail_membership_override,
)
