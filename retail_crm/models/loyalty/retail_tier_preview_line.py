from odoo import fields, models

ROUNDS = [('result', 'Result'), ('check', 'Check before it goes live')]
DIFFERENCES = [
    ('same', 'As approved'),
    ('new', 'New'),
    ('changed', 'Other than approved'),
    ('gone', 'No longer'),
]


class RetailTierPreviewLine(models.Model):
    """A member who would hold another tier by the rules of a preview. Written by its computation, in bulk."""

    _name = 'retail.tier.preview.line'
    _description = 'Member Affected by Other Rules'
    _order = 'date, direction, id'
    _rec_name = 'partner_id'
    _log_access = False  # made in bulk; the preview says when and by whom

    preview_id = fields.Many2one(
        comodel_name='retail.tier.preview',
        required=True,
        readonly=True,
        ondelete='cascade',
        help='Preview to which the line belongs.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, ondelete='cascade'
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    round = fields.Selection(
        selection=ROUNDS,
        string='Computed For',
        required=True,
        readonly=True,
        help='The result, or what was computed again before the rules went live.',
    )
    membership_id = fields.Many2one(
        comodel_name='retail.membership',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
        help='Membership that would hold another tier.',
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
    )
    direction = fields.Selection(
        selection=[('up', 'Up'), ('down', 'Down')],
        required=True,
        readonly=True,
        help='Whether the tier by these rules is higher or lower than the one by the present rules.',
    )
    held_tier_id = fields.Many2one(
        comodel_name='retail.tier',
        string='Held Before',
        readonly=True,
        ondelete='cascade',
        help='Own tier on the eve of the change.',
    )
    from_tier_id = fields.Many2one(
        comodel_name='retail.tier',
        string='From',
        readonly=True,
        ondelete='cascade',
        help='Tier by the present rules.',
    )
    to_tier_id = fields.Many2one(
        comodel_name='retail.tier',
        string='To',
        readonly=True,
        ondelete='cascade',
        help='Tier by the rules of the preview.',
    )
    date = fields.Date(
        readonly=True,
        help='First day of the difference: who rises, rises at once; who falls, falls at the end of validity and grace.',
    )
    amount = fields.Monetary(
        readonly=True, help='Amount of the purchases that decide.', aggregator=None
    )
    count = fields.Integer(
        string='Number of Purchases',
        readonly=True,
        help='Number of purchases that decide.',
        aggregator=None,
    )
    need_amount = fields.Monetary(
        string='Threshold',
        readonly=True,
        help='Amount that these rules ask for. 0: none.',
        aggregator=None,
    )
    need_count = fields.Integer(
        string='Threshold (purchases)',
        readonly=True,
        help='Number of purchases that these rules ask for. 0: none.',
        aggregator=None,
    )
    missing_amount = fields.Monetary(
        readonly=True, help='Amount that is missing to the threshold.', aggregator=None
    )
    missing_count = fields.Integer(
        string='Missing Purchases',
        readonly=True,
        help='Number of purchases that are missing to the threshold.',
        aggregator=None,
    )
    override_until = fields.Date(
        string='Given Until',
        readonly=True,
        help='Staff gave a tier until this day; the rules decide again then.',
    )
    difference = fields.Selection(
        selection=DIFFERENCES,
        string='Against the Approved Result',
        readonly=True,
        help='What became of the line when it was computed again before the rules went live.',
    )

    _member_uniq = models.UniqueIndex(
        '(preview_id, round, membership_id)', 'A member has one line in a preview.'
    )

    def action_open_partner(self):
        """Open the customer."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'res.partner',
            'res_id': self.partner_id.id,
            'view_mode': 'form',
        }

    def action_floor(self):
        """Ask for the floor to give to the customers of these lines.

        :raise AccessError: for those who are no Retail CRM managers
        """
        return self.preview_id._floor_action(self)

    def action_call_list(self):
        """Ask who calls the customers of these lines.

        :raise AccessError: for those who are no Retail CRM managers
        """
        return self.preview_id._call_action(self)

    def action_segment(self):
        """Make a segment of the customers of these lines.

        :raise AccessError: for those who are no Retail CRM managers
        """
        return self.preview_id._segment(self)
