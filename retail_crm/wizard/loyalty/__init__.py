from . import (
    base_partner_merge,
    retail_membership_import,
    retail_membership_import_check,
    retail_membership_override,
)
