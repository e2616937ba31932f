from . import base_partner_merge, retail_anonymise, retail_sensitive
from . import base_partner_merge, retail_adviser_assign
