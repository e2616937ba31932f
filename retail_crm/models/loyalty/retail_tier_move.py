from odoo import api, fields, models
from odoo.exceptions import UserError

CAUSES = [
    ('entry', 'Enrolment'),
    ('upgrade', 'Reached'),
    ('renewal', 'Renewed'),
    ('downgrade', 'Not kept'),
    ('return', 'Goods returned'),
    ('override', 'Given by staff'),
    ('override_end', 'Given tier ended'),
    ('rule_change', 'Rules changed'),
    ('merge', 'Contacts merged'),
    ('leave', 'Left the programme'),
]


class RetailTierMove(models.Model):
    """The history of a member's tiers: one row for each thing that happened, with the figures that decided it.

    Written by the evaluation and never changed or deleted, by nobody; only a merge of contacts hands rows over to the
    membership that remains.
    """

    _name = 'retail.tier.move'
    _description = 'Tier Move'
    _order = 'date desc, id desc'
    _rec_name = 'cause'

    membership_id = fields.Many2one(
        comodel_name='retail.membership',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
        help='Membership to which it happened.',
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, ondelete='restrict'
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    date = fields.Date(required=True, readonly=True)
    from_tier_id = fields.Many2one(
        comodel_name='retail.tier',
        string='From',
        readonly=True,
        ondelete='restrict',
        help='Tier held before. Empty: not a member.',
    )
    to_tier_id = fields.Many2one(
        comodel_name='retail.tier',
        string='To',
        readonly=True,
        ondelete='restrict',
        help='Tier held from this day. Empty: not a member any more.',
    )
    direction = fields.Selection(
        selection=[('up', 'Up'), ('same', 'Same tier'), ('down', 'Down')],
        required=True,
        readonly=True,
        default='same',
        help='Whether the tier is a higher or a lower one.',
    )
    cause = fields.Selection(
        selection=CAUSES, required=True, readonly=True, help='Why the tier changed or was kept.'
    )
    amount = fields.Monetary(
        readonly=True, help='Amount of the purchases in the window that decided.', aggregator=None
    )
    count = fields.Integer(
        string='Number of Purchases',
        readonly=True,
        help='Number of purchases in the window that decided.',
        aggregator=None,
    )
    need_amount = fields.Monetary(
        string='Threshold',
        readonly=True,
        help='Amount that was asked for. 0: none.',
        aggregator=None,
    )
    need_count = fields.Integer(
        string='Threshold (purchases)',
        readonly=True,
        help='Number of purchases that was asked for. 0: none.',
        aggregator=None,
    )
    window_start = fields.Date(
        readonly=True, help='First day of the window. Empty: all purchases up to its end.'
    )
    window_end = fields.Date(readonly=True, help='Last day of the window.')
    version_id = fields.Many2one(
        comodel_name='retail.tier.version',
        string='Version of the Thresholds',
        readonly=True,
        ondelete='restrict',
        help='Thresholds that were in force.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        readonly=True,
        ondelete='set null',
        help='Who did it. Empty: the rules.',
    )
    note = fields.Char(
        readonly=True, help='The reason that was given, or a number that was merged.'
    )

    _company_date_idx = models.Index('(company_id, date)')

    @api.depends('to_tier_id', 'cause', 'date')
    def _compute_display_name(self):
        causes = dict(self._fields['cause']._description_selection(self.env))
        for move in self:
            words = (str(move.date or ''), move.to_tier_id.name, causes.get(move.cause))
            move.display_name = ' '.join(filter(None, words))

    def write(self, vals):
        """Refuse: history is never rewritten.

        :raise UserError: always
        """
        self.check_access('write')
        self._refuse_change()
        return super().write(vals)

    def _refuse_change(self):
        raise UserError(self.env._('The history of tiers is never changed.'))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_history(self):
        raise UserError(self.env._('The history of tiers cannot be deleted.'))

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
