from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...models.loyalty.retail_membership import OVERRIDE_REASONS
from ...models.loyalty.retail_programme import tier_order

#: Members who can be given a floor at a time: it is done while somebody waits.
MAX_FLOORS = 20_000
#: Members per step.
FLOOR_BATCH = 2_000


class RetailTierPreviewFloor(models.TransientModel):
    """Asks until when and why those who would fall by other rules do not fall below the tier that they have."""

    _name = 'retail.tier.preview.floor'
    _description = 'Give a Floor'

    preview_id = fields.Many2one(
        comodel_name='retail.tier.preview',
        required=True,
        ondelete='cascade',
        help='Preview by which they would fall.',
    )
    line_ids = fields.Many2many(
        comodel_name='retail.tier.preview.line',
        string='Chosen Members',
        help='Members who were chosen. Empty: all who would fall.',
    )
    is_chosen = fields.Boolean(
        string='Members Were Chosen',
        readonly=True,
        default=lambda self: bool(self.env.context.get('default_line_ids')),
        help='Nobody else is meant, also when their lines are gone.',
    )
    member_count = fields.Integer(
        string='Members', compute='_compute_member_count', help='Members who get the floor.'
    )
    until = fields.Date(
        required=True,
        default=lambda self: fields.Date.context_today(self) + relativedelta(months=12),
        help='On this day the rules decide again.',
    )
    reason = fields.Selection(
        selection=OVERRIDE_REASONS, required=True, default='migration', help='Kind of the reason.'
    )
    note = fields.Char(required=True, help='The reason in words; it stays in the history.')

    @api.depends('preview_id', 'line_ids')
    def _compute_member_count(self):
        for wizard in self:
            wizard.member_count = self.env['retail.tier.preview.line'].search_count(
                wizard._lines_domain()
            )

    def _lines_domain(self):
        """Return the domain of the lines: those who fall; who rises needs no floor."""
        chosen = self.line_ids if self.is_chosen or self.line_ids else None
        return [
            *self.preview_id._lines_domain(chosen),
            ('preview_id', '=', self.preview_id.id),
            ('direction', '=', 'down'),
            ('membership_id.state', '=', 'active'),
        ]

    def _is_more(self, line):
        """Return whether the floor is more than what staff gave the member of a line already."""
        given = line.membership_id
        if not given.override_until:
            return True
        before, after = tier_order(given.override_tier_id), tier_order(line.from_tier_id)
        return after > before or (after == before and self.until > given.override_until)

    def action_give(self):
        """Give each of them the tier by the present rules as a floor; who was given as much by staff keeps that.

        :raise AccessError: for those who are no Retail CRM managers
        :raise UserError: for a day that has passed, or too many members
        """
        self.ensure_one()
        self.preview_id._check_manager()
        if self.until <= self.preview_id.company_id._retail_today():
            raise UserError(self.env._('The tier must hold at least until tomorrow.'))
        if not (self.note or '').strip():
            raise UserError(self.env._('Say why in words.'))
        lines = self.env['retail.tier.preview.line'].search(self._lines_domain(), order='id')
        if len(lines) > MAX_FLOORS:
            raise UserError(
                self.env._('Choose up to %(count)s members at a time.', count=MAX_FLOORS)
            )
        lines = lines.filtered(self._is_more)
        for tier, group in lines.grouped('from_tier_id').items():
            ids = group.membership_id.ids
            for place in range(0, len(ids), FLOOR_BATCH):
                members = self.env['retail.membership'].browse(ids[place : place + FLOOR_BATCH])
                members._override(tier, self.until, self.reason, self.note)
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._('%(count)s members do not fall.', count=len(lines)),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }
