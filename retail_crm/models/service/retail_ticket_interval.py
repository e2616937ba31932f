from odoo import fields, models
from odoo.exceptions import UserError

from .retail_ticket_stage import CATEGORIES


class RetailTicketInterval(models.Model):
    """The log of a ticket: when it entered which stage, and when customer and agent spoke. The truth behind the clock.

    Append-only, written by the clock. A stage holds until the next one begins, so nothing is ever written again. All
    targets can be derived from it at any time (``_clock.replay``) and agree with what is stored.
    """

    _name = 'retail.ticket.interval'
    _description = 'Ticket Log'
    _order = 'date_from, id'
    _rec_name = 'ticket_id'

    ticket_id = fields.Many2one(
        comodel_name='retail.ticket', required=True, ondelete='cascade', help='Whose log it is.'
    )
    company_id = fields.Many2one(comodel_name='res.company', required=True, index=True)
    date_from = fields.Datetime(
        string='From', required=True, help='When it happened: a message at its own date.'
    )
    date_to = fields.Datetime(
        string='Until',
        compute='_compute_date_to',
        help='When the next stage began. Empty: it lasts.',
    )
    category = fields.Selection(
        selection=CATEGORIES, string='State', help='What the stage means. Empty for a message.'
    )
    stage_id = fields.Many2one(
        comodel_name='retail.ticket.stage', ondelete='set null', help='Stage that it entered.'
    )
    side = fields.Selection(
        selection=[('customer', 'Customer'), ('agent', 'Agent')],
        string='Message Of',
        help='Who spoke, in words that both sides saw. Empty for a stage.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Owner Then',
        ondelete='set null',
        index='btree_not_null',
        help='Owner of the ticket at that moment.',
    )

    _ticket_idx = models.Index('(ticket_id, date_from, id)')
    _check_one = models.Constraint(
        'CHECK((category IS NULL) <> (side IS NULL))', 'A row is either a stage or a message.'
    )

    def _compute_date_to(self):
        """Look for the next stage of each ticket, all at once."""
        # sudo: rows of tickets whose rows may be read
        stages = self.sudo().search(
            [('ticket_id', 'in', self.ticket_id.ids), ('category', '!=', False)]
        )
        following = {}
        for rows in stages.grouped('ticket_id').values():
            following.update(zip(rows[:-1].ids, rows[1:], strict=True))
        for row in self:
            following_row = following.get(row.id)
            row.date_to = following_row.date_from if following_row else False

    def write(self, vals):
        """Keep the log as it was written.

        :raise UserError: whatever is to be written
        """
        self.check_access('write')
        if vals:
            raise UserError(self.env._('The log of a ticket is never changed.'))
        return super().write(vals)
