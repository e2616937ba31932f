from . import base_partner_merge, retail_membership_override, retail_voucher_render
