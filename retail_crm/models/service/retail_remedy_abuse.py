from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models

#: One compensated order is a coincidence, whatever part of all orders it is.
MIN_ORDERS = 2
#: The same class of complaint as often is remarkable.
SAME_REASON = 2


class RetailRemedyAbuse(models.Model):
    """What is remarkable about a customer before more is granted: often, for many orders, for the same reason (R-svc E 3).

    A hint for whoever offers, never a block. Counted are grants of goodwill to the customer and the known household.
    """

    _inherit = 'retail.remedy'

    @api.model
    def _household_of(self, partner):
        """Return the commercial customer with those whom somebody declared to be of one household."""
        # sudo: who lives together is not shown, only what was granted
        groups = (
            self.env['retail.duplicate']
            .sudo()
            .search([('state', '=', 'household'), ('partner_ids', 'in', partner.ids)])
        )
        return (partner | groups.partner_ids.commercial_partner_id).sudo(self.env.su)

    @api.model
    def _earlier(self, partner, company):
        """Return what was granted as goodwill to a customer and his household within 12 months (sudo)."""
        if not partner:
            return self.sudo().browse()
        since = fields.Datetime.now() - relativedelta(months=12)
        # sudo: how much was granted counts wherever; whoever sees the list sees what he may read
        return self.sudo().search(
            [
                ('partner_id', 'in', self._household_of(partner.commercial_partner_id).ids),
                ('company_id', 'child_of', company.root_id.id),
                ('basis', '=', 'goodwill'),
                ('state', '=', 'granted'),
                ('method', 'not in', ('apology', 'explanation')),
                ('granted_at', '>', since),
            ]
        )

    @api.model
    def _abuse_words(self, ticket):
        """Return in words what is remarkable about the customer of one ticket, or an empty text."""
        ticket_sudo = ticket.sudo()  # sudo: settings and class of a ticket that the user writes
        company, partner = ticket_sudo.company_id, ticket_sudo.partner_id
        earlier = self._earlier(partner, company)
        if not earlier:
            return ''
        words = []
        since = fields.Datetime.now() - timedelta(days=company.retail_abuse_days)
        recent = earlier.filtered(lambda remedy: remedy.granted_at > since)
        if company.retail_abuse_count and len(recent) >= company.retail_abuse_count:
            words.append(
                self.env._(
                    '%(count)s grants of goodwill in %(days)s days',
                    count=len(recent),
                    days=company.retail_abuse_days,
                )
            )
        if percent := self._abuse_share(earlier, partner, company):
            words.append(
                self.env._('goodwill for %(percent)s %% of the orders', percent=round(percent))
            )
        same = earlier.filtered(
            lambda remedy: (
                ticket_sudo.reason_id and remedy.ticket_id.reason_id == ticket_sudo.reason_id
            )
        )
        if len(same) >= SAME_REASON:
            words.append(self.env._('%(count)s times for the same reason', count=len(same)))
        return '; '.join(words)

    @api.model
    def _abuse_share(self, earlier, partner, company):
        """Return the part of the orders of 12 months that led to goodwill, in percent, when it is remarkable."""
        if not company.retail_abuse_percent:
            return 0.0
        orders = (
            earlier.line_id.order_id
            | earlier.filtered(lambda remedy: not remedy.line_id).ticket_id.order_id
        )
        if len(orders) < MIN_ORDERS:
            return 0.0
        since = fields.Datetime.now() - relativedelta(months=12)
        # sudo: how many orders there are
        count = (
            self.env['sale.order']
            .sudo()
            .search_count(
                [
                    (
                        'partner_id.commercial_partner_id',
                        'in',
                        self._household_of(partner.commercial_partner_id).ids,
                    ),
                    ('company_id', 'child_of', company.root_id.id),
                    ('state', '=', 'sale'),
                    ('date_order', '>', since),
                ]
            )
        )
        percent = 100.0 * len(orders) / max(count, len(orders))
        return percent if percent > company.retail_abuse_percent else 0.0
