from . import base_partner_merge, retail_anonymise, retail_sensitive
