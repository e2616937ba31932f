from . import (
    base_partner_merge,
    retail_membership_override,
    retail_tier_preview_call,
    retail_tier_preview_floor,
    retail_tier_proposal,
    retail_tier_proposal_line,
)
