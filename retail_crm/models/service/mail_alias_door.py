from contextvars import ContextVar

from odoo import api, models

#: Of the mail that the gateway is working on: ``{address: whether it is one of ours}``. None: no mail.
KNOWN_ALIASES = ContextVar('retail_crm_known_aliases', default=None)
#: Addresses from which that mail came.
SENDERS = ContextVar('retail_crm_senders', default=())


class MailAliasDomain(models.Model):
    """Which addresses are our own is asked once per mail: core asks three times for the sender's, in two queries each.

    Kept while one mail is worked on, and forgotten when an alias changes meanwhile. The sender's is asked with those of
    the recipients, which core asks first.
    """

    _inherit = 'mail.alias.domain'

    @api.model
    def _find_aliases(self, email_list):
        known = KNOWN_ALIASES.get()
        if known is None:
            return super()._find_aliases(email_list)
        unknown = [email for email in dict.fromkeys(email_list) if email not in known]
        if unknown:
            unknown += [email for email in SENDERS.get() if email not in {*known, *unknown}]
            ours = set(super()._find_aliases(unknown))
            known.update((email, email in ours) for email in unknown)
        return [email for email in email_list if known[email]]


class MailAlias(models.Model):
    _inherit = 'mail.alias'

    @api.model_create_multi
    def create(self, vals_list):
        aliases = super().create(vals_list)
        _forget()
        return aliases

    def write(self, vals):
        result = super().write(vals)
        _forget()
        return result

    def unlink(self):
        result = super().unlink()
        _forget()
        return result


def _forget():
    if known := KNOWN_ALIASES.get():
        known.clear()
