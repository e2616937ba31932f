from . import base_partner_merge, retail_adviser_assign
