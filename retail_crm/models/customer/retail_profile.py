from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

_MAY_BE_EMPTY = {
    'first_order_date',
    'last_order_date',
    'spend_trend',
    'mean_gap_days',
    'expected_next_date',
    'interval_days',
    'watch_on',
    'alert_on',
    'lapse_on',
    'lost_on',
    'rfm_code',
}


class RetailProfile(models.Model):
    """The figures of one customer in one company, derived from ``retail.purchase``.

    Written only by ``_refresh`` (see ``retail_profile_refresh.py``); may be dropped and derived again at any time with
    the same result. A row exists only where the customer has a purchase,
    a quotation or an account in that company. Nothing is stored that ages
    by itself, except through ``refresh_on``, the next day on which a figure changes because time passes.
    """

    _name = 'retail.profile'
    _description = 'Customer Profile'
    _order = 'last_order_date desc nulls last, id desc'
    _rec_name = 'partner_id'
    _log_access = False  # derived in bulk; company.retail_refreshed_at says when

    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        readonly=True,
        ondelete='restrict',  # a cascade would hide the row from the privacy look-up
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, ondelete='cascade'
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    first_order_date = fields.Date(string='First Purchase', readonly=True)
    last_order_date = fields.Date(
        string='Last Purchase',
        readonly=True,
        help='Day of the last purchase that was not returned as a whole.',
    )
    order_count = fields.Integer(string='Purchases', readonly=True)
    order_count_12m = fields.Integer(
        string='Purchases, 12 Months',
        readonly=True,
        help='Purchases of the last 12 months up to today.',
    )
    order_count_prev_12m = fields.Integer(
        string='Purchases, 12 Months Before',
        readonly=True,
        help='Purchases of the 12 months before those.',
    )
    spend_total = fields.Monetary(
        string='Spent',
        readonly=True,
        help='Net of tax and returns, in the company currency, since the first purchase.',
    )
    spend_12m = fields.Monetary(
        string='Spent, 12 Months',
        readonly=True,
        help='Net of tax and returns, the last 12 months up to today.',
    )
    spend_prev_12m = fields.Monetary(
        string='Spent, 12 Months Before',
        readonly=True,
        help='Net of tax and returns, the 12 months before those.',
    )
    spend_trend = fields.Float(
        string='Trend (%)',
        readonly=True,
        digits=(16, 1),
        aggregator=None,
        help='Change of the amount spent in the last 12 months against the 12 months before, in percent. '
        'Empty when nothing was spent before.',
    )
    margin_12m = fields.Monetary(
        string='Margin, 12 Months',
        readonly=True,
        help='Margin on the amount spent in the last 12 months.',
    )
    average_order = fields.Monetary(
        string='Average Purchase',
        readonly=True,
        aggregator='avg',
        help='Amount spent divided by purchases.',
    )
    mean_gap_days = fields.Float(
        string='Days Between Purchases',
        readonly=True,
        digits=(16, 2),
        aggregator='avg',
        help='Mean number of days from one purchase day to the next. Empty with a single purchase day.',
    )
    expected_next_date = fields.Date(
        string='Next Purchase Expected',
        readonly=True,
        help="Last purchase plus the customer's own interval: (sum of own gaps + 2 x usual gap of all customers) / "
        '(number of own gaps + 2), at least 7 days.',
    )
    refresh_on = fields.Date(
        string='Next Change by Time',
        readonly=True,
        help='Next day on which a figure changes because time passes.',
    )

    _partner_company_uniq = models.UniqueIndex(
        '(partner_id, company_id)', 'A customer has one profile in each company.'
    )
    _refresh_idx = models.Index('(company_id, refresh_on)')
    _last_order_idx = models.Index('(company_id, last_order_date DESC NULLS LAST, id DESC)')
    _spend_idx = models.Index('(company_id, spend_12m DESC)')

    @api.depends('partner_id')
    def _compute_display_name(self):
        for profile in self:
            profile.display_name = profile.partner_id.display_name

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        """Sort customers for whom a figure does not exist last, in both directions: PostgreSQL puts them on top."""
        if field_name in _MAY_BE_EMPTY and not nulls.code:
            nulls = SQL('NULLS LAST')
        return super()._order_field_to_sql(alias, field_name, direction, nulls, query)

    def action_refresh(self):
        """Bring these customers' purchases and figures up to date now.

        :raise AccessError: for those who may not read the profiles
        """
        self.check_access('read')
        return self.partner_id.action_retail_refresh()

    def action_open_partner(self):
        """Open the customer's form."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'res.partner',
            'res_id': self.partner_id.id,
            'view_mode': 'form',
        }

    def action_open_purchases(self):
        """Open the purchases from which these figures were made."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_purchase_action')
        return {
            **action,
            'domain': [
                ('partner_id', '=', self.partner_id.id),
                ('company_id', '=', self.company_id.id),
            ],
            'context': {'search_default_counts': 0},
        }

    @api.model
    def action_rebuild(self):
        """Have all purchases and figures of the current company derived again in the background.

        :raise AccessError: for anybody but Retail CRM managers
        """
        if not self.env.user.has_group('retail_crm.group_manager'):
            raise AccessError(self.env._('Only a Retail CRM manager can rebuild all figures.'))
        self.env.company.root_id._retail_request_rebuild()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'info',
                'message': self.env._('All figures are being derived again in the background.'),
            },
        }

    @api.model
    def _merge_partners(self, src_partners, dst_partner):
        """Drop the figures of merged customers; those of the remaining one are derived again from all documents."""
        self.env.cr.execute(
            SQL('DELETE FROM retail_profile WHERE partner_id = ANY(%s)', src_partners.ids)
        )
        self.invalidate_model()
