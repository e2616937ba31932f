from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import format_amount

KINDS = [('interval', 'Interval'), ('basket', 'Basket'), ('category', 'Categories')]
DIRECTIONS = [('up', 'More'), ('down', 'Less'), ('other', 'Something else')]


class RetailLifeChange(models.Model):
    """A habit of a customer that changed: his interval, his basket or what he buys left its own usual range (S-CLV-06).

    Written by the nightly look at those who bought (``retail_life_change_notice.py``), one row per customer, kind and
    day; staff only note that they have seen it. Figures are kept as they were on that day.
    """

    _name = 'retail.life.change'
    _description = 'Changed Habit'
    _order = 'date desc, id desc'
    _rec_name = 'partner_id'
    _log_access = False  # written in bulk; the date is the row's own

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
    date = fields.Date(
        string='Noticed', required=True, readonly=True, help='Day of the purchase that showed it.'
    )
    kind = fields.Selection(
        selection=KINDS,
        string='Habit',
        required=True,
        readonly=True,
        help='What left its usual range.',
    )
    direction = fields.Selection(
        selection=DIRECTIONS,
        required=True,
        readonly=True,
        help='More: comes more rarely or spends more. Less: comes sooner or spends less.',
    )
    usual = fields.Float(
        readonly=True,
        aggregator=None,
        help='Median of the days or amounts before, or the share of the category in percent.',
    )
    low = fields.Float(string='Usual From', readonly=True, aggregator=None, help='Lower end.')
    high = fields.Float(string='Usual To', readonly=True, aggregator=None, help='Upper end.')
    value = fields.Float(
        string='Now', readonly=True, aggregator=None, help='What it was this time.'
    )
    category_id = fields.Many2one(
        comodel_name='product.category',
        string='Bought Before',
        readonly=True,
        ondelete='set null',
        help='Category bought most often until half a year ago.',
    )
    new_category_id = fields.Many2one(
        comodel_name='product.category',
        string='Bought Now',
        readonly=True,
        ondelete='set null',
        help='Category bought most often in the last half year.',
    )
    seen_on = fields.Date(
        string='Seen', readonly=True, help='Day on which somebody took note of it.'
    )
    seen_by = fields.Many2one(
        comodel_name='res.users', readonly=True, ondelete='set null', help='Who took note of it.'
    )
    reason = fields.Char(
        string='What Changed',
        compute='_compute_reason',
        help='The change in words, with what was usual before.',
    )

    _change_uniq = models.UniqueIndex(
        '(partner_id, company_id, kind, date)', 'A change is noticed once a day.'
    )
    _date_idx = models.Index('(company_id, date)')
    _news_idx = models.Index('(company_id, date) WHERE seen_on IS NULL')

    @api.depends('kind', 'direction', 'usual', 'low', 'high', 'value', 'category_id')
    @api.depends_context('lang')
    def _compute_reason(self):
        for change in self:
            change.reason = getattr(change, f'_say_{change.kind or "basket"}')()

    def _say_interval(self):
        figures = {
            'usual': round(self.usual),
            'low': round(self.low),
            'high': round(self.high),
            'value': round(self.value),
        }
        if self.direction == 'down':
            return self.env._(
                'Came back sooner: after %(value)s days, usually %(usual)s (%(low)s to %(high)s).',
                **figures,
            )
        return self.env._(
            'Stayed away longer: %(value)s days, usually %(usual)s (%(low)s to %(high)s).',
            **figures,
        )

    def _say_basket(self):
        figures = {
            name: format_amount(self.env, self[name], self.currency_id)
            for name in ('usual', 'low', 'high', 'value')
        }
        if self.direction == 'down':
            return self.env._(
                'Spent less: %(value)s, usually %(usual)s (%(low)s to %(high)s).', **figures
            )
        return self.env._(
            'Spent more: %(value)s, usually %(usual)s (%(low)s to %(high)s).', **figures
        )

    def _say_category(self):
        figures = {
            'old': self.category_id.name or self.env._('a category that is gone'),
            'usual': round(self.usual),
            'value': round(self.value),
        }
        if not self.new_category_id or self.new_category_id == self.category_id:
            return self.env._(
                'Buys less %(old)s: %(value)s %% of the lines, %(usual)s %% before.', **figures
            )
        return self.env._(
            'Buys %(new)s now: %(old)s fell from %(usual)s %% to %(value)s %% of the lines.',
            new=self.new_category_id.name,
            **figures,
        )

    # === ACTIONS ===#

    def action_seen(self):
        """Note that somebody knows of these changes: they leave the list of news. For all who see them.

        :raise AccessError: for those who may not read them, and for portal users
        """
        if not self.env.user._is_internal():
            raise AccessError(self.env._('Only staff note what was seen.'))
        self.check_access('read')
        # sudo: checked above; nothing but who has seen it, which staff cannot write otherwise
        self.sudo().filtered(lambda change: not change.seen_on).write(
            {'seen_on': self.env.company._retail_today(), 'seen_by': self.env.uid}
        )

    def action_open_partner(self):
        """Open the customer's form."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'res.partner',
            'res_id': self.partner_id.id,
            'view_mode': 'form',
        }
