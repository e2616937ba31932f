from odoo import api, fields, models

from .retail_ticket_measure import hours

#: Computed fields that are empty as long as another one is: ``{field: the other one}``.
_EMPTY_WITHOUT = {
    'appointment_until': 'appointment_at',
    'class_id': 'reason_id',
    'is_dispute_open': 'is_dispute',
    'is_preventable': 'cause_id',
    'product_id': 'line_ids',
    'review_state': 'review_url',
}
#: What new tickets take from their customer, and what Odoo checks of him: all other columns are left alone.
_OF_PARTNERS = ('active', 'commercial_partner_id', 'company_id', 'email', 'phone')


class RetailTicketPrecompute(models.Model):
    """What usual new tickets have by type, stage and customer, without a record in memory for each (budgets).

    Odoo makes one to compute what is stored with the INSERT; that costs more than the INSERT. Whatever is not said here
    is computed by Odoo as always, and what is said here is what the computations would say.
    """

    _inherit = 'retail.ticket'

    def _add_precomputed_values(self, vals_list):
        # sudo: stored fields are computed so, whoever enters the ticket
        self_sudo = self.sudo()
        partners_sudo = self_sudo._fetch_partners(vals_list)
        self_sudo._precompute_priorities(vals_list)
        kinds, stages = self_sudo.env['retail.ticket.type'], self_sudo.env['retail.ticket.stage']
        for vals in vals_list:
            kind, stage = kinds.browse(vals['type_id']), stages.browse(vals['stage_id'])
            vals.setdefault('is_complaint', kind.is_complaint)
            vals.setdefault('is_internal', kind.is_internal)
            vals.setdefault('category', stage.category)
            if kind.code != 'data_request':
                vals.setdefault('data_due_on', False)
            for name, other in _EMPTY_WITHOUT.items():
                if not vals.get(other):
                    vals.setdefault(name, False)
            received = fields.Datetime.to_datetime(vals.get('received_at'))
            for name, end in (('answer_hours', 'first_response_at'), ('solve_hours', 'solved_at')):
                vals.setdefault(name, hours(received, fields.Datetime.to_datetime(vals.get(end))))
            partner = partners_sudo.browse(vals.get('partner_id') or ())
            vals.setdefault('commercial_partner_id', partner.commercial_partner_id.id)
            vals.setdefault('partner_email', partner.email)
            vals.setdefault('partner_phone', partner.phone)
        return super()._add_precomputed_values(vals_list)

    @api.model
    def _fetch_partners(self, vals_list):
        """Read the customers of new tickets in one query, and no more of them than is asked."""
        ids = {vals['partner_id'] for vals in vals_list if vals.get('partner_id')}
        partners = self.env['res.partner'].browse(ids)
        partners.fetch(_OF_PARTNERS)
        return partners

    @api.model
    def _precompute_priorities(self, vals_list):
        """Ask the policies once for each company."""
        wanted = {}
        for vals in vals_list:
            if 'priority' not in vals:
                wanted.setdefault(vals['company_id'], []).append(vals)
        for company_id, of_company in wanted.items():
            ids = {vals['partner_id'] for vals in of_company if vals.get('partner_id')}
            priorities = self._priorities_of(
                self.env['res.partner'].browse(ids), self.env['res.company'].browse(company_id)
            )
            for vals in of_company:
                vals['priority'] = priorities.get(vals.get('partner_id'), '0')
