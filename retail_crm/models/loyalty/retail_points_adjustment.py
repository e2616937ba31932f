from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from . import _booking, _points

REASONS = [
    ('goodwill', 'Goodwill'),
    ('correction', 'Correction of an error'),
    ('campaign', 'Campaign or gift'),
    ('transfer', 'Transfer'),
    ('other', 'Other'),
]


#: Adjustments of one card by one person within this time count together for the limit of the second person.
LIMIT_PERIOD = timedelta(hours=24)


class RetailPointsAdjustment(models.Model):
    """Points that staff give or take by hand, with a reason. Above the program's limit a second person decides.

    Made by the wizard "Update Balance". Once done or refused it never changes.
    """

    _name = 'retail.points.adjustment'
    _description = 'Points Adjustment'
    _order = 'id desc'
    _rec_name = 'note'

    card_id = fields.Many2one(
        comodel_name='loyalty.card',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
        help='Card whose points are changed.',
    )
    program_id = fields.Many2one(
        comodel_name='loyalty.program',
        required=True,
        readonly=True,
        ondelete='restrict',
        help='Program of the card.',
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        readonly=True,
        index='btree_not_null',
        ondelete='restrict',
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, ondelete='restrict'
    )
    points = fields.Float(
        required=True, readonly=True, help='Points to add (above 0) or to take (below 0).'
    )
    reason = fields.Selection(
        selection=REASONS, required=True, readonly=True, help='Kind of the reason.'
    )
    note = fields.Char(string='Reason in Words', required=True, readonly=True, help='Why.')
    state = fields.Selection(
        selection=[
            ('pending', 'Waiting for approval'),
            ('approved', 'Done'),
            ('refused', 'Refused'),
        ],
        required=True,
        readonly=True,
        default='pending',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Asked By',
        required=True,
        readonly=True,
        default=lambda self: self.env.user,
        ondelete='restrict',
        help='Who asked for it.',
    )
    approver_id = fields.Many2one(
        comodel_name='res.users',
        string='Decided By',
        readonly=True,
        ondelete='restrict',
        help='Who approved or refused it. Within the limit: the one who asked.',
    )
    decided_on = fields.Datetime(readonly=True, help='When it was decided.')

    _pending_idx = models.Index("(id) WHERE state = 'pending'")

    @api.model
    def _request(self, card, points, reason, note):
        """Adjust the points of a card, or leave that to a second person, and return the adjustment.

        :raise AccessError: for those who are neither team leaders nor sales managers
        :raise UserError: for nothing, without a reason in words, or when it takes more than there is
        """
        if not self.env.su and not any(
            self.env.user.has_group(group)
            for group in ('retail_crm.group_lead', 'sales_team.group_sale_manager')
        ):
            raise AccessError(self.env._('Only team leaders may adjust points.'))
        card.check_access('read')
        points = _points.exact(points)
        if not points or not (note or '').strip():
            raise UserError(self.env._('Enter points other than 0, and the reason in words.'))
        card = card.sudo()  # sudo: checked above
        company = card.company_id or self.env.company
        adjustment = self.sudo().create(  # sudo: nobody writes adjustments directly
            {
                'card_id': card.id,
                'program_id': card.program_id.id,
                'partner_id': card.partner_id.id,
                'company_id': company.root_id.id,
                'points': points,
                'reason': reason,
                'note': note,
                'user_id': self.env.uid,
            }
        )
        if adjustment._own_lately() <= card.program_id.retail_adjust_limit:
            adjustment._carry_out()
        return adjustment.sudo(self.env.su)

    def _own_lately(self):
        """Return how many points the one who asked gives this card (or takes) with those of the last hours together.

        So a large adjustment is not made of small ones. What a second person approved is not counted, nor what was taken
        when points are given: a slip can be mended.
        """
        self.ensure_one()
        mine = self.search(
            [
                ('card_id', '=', self.card_id.id),
                ('approver_id', '=', self.user_id.id),
                ('user_id', '=', self.user_id.id),
                ('state', '=', 'approved'),
                ('decided_on', '>', fields.Datetime.now() - LIMIT_PERIOD),
                ('points', '>' if self.points > 0 else '<', 0),
            ]
        )
        return _points.exact(abs(self.points + sum(mine.mapped('points'))))

    def _carry_out(self):
        """Move the points.

        :raise UserError: when it takes more than there is by now
        """
        for adjustment in self:
            if _points.exact(adjustment.card_id.points + adjustment.points) < min(
                0.0, adjustment.card_id.points
            ):
                raise UserError(self.env._('The card has not so many points.'))
            adjustment.write(
                {
                    'state': 'approved',
                    'approver_id': self.env.uid,
                    'decided_on': fields.Datetime.now(),
                }
            )
            self.env['loyalty.history'].sudo().create(adjustment._prepare_history())
            with _booking.booking_kind(
                self.env,
                'adjust',
                adjustment,
                reason=adjustment.reason,
                note=adjustment.note,
                user_id=adjustment.user_id.id,
                company_id=adjustment.company_id,
            ):
                card = adjustment.card_id
                card.points = _points.exact(card.points + adjustment.points)

    def _prepare_history(self):
        """Return the line that customers read in core's history of the card."""
        return {
            'card_id': self.card_id.id,
            'description': self.note,
            'issued': max(self.points, 0.0),
            'used': max(-self.points, 0.0),
        }

    def _check_second_person(self):
        """Refuse a decision by those who may not decide, and by whoever asked.

        :raise AccessError: saying so
        """
        if not self.env.user.has_group('retail_crm.group_manager'):
            raise AccessError(self.env._('Only a Retail CRM manager may decide on adjustments.'))
        self.check_access('read')
        if any(row.user_id == self.env.user for row in self):
            raise AccessError(self.env._('Somebody else than the one who asked has to decide.'))
        # two managers at once: the second sees what the first decided
        self.lock_for_update()
        if any(row.state != 'pending' for row in self):
            raise UserError(self.env._('This was decided already.'))

    def action_approve(self):
        """Approve waiting adjustments: the points move now.

        :raise AccessError: for anybody but another manager
        :raise UserError: when one was decided already, or takes more than there is
        """
        self._check_second_person()
        self.sudo()._carry_out()  # sudo: checked above

    def action_refuse(self):
        """Refuse waiting adjustments.

        :raise AccessError: for anybody but another manager
        :raise UserError: when one was decided already
        """
        self._check_second_person()
        self.sudo().write(  # sudo: checked above
            {
                'state': 'refused',
                'approver_id': self.env.uid,
                'decided_on': fields.Datetime.now(),
            }
        )

    def action_retail_open_card(self):
        """Open the card."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'loyalty.card',
            'res_id': self.card_id.id,
            'view_mode': 'form',
        }
