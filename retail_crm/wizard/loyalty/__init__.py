from . import base_partner_merge, retail_membership_override
