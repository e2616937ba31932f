from . import (
    base_partner_merge,
    retail_membership_enrol,
    retail_membership_import,
    retail_membership_import_check,
    retail_membership_leave,
    retail_membership_override,
    retail_tier_preview_call,
    retail_tier_preview_floor,
    retail_tier_proposal,
    retail_tier_proposal_line,
    retail_voucher_render,
)
