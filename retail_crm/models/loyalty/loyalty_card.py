from odoo import api, fields, models
from odoo.exceptions import UserError

from . import _booking, _points
from .retail_points_entry import LEDGER_TYPES, POSTING

#: Who sees points beside the sales people, whom core shows cards.
POINTS_GROUPS = 'retail_crm.group_user,retail_crm.group_marketing,sales_team.group_sale_salesman'


class LoyaltyCard(models.Model):
    """Loyalty cards and eWallets have a ledger beside them: each movement of their points is an entry there.

    Invariant: ``points`` is the sum of the card's available entries. Whoever moves points says for what (see
    ``_booking``); the system may move them without, staff may not.
    """

    _inherit = 'loyalty.card'

    retail_entry_ids = fields.One2many(
        comodel_name='retail.points.entry',
        inverse_name='card_id',
        string='Points Ledger',
        readonly=True,
        groups='retail_crm.group_user,retail_crm.group_marketing',
        help='All movements of the points of this card.',
    )
    retail_pending_points = fields.Float(
        string='Waiting Points',
        compute='_compute_retail_pending_points',
        groups='retail_crm.group_user,retail_crm.group_marketing',
        help='Points that can be spent once the purchase is paid and can no longer be returned.',
    )

    @api.depends('retail_entry_ids.points', 'retail_entry_ids.state')
    def _compute_retail_pending_points(self):
        sums = self.env['retail.points.entry']._sums(self)
        for card in self:
            card.retail_pending_points = sums.get(card.id, (0.0, 0.0))[1]

    def _retail_in_ledger(self):
        """Return those of these cards that have a ledger."""
        # sudo: the type of a program is no secret
        return self.filtered(lambda card: card.sudo().program_id.program_type in LEDGER_TYPES)

    @api.model_create_multi
    def create(self, vals_list):
        """Enter the points with which cards are made; one customer gets one card of a program.

        :raise UserError: when staff make a card with points by hand, or a second one
        """
        if not self.env.su:
            self._retail_check_second(vals_list)
        cards = super().create(vals_list)
        ledger = cards._retail_in_ledger().filtered('points')
        if ledger:
            self._retail_check_source()
            ledger._retail_note_moves({card.id: 0.0 for card in ledger})
        return cards

    def write(self, vals):
        """Enter what moves points.

        :raise UserError: when staff write points by hand
        """
        if 'points' not in vals or (self.env.su and self.env.context.get(POSTING)):
            return super().write(vals)
        ledger = self._retail_in_ledger()
        if not ledger:
            return super().write(vals)
        self.check_access('write')
        self._retail_check_source()
        before = {card.id: card.points for card in ledger}
        result = super().write(vals)
        ledger._retail_note_moves(before)
        return result

    def unlink(self):
        """Keep cards that have a ledger: core deletes those of which an order needs nothing, they are archived then."""
        kept = self._retail_with_entries() if self.env.su else self.browse()
        kept.action_archive()
        return super(LoyaltyCard, self - kept).unlink()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_ledger(self):
        """Refuse staff who delete a card with movements.

        :raise UserError: saying so
        """
        # what the system deletes was parted by `unlink` already
        if not self.env.su and self._retail_with_entries():
            raise UserError(
                self.env._('Cards with movements of points cannot be deleted. Archive them.')
            )

    def _retail_with_entries(self):
        """Return the cards that have entries in the ledger."""
        # sudo: only asks which ones have entries
        entries = self.env['retail.points.entry'].sudo()
        ledger = self._retail_in_ledger()
        used = (
            entries.search_fetch([('card_id', 'in', ledger.ids)], ['card_id'])
            if ledger
            else entries
        )
        return self & used.card_id.with_env(self.env)

    @api.model
    def _retail_check_source(self):
        """Refuse to move points for nothing.

        :raise UserError: for staff outside of an order, return or adjustment
        """
        if not self.env.su and _booking.current(self.env) is None:
            raise UserError(
                self.env._(
                    'Points are moved by orders, returns and adjustments. Use "Update Balance" and say why.'
                )
            )

    @api.model
    def _retail_check_second(self, vals_list):
        """Refuse a second card of one customer in one program: his points would be in two places.

        :raise UserError: saying so
        """
        defaults = self.default_get(['program_id', 'partner_id'])
        partners = {}
        for vals in vals_list:
            vals = {**defaults, **vals}
            if vals.get('partner_id') and vals.get('program_id'):
                partners.setdefault(vals['program_id'], set()).add(vals['partner_id'])
        # what the action around is about need not be a program
        for program in self.env['loyalty.program'].sudo().browse(partners).exists():
            if program.program_type not in LEDGER_TYPES:
                continue
            domain = [
                ('partner_id', 'in', list(partners[program.id])),
                ('program_id', '=', program.id),
            ]
            if self.sudo().search_count(domain, limit=1):  # sudo: only asks whether there is one
                raise UserError(
                    self.env._(
                        'The customer already has a card of the program "%(program)s".',
                        program=program.name,
                    )
                )

    def _retail_note_moves(self, before):
        """Tell the booking around what was written on these cards, or enter it as the system's adjustment."""
        deltas = {card.id: _points.exact(card.points - before[card.id]) for card in self}
        deltas = {card_id: delta for card_id, delta in deltas.items() if delta}
        booking = _booking.current(self.env)
        if booking is not None:
            booking.touched.update(self.ids)
            booking.add(deltas)
            return
        if not deltas:
            return
        unsourced = _booking.Booking(
            cr=self.env.cr, deltas=deltas, values={'reason': 'system', 'user_id': self.env.uid}
        )
        self.env['retail.points.entry']._post_deltas(unsourced)

    def _retail_move(self, points):
        """Move points for which entries were made."""
        # sudo: decided by those who made the entries
        card = self.sudo().with_context(**{POSTING: True})
        card.write({'points': _points.exact(card.points + points)})

    def action_retail_entries(self):
        """Open the ledger of these cards."""
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_points_entry_action'
        )
        return {**action, 'domain': [('card_id', 'in', self.ids)], 'context': {}}
