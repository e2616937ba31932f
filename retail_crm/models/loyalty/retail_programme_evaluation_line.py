from odoo import api, fields, models


class RetailProgrammeEvaluationLine(models.Model):
    """The figures of one group of customers in an evaluation. Part of the snapshot: written with it, and by nobody else."""

    _name = 'retail.programme.evaluation.line'
    _description = 'Evaluation of a Group'
    _order = 'evaluation_id, sequence, id'
    _rec_name = 'group'

    evaluation_id = fields.Many2one(
        comodel_name='retail.programme.evaluation',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
        help='Snapshot that the group belongs to.',
    )
    company_id = fields.Many2one(related='evaluation_id.company_id', store=True)
    currency_id = fields.Many2one(related='evaluation_id.currency_id')
    period = fields.Selection(related='evaluation_id.period', store=True)
    date_from = fields.Date(related='evaluation_id.date_from', string='From', store=True)
    date_to = fields.Date(related='evaluation_id.date_to', string='To', store=True)
    sequence = fields.Integer(readonly=True)
    group = fields.Selection(
        selection=[
            ('all', 'All customers'),
            ('member', 'Members'),
            ('other', 'No members'),
            ('tier', 'Tier'),
            ('before', 'Before joining'),
            ('after', 'After joining'),
        ],
        required=True,
        readonly=True,
        help='Members and tiers are those at the end of the period. Before and after joining are the same members, '
        'in a period of this length before and after the day on which they joined.',
    )
    tier_id = fields.Many2one(
        comodel_name='retail.tier',
        readonly=True,
        ondelete='restrict',
        help='Tier held at the end of the period.',
    )
    population = fields.Integer(
        string='In the Group',
        readonly=True,
        help='Members of the group, whether they bought or not. Of customers who are no members: who bought.',
    )
    customer_count = fields.Integer(
        string='Customers Who Bought',
        readonly=True,
        help='How many of the group bought in the period.',
    )
    participation = fields.Float(
        string='Participation (%)',
        digits=(16, 1),
        readonly=True,
        aggregator=None,
        help='Who bought, of all in the group, in percent.',
    )
    returning_count = fields.Integer(
        string='Returning Customers',
        readonly=True,
        help='Customers with a purchase in the period and one on an earlier day, whenever that was.',
    )
    purchase_count = fields.Integer(
        string='Purchases', readonly=True, help='Purchases in the period.'
    )
    amount = fields.Monetary(readonly=True, help='Amount of the period, net of tax and returns.')
    frequency = fields.Float(
        string='Purchases per Customer',
        digits=(16, 2),
        readonly=True,
        aggregator=None,
        help='Purchases divided by the customers who bought.',
    )
    amount_per_purchase = fields.Monetary(
        string='Amount per Purchase',
        readonly=True,
        aggregator=None,
        help='Amount divided by the purchases.',
    )

    @api.depends('group', 'tier_id')
    @api.depends_context('lang')
    def _compute_display_name(self):
        names = dict(self._fields['group']._description_selection(self.env))
        for line in self:
            line.display_name = line.tier_id.name or names.get(line.group)
