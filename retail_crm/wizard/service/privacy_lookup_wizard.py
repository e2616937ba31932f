from odoo import models
from odoo.tools import SQL, email_normalize

from ...models.service.retail_ticket_look_up import _literal


class PrivacyLookupWizard(models.TransientModel):
    _inherit = 'privacy.lookup.wizard'

    def _get_query(self):
        """Find what is kept of an address without a contact, too: tickets, and what is known of mails (S-CUS-22)."""
        query = super()._get_query()
        email = email_normalize(self.email.strip())
        of_model = self.env['ir.model']._get_id
        return SQL(
            """
            %s
            UNION ALL
            SELECT %s AS res_model_id, id AS res_id, active AS is_active
              FROM retail_ticket
             WHERE partner_id IS NULL AND partner_email ILIKE %s
            UNION ALL
            SELECT %s AS res_model_id, id AS res_id, true AS is_active
              FROM retail_mail_log
             WHERE sender = %s
            """,
            query,
            of_model('retail.ticket'),
            f'%{_literal(email)}%',
            of_model('retail.mail.log'),
            email,
        )
