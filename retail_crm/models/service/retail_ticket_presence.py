from odoo import api, fields, models
from odoo.tools import SQL

#: Seconds without a sign of life after which somebody no longer has the ticket open. Screens report every 30 seconds.
_ALIVE = 75


class RetailTicketPresence(models.Model):
    """Who has a ticket open or is writing on it, for a soft notice (R-svc B.10); nothing is ever locked.

    Written by the screens of those who have it open, one row per ticket and employee, through ``action_presence`` only.
    """

    _name = 'retail.ticket.presence'
    _description = 'Who Has a Ticket Open'
    _order = 'ticket_id, since, id'
    _rec_name = 'user_id'
    _log_access = False

    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        required=True,
        readonly=True,
        ondelete='cascade',
        help='Ticket that is open on a screen.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Employee',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    since = fields.Datetime(required=True, readonly=True, help='Opened, or began to write, then.')
    seen_at = fields.Datetime(
        string='Last Seen',
        required=True,
        readonly=True,
        index=True,
        help='Last sign of the screen.',
    )
    is_writing = fields.Boolean(
        string='Writing', readonly=True, help='Has begun an answer that is not sent yet.'
    )

    _ticket_user_uniq = models.Constraint(
        'UNIQUE(ticket_id, user_id)', 'Each employee has a ticket open once.'
    )

    @api.model
    def _touch(self, ticket, is_writing):
        """Note that the user has one ticket open, in one statement that two screens cannot trip over."""
        now = fields.Datetime.now()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO retail_ticket_presence AS p
                            (ticket_id, user_id, since, seen_at, is_writing)
                     VALUES (%(ticket)s, %(user)s, %(now)s, %(now)s, %(writing)s)
                ON CONFLICT (ticket_id, user_id) DO UPDATE
                        SET seen_at = %(now)s,
                            is_writing = %(writing)s,
                            since = CASE
                                WHEN p.seen_at < %(alive)s OR p.is_writing != %(writing)s THEN %(now)s
                                ELSE p.since
                            END
                """,
                ticket=ticket.id,
                user=self.env.uid,
                now=now,
                writing=bool(is_writing),
                alive=fields.Datetime.subtract(now, seconds=_ALIVE),
            )
        )
        self.invalidate_model()

    @api.model
    def _leave(self, ticket):
        """Forget that the user had one ticket open."""
        # sudo: nobody writes these rows by hand; only the user's own
        self.sudo().search([('ticket_id', '=', ticket.id), ('user_id', '=', self.env.uid)]).unlink()

    @api.model
    def _others_on(self, ticket):
        """Return the rows of others who have one ticket open now."""
        alive = fields.Datetime.subtract(fields.Datetime.now(), seconds=_ALIVE)
        # sudo: whoever may read the ticket may know who else has it open
        return self.sudo().search(
            [
                ('ticket_id', '=', ticket.id),
                ('user_id', '!=', self.env.uid),
                ('seen_at', '>=', alive),
            ]
        )

    @api.autovacuum
    def _gc_presence(self):
        """Forget screens that were closed long ago."""
        limit = fields.Datetime.subtract(fields.Datetime.now(), days=1)
        self.sudo().search([('seen_at', '<', limit)], limit=10000).unlink()
