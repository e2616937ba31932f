from . import retail_membership_override
