from odoo import api, fields, models
from odoo.fields import Domain

#: How many good impressions make up for a bad one (S-NUM-01).
GOOD_PER_BAD = 12


class RetailComplaintOverview(models.TransientModel):
    """What complaints stand for: customers who say nothing, cost of a second try, good impressions needed.

    Estimates from the literature (S-NUM-01, S-NUM-02, S-NUM-04), with the company's own figures where it has some. They
    are never stored with tickets, nor used by any rule.
    """

    _name = 'retail.complaint.overview'
    _description = 'What Complaints Stand For'

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    date_from = fields.Date(
        string='From',
        required=True,
        default=lambda self: fields.Date.start_of(fields.Date.context_today(self), 'month'),
        help='First day of the complaints that are counted.',
    )
    date_to = fields.Date(
        string='Until',
        required=True,
        default=fields.Date.context_today,
        help='Last day of the complaints that are counted.',
    )
    silent_factor = fields.Integer(
        string='Silent per Complaint',
        compute='_compute_own_figures',
        store=True,
        readonly=False,
        help='Behind each customer who complains there are others with the same complaint who say nothing. 20 is what '
        'the literature says.',
    )
    failure_percent = fields.Float(
        string='Cost of a Second Try (%)',
        compute='_compute_own_figures',
        store=True,
        readonly=False,
        help='To repair a bad first service costs so much more than to do it well. The literature says 25 to 50 %.',
    )
    ticket_cost = fields.Monetary(
        string='Cost per Request',
        currency_field='currency_id',
        compute='_compute_own_figures',
        store=True,
        readonly=False,
        help='What handling one request costs on average.',
    )
    complaint_count = fields.Integer(
        string='Complaints', compute='_compute_figures', help='Complaints received in this time.'
    )
    customer_count = fields.Integer(
        string='Customers Who Complained', compute='_compute_figures', help='Different customers.'
    )
    affected_count = fields.Integer(
        string='Customers Concerned (Estimate)',
        compute='_compute_figures',
        help='Complaints times one plus the silent ones.',
    )
    good_needed = fields.Integer(
        string='Good Impressions Needed',
        compute='_compute_figures',
        help='It takes 12 good impressions to make up for a bad one, as the literature says.',
    )
    praise_count = fields.Integer(
        string='Suggestions and Praise',
        compute='_compute_figures',
        help='Suggestions and praise received in this time.',
    )
    failure_cost = fields.Monetary(
        string='Cost of Failure (Estimate)',
        currency_field='currency_id',
        compute='_compute_figures',
        help='Complaints times the cost of a request, plus what a second try costs more.',
    )

    @api.depends('company_id')
    def _compute_own_figures(self):
        for overview in self:
            company_sudo = overview.company_id.sudo()  # sudo: settings
            overview.silent_factor = company_sudo.retail_silent_factor
            overview.failure_percent = company_sudo.retail_failure_percent
            overview.ticket_cost = company_sudo.retail_ticket_cost

    def _received_domain(self):
        """Return the domain of the tickets received in this time, by the days of whoever looks."""
        return (
            Domain('company_id', 'child_of', self.company_id.id)
            & Domain('category', '!=', 'cancelled')
            & Domain('merged_into_id', '=', False)
            & Domain('received_at', '>=', self.date_from)
            & Domain('received_at', '<=', self.date_to)
        )

    @api.depends(
        'company_id', 'date_from', 'date_to', 'silent_factor', 'failure_percent', 'ticket_cost'
    )
    def _compute_figures(self):
        ticket = self.env['retail.ticket']
        for overview in self:
            count = customers = praise = 0
            if overview.date_from and overview.date_to:
                domain = overview._received_domain()
                [(count, customers)] = ticket._read_group(
                    domain & Domain('is_complaint', '=', True),
                    aggregates=['__count', 'commercial_partner_id:count_distinct'],
                )
                praise = ticket.search_count(domain & Domain('type_id.code', '=', 'suggestion'))
            overview.complaint_count = count
            overview.customer_count = customers
            overview.praise_count = praise
            overview.affected_count = count * (1 + overview.silent_factor)
            overview.good_needed = count * GOOD_PER_BAD
            overview.failure_cost = (
                count * overview.ticket_cost * (1 + overview.failure_percent / 100)
            )

    def action_open_complaints(self):
        """Open the complaints that were counted."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Complaints'),
            'res_model': 'retail.ticket',
            'view_mode': 'list,form,pivot,graph',
            'domain': list(self._received_domain() & Domain('is_complaint', '=', True)),
        }
