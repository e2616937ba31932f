from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .retail_ticket_target import TARGET_KINDS


class RetailTicketEvent(models.Model):
    """A level that a target reached: warning, missed. Each fires once per ticket, target, cycle and level (R-svc C.2).

    Append-only, written by the clock. Source of reports: how many were missed, by how much, and who owned them then.
    """

    _name = 'retail.ticket.event'
    _description = 'Ticket Event'
    _order = 'id desc'
    _rec_name = 'level'

    ticket_id = fields.Many2one(
        comodel_name='retail.ticket', required=True, ondelete='cascade', help='Whose target it is.'
    )
    company_id = fields.Many2one(comodel_name='res.company', required=True, index=True)
    kind = fields.Selection(
        selection=TARGET_KINDS, required=True, string='Target', help='What was due.'
    )
    cycle = fields.Integer(required=True, help="Number of the customer's message.")
    level = fields.Selection(
        selection=[('warning', 'Warning'), ('breach', 'Missed')],
        required=True,
        help='Warning: three quarters of the time are used up. Missed: the deadline has passed.',
    )
    due_at = fields.Datetime(string='Due', help='When the level was reached.')
    date = fields.Datetime(string='Noticed', required=True, index=True)
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Owner Then',
        ondelete='set null',
        index='btree_not_null',
        help='Owner of the ticket at that moment.',
    )
    team_id = fields.Many2one(
        comodel_name='retail.ticket.team',
        string='Team Then',
        ondelete='set null',
        index='btree_not_null',
        help='Team of the ticket at that moment.',
    )
    policy_name = fields.Char(
        string='Under Policy', help='Name of the policy that had granted the time.'
    )

    _level_uniq = models.Constraint(
        'UNIQUE(ticket_id, kind, cycle, level)', 'A level of a target fires once.'
    )

    def write(self, vals):
        """Keep what was noticed.

        :raise UserError: whatever is to be written
        """
        self.check_access('write')
        if vals:
            raise UserError(self.env._('What happened to deadlines is never changed.'))
        return super().write(vals)

    @api.model
    def _fire(self, rows):
        """Write events that are not there yet, in one statement.

        :param rows: dicts of ``ticket`` (record), ``kind``, ``cycle``, ``level``, ``due_at``, ``date``
        :return: ids of the events that are new
        """
        if not rows:
            return []
        values = SQL(', ').join(
            SQL(
                '(%s, %s, %s, %s, %s, %s::timestamp, %s::timestamp, %s::int, %s::int, %s)',
                row['ticket'].id,
                row['ticket'].company_id.id,
                row['kind'],
                row['cycle'],
                row['level'],
                row['due_at'] or None,
                row['date'],
                row['ticket'].user_id.id or None,
                row['ticket'].team_id.id or None,
                row['ticket'].sla_policy_id.name or None,
            )
            for row in rows
        )
        return [
            event_id
            for (event_id,) in self.env.execute_query(
                SQL(
                    """
                    INSERT INTO retail_ticket_event
                           (ticket_id, company_id, kind, cycle, level, due_at, date, user_id, team_id, policy_name)
                    VALUES %s
                        ON CONFLICT (ticket_id, kind, cycle, level) DO NOTHING
                 RETURNING id
                    """,
                    values,
                )
            )
        ]
