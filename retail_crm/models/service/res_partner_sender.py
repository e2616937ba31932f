from odoo import models

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
        if field.name in _OF_SENDERS and KNOWN_ALIASES.get() is not None:
            own = (self._fields[name] for name in _OF_SENDERS)
            self.fetch([one.name for one in own if self._has_field_access(one, 'read')])
        else:
            super()._fetch_field(field)
