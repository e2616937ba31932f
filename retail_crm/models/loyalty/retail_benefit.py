from odoo import api, fields, models
from odoo.exceptions import UserError

KINDS = [
    ('entry', 'Gift on reaching the tier'),
    ('birthday', 'Birthday gift'),
    ('service', 'Special service'),
]


class RetailBenefit(models.Model):
    """What a member was given by a privilege: the log, and the key by which nothing is given twice.

    Written by the granting (``_grant``) only, in the transaction that makes the coupon or voucher. The key says for what
    it was given (tier and cycle, year); a member has each key once, whoever grants at the same time. Rules: docs/tiers.md.
    """

    _name = 'retail.benefit'
    _description = 'Benefit Granted'
    _order = 'date desc, id desc'
    _rec_name = 'privilege_id'

    membership_id = fields.Many2one(
        comodel_name='retail.membership',
        required=True,
        readonly=True,
        ondelete='restrict',
        help='Membership that it belongs to.',
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
        comodel_name='res.company', required=True, readonly=True, index=True, ondelete='restrict'
    )
    privilege_id = fields.Many2one(
        comodel_name='retail.privilege',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
        help='Privilege by which it was given.',
    )
    tier_id = fields.Many2one(
        comodel_name='retail.tier',
        readonly=True,
        ondelete='restrict',
        help='Tier by which the member was entitled.',
    )
    kind = fields.Selection(selection=KINDS, required=True, readonly=True, help='Why it was given.')
    key = fields.Char(
        required=True, readonly=True, help='What it was given for; each only once for a member.'
    )
    cycle_on = fields.Date(
        string='Given For',
        readonly=True,
        help='The birthday; the first day of the membership year; or the day on which the tier was lost before it was '
        'reached anew.',
    )
    date = fields.Date(string='Granted On', required=True, readonly=True)
    card_id = fields.Many2one(
        comodel_name='loyalty.card',
        string='Coupon',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
        help='The coupon of the customer.',
    )
    voucher_id = fields.Many2one(
        comodel_name='retail.voucher',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
        help='The voucher of the customer.',
    )
    code = fields.Char(readonly=True, help='Code of the coupon or voucher.')
    valid_until = fields.Date(
        readonly=True, help='Last day on which it can be used. Empty: without end.'
    )
    state = fields.Selection(
        selection=[
            ('open', 'Open'),
            ('used', 'Used'),
            ('expired', 'Expired'),
            ('cancelled', 'Cancelled'),
        ],
        compute='_compute_state',
        help='What became of it.',
    )

    _key_uniq = models.UniqueIndex(
        '(membership_id, key)', 'A member gets a benefit once for one occasion.'
    )

    @api.depends('card_id.points', 'card_id.active', 'voucher_id.state', 'valid_until')
    def _compute_state(self):
        """Tell it from the coupon or the voucher."""
        states = {'rendered': 'used', 'expired': 'expired', 'cancelled': 'cancelled'}
        # sudo: what became of a coupon is no secret to those who see that it was given
        for benefit in self.sudo():
            company = benefit.company_id
            over = benefit.valid_until and benefit.valid_until < company._retail_today()
            voucher, card = benefit.voucher_id, benefit.card_id
            if voucher:
                state = states.get(voucher.state)
            elif card and card.active:
                state = None if card.points > 0 else 'used'
            else:
                state = 'cancelled'
            benefit.state = state or ('expired' if over else 'open')

    def _coupon_text(self):
        """Return what the coupon is worth, in the words of core's reward."""
        self.ensure_one()
        # sudo: what the customer was given is no secret to him
        return ', '.join(
            filter(None, self.card_id.sudo().program_id.reward_ids.mapped('description'))
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_history(self):
        raise UserError(self.env._('What was granted to members is never deleted.'))

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
