from odoo import models


class MailActivityType(models.Model):
    _inherit = 'mail.activity.type'

    def _retail_transport(self):
        """Hook: return the transport (of ``retail.channel``) on which an activity of this type contacts somebody."""
        if self.category == 'phonecall':
            return 'phone'
        email = self.env.ref('mail.mail_activity_data_email', raise_if_not_found=False)
        return 'email' if self and self == email else False

    def _retail_contact_warning(self, records):
        """Return what speaks against contacting the customers of these records so, or an empty text."""
        transport = self._retail_transport()
        if not transport or not records or not hasattr(records, '_mail_get_partners'):
            return ''
        by_record = records.exists()._mail_get_partners()
        partners = self.env['res.partner'].union(*by_record.values())
        return partners._contact_warning_text(transport)
