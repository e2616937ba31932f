from odoo import models

from ._few import fetch_few
from .mail_alias_door import KNOWN_ALIASES

#: What is asked of those who write mails, and of those who are told of them.
_OF_SENDERS = (
    'active',
    'commercial_company_name',
    'commercial_partner_id',
    'company_id',
    'company_name',
    'complete_name',
    'email',
    'email_normalized',
    'is_company',
    'lang',
    'message_bounce',
    'name',
    'parent_id',
    'partner_share',
    'phone',
    'type',
    'tz',
    'user_id',
)


class ResPartner(models.Model):
    """While the gateway works on a mail, contacts are read in a few columns: they have 80, and it asks one by one."""

    _inherit = 'res.partner'

    def _fetch_field(self, field):
        if KNOWN_ALIASES.get() is not None and fetch_few(self, field, _OF_SENDERS):
            return None
        return super()._fetch_field(field)
