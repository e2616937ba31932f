from odoo import api, fields, models

from .sale_order_line_ticket import TICKET_GROUPS

#: Days that the figures on products look back.
DAYS = 365
#: Last cases that are shown.
CASES = 10


class ProductTemplateComplaint(models.Model):
    """Complaints about a product on its form: number, rate, open ones, last cases (S-TKT-41).

    Computed for a list of products in one grouped query over complaints and one over sales, and only where shown.
    """

    _inherit = 'product.template'

    retail_complaint_count = fields.Integer(
        string='Complaints',
        compute='_compute_retail_complaints',
        groups=TICKET_GROUPS,
        help='Complaints about it in the last 365 days.',
    )
    retail_complaint_open_count = fields.Integer(
        string='Open Complaints',
        compute='_compute_retail_complaints',
        groups=TICKET_GROUPS,
        help='Those of them that are not solved yet.',
    )
    retail_complaint_rate = fields.Float(
        string='Complaints per 1,000 Pieces',
        compute='_compute_retail_complaints',
        digits=(16, 2),
        groups=TICKET_GROUPS,
        help='Complaints of the last 365 days per 1,000 pieces sold in them. 0 where nothing was sold.',
    )
    retail_complaint_ids = fields.Many2many(
        comodel_name='retail.ticket',
        string='Last Complaints',
        compute='_compute_retail_complaint_ids',
        groups=TICKET_GROUPS,
        help='The last complaints about it that you may read.',
    )

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_retail_complaints(self):
        rates = self.env['retail.complaint.rate'].sudo()  # sudo: numbers; the groups decide
        domain = [
            ('product_tmpl_id', 'in', self._origin.ids),
            ('company_id', 'in', self.env.companies.sudo().root_id.ids),
            ('date', '>', fields.Date.subtract(fields.Date.context_today(self), days=DAYS)),
            ('blocked_user_id', '!=', self.env.uid),
        ]
        found, still_open = {}, {}
        if self._origin:
            for template, is_open, count, units in rates._read_group(
                domain,
                ['product_tmpl_id', 'is_open'],
                ['complaints:sum', 'units:sum'],
            ):
                number, _units = found.get(template, (0, 0))
                found[template] = (number + count, units)
                still_open[template] = still_open.get(template, 0) + (count if is_open else 0)
        for template in self:
            number, units = found.get(template._origin.sudo(), (0, 0))
            template.retail_complaint_count = number
            template.retail_complaint_open_count = still_open.get(template._origin.sudo(), 0)
            template.retail_complaint_rate = number * 1000 / units if units else 0

    @api.depends_context('uid', 'allowed_company_ids')
    def _compute_retail_complaint_ids(self):
        """For the form of one product: a query for each."""
        tickets = self.env['retail.ticket']
        for template in self:
            template.retail_complaint_ids = tickets.search(
                template._retail_complaint_domain(), limit=CASES
            )

    def _retail_complaint_domain(self):
        """Return the domain of the complaints about one product or its variants."""
        variants = self._origin.with_context(active_test=False).product_variant_ids.ids
        return [
            ('is_complaint', '=', True),
            ('category', '!=', 'cancelled'),
            ('merged_into_id', '=', False),
            '|',
            ('line_ids.product_id', 'in', variants),
            ('product_id', 'in', variants),
        ]

    def action_retail_complaints(self):
        """Open the complaints about a product that the user may read."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Complaints'),
            'res_model': 'retail.ticket',
            'view_mode': 'list,form,pivot,graph',
            'domain': self._retail_complaint_domain(),
        }
