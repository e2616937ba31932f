from odoo import api, fields, models


class RetailTierProposalLine(models.TransientModel):
    """The proposal for one tier: the percentile, what it is, and the threshold rounded upward."""

    _name = 'retail.tier.proposal.line'
    _description = 'Proposed Tier'
    _order = 'proposal_id, percentile, id'

    proposal_id = fields.Many2one(
        comodel_name='retail.tier.proposal',
        required=True,
        index=True,
        ondelete='cascade',
        help='Proposal to which the line belongs.',
    )
    currency_id = fields.Many2one(related='proposal_id.programme_id.currency_id')
    tier_id = fields.Many2one(
        comodel_name='retail.tier', required=True, ondelete='cascade', help='Tier to reach.'
    )
    percentile = fields.Float(
        readonly=True,
        digits=(5, 2),
        help='So many of 100 customers are at or below the measured figures.',
    )
    measured_amount = fields.Monetary(readonly=True, help='Amount of the customer at this place.')
    measured_count = fields.Integer(
        string='Measured Purchases',
        readonly=True,
        help='Number of purchases of the customer at this place.',
    )
    amount = fields.Monetary(help='The measured amount, rounded upward to two digits.')
    count = fields.Integer(
        string='Number of Purchases',
        help='The measured number, rounded upward to two digits.',
    )
    amount_reach = fields.Integer(
        string='Reach the Amount',
        readonly=True,
        help='Customers who reach the amount as it was proposed.',
    )
    count_reach = fields.Integer(
        string='Reach the Number',
        readonly=True,
        help='Customers who reach the number as it was proposed.',
    )
    tie_count = fields.Integer(
        string='Same Number',
        readonly=True,
        help='Customers with exactly the measured number of purchases: they reach it together or not at all.',
    )
    remark = fields.Char(
        compute='_compute_remark', help='Why a proposal does not part customers as its place says.'
    )

    @api.depends('amount', 'count', 'proposal_id.line_ids.amount', 'proposal_id.line_ids.count')
    @api.depends_context('lang')
    def _compute_remark(self):
        for line in self:
            words = []
            below = line.proposal_id.line_ids.filtered(
                lambda other, line=line: other.percentile < line.percentile
            ).sorted('percentile')[-1:]
            if line.proposal_id.use_amount and not line.amount:
                words.append(line.env._('No amount: too few customers bought anything.'))
            if line.proposal_id.use_count and line.proposal_id.customer_count:
                part = 100 * line.tie_count / line.proposal_id.customer_count
                if part >= 5:
                    words.append(
                        line.env._(
                            '%(part)d %% of the customers have exactly %(count)s purchases: they come together.',
                            part=part,
                            count=line.measured_count,
                        )
                    )
            if below and line.proposal_id.use_count and line.count <= below.count:
                words.append(line.env._('The number is not above that of the tier below.'))
            if below and line.proposal_id.use_amount and line.amount <= below.amount:
                words.append(line.env._('The amount is not above that of the tier below.'))
            line.remark = ' '.join(words)

    def _thresholds(self):
        """Return the thresholds to use."""
        self.ensure_one()
        return {
            'amount': self.amount if self.proposal_id.use_amount else 0,
            'count': self.count if self.proposal_id.use_count else 0,
            'keeps_differently': False,
            'keep_amount': 0,
            'keep_count': 0,
        }
