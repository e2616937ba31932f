from odoo import fields, models
from odoo.tools import SQL

from ._classes import ABC, LIFECYCLE


class RetailSegmentReport(models.Model):
    """The customers of segments with their figures, so that groups can be compared (S-SEG-29).

    Read from members and profiles when asked: one row for each customer of each segment today. A customer of several
    segments counts in each of them, so totals over segments say nothing.
    """

    _name = 'retail.segment.report'
    _description = 'Segment Comparison'
    _auto = False
    _rec_name = 'partner_id'
    _order = 'spend_12m desc nulls last, id'
    _depends = {
        'retail.segment': ['company_id'],
        'retail.segment.member': ['segment_id', 'partner_id', 'entered_on', 'left_on'],
        'retail.profile': [
            'partner_id',
            'company_id',
            'spend_12m',
            'spend_total',
            'order_count_12m',
            'average_order',
            'margin_12m',
            'loyalty_score',
            'lifecycle',
            'abc_class',
            'is_high_value',
        ],
    }

    segment_id = fields.Many2one(
        comodel_name='retail.segment', readonly=True, help='The segment that is compared.'
    )
    partner_id = fields.Many2one(comodel_name='res.partner', string='Customer', readonly=True)
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    entered_on = fields.Date(string='Member Since', readonly=True, help='When he entered.')
    customers = fields.Integer(readonly=True, help='Number of customers: the size of the segment.')
    spend_12m = fields.Monetary(
        string='Spent, 12 Months',
        readonly=True,
        help='Net of tax and returns, the last 12 months up to today.',
    )
    spend_total = fields.Monetary(
        string='Spent', readonly=True, help='Net of tax and returns, since the first purchase.'
    )
    order_count_12m = fields.Integer(
        string='Purchases, 12 Months',
        readonly=True,
        help='Purchases of the last 12 months up to today.',
    )
    orders_each = fields.Float(
        string='Purchases per Customer',
        readonly=True,
        digits=(16, 2),
        aggregator='avg',
        help='Mean number of purchases of a customer in the last 12 months; who bought nothing counts, too.',
    )
    average_order = fields.Monetary(
        string='Average Purchase',
        readonly=True,
        aggregator='avg',
        help='Mean of the average purchases of those who ever bought.',
    )
    margin_12m = fields.Monetary(
        string='Margin, 12 Months', readonly=True, help='Margin of the last 12 months.'
    )
    loyalty_score = fields.Float(
        readonly=True,
        digits=(16, 1),
        aggregator='avg',
        help='Mean loyalty score of those who have figures.',
    )
    is_high_value = fields.Boolean(
        string='High Value', readonly=True, help='Belongs to the best by amount.'
    )
    lifecycle = fields.Selection(
        selection=LIFECYCLE, readonly=True, help='Where the customer stands today.'
    )
    abc_class = fields.Selection(
        selection=ABC, string='ABC Class', readonly=True, help='Class by amount and potential.'
    )

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT member.id, member.segment_id, member.partner_id, segment.company_id, member.entered_on,
                   1 AS customers, profile.spend_12m, profile.spend_total, profile.order_count_12m,
                   COALESCE(profile.order_count_12m, 0)::float AS orders_each,
                   CASE WHEN profile.order_count > 0 THEN profile.average_order END AS average_order,
                   profile.margin_12m, profile.loyalty_score::float AS loyalty_score, profile.is_high_value,
                   profile.lifecycle, profile.abc_class
              FROM retail_segment_member AS member
              JOIN retail_segment AS segment ON segment.id = member.segment_id
              LEFT JOIN retail_profile AS profile
                ON profile.partner_id = member.partner_id AND profile.company_id = segment.company_id
             WHERE member.left_on IS NULL
            """
        )
