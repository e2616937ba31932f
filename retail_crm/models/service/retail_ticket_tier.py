from odoo import api, models

from .retail_ticket_stage import OPEN_CATEGORIES


class RetailTicketTier(models.Model):
    """Open tickets follow their customer: a new tier or class may give them another priority, too (S-SEG-20)."""

    _inherit = 'retail.ticket'

    @api.model
    def _clock_rematch_customers(self, moments):
        """Raise open tickets to the priority that the policies grant now; nothing is ever lowered.

        Raising plans the deadlines anew, with a line in the log.
        """
        # sudo: whose moments these are; policies hold whoever caused them
        customers_sudo = moments.sudo().partner_id.commercial_partner_id
        tickets_sudo = self.sudo().search(
            [
                ('commercial_partner_id', 'in', customers_sudo.ids),
                ('category', 'in', OPEN_CATEGORIES),
            ]
        )
        for company, tickets in tickets_sudo.grouped('company_id').items():
            answers = self.env['retail.policy']._for_customers(
                tickets.partner_id, company, ['priority']
            )
            for level in ('1', '2'):
                tickets.filtered(
                    lambda ticket, answers=answers, level=level: (
                        answers.get(ticket.partner_id.id, {}).get('priority') == level
                    )
                )._raise_priority(level)
        return super()._clock_rematch_customers(moments)
