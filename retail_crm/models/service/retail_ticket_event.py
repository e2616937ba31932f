from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .retail_ticket_target import TARGET_KINDS


class RetailTicketEvent(models.Model):
    """A level that a target reached: warning, missed, later ones. Each fires once per target, cycle and level (R-svc C.2).

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
        selection=[*TARGET_KINDS, ('owner', 'Owner')],
        required=True,
        string='Target',
        help='What was due: an answer, the solution, or that somebody takes it.',
    )
    cycle = fields.Integer(
        required=True, help="Number of the customer's message, or when the ticket lost its owner."
    )
    level = fields.Selection(
        selection=[
            ('warning', 'Warning'),
            ('breach', 'Missed'),
            ('late', 'Still Missed'),
            ('unassigned', 'Nobody Took It'),
        ],
        required=True,
        help='Warning: a share of the time is used up. Missed: the deadline has passed. Still missed: a later level.',
    )
    step = fields.Integer(
        required=True,
        default=0,
        aggregator=None,
        help='Share of the time in per mille, minutes after the deadline, or which time the last level repeats.',
    )
    level_id = fields.Many2one(
        comodel_name='retail.escalation.level',
        string='Escalation Level',
        ondelete='set null',
        index='btree_not_null',
        help='Level of the list by which somebody is told. Empty: nobody is told by the list.',
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
        'UNIQUE(ticket_id, kind, cycle, level, step)', 'A level of a target fires once.'
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

        :param rows: dicts of ``ticket`` (record), ``kind``, ``cycle``, ``level``, ``step``, ``level_id``,
            ``due_at``, ``date``
        :return: ids of the events that are new
        """
        if not rows:
            return []
        values = SQL(', ').join(
            SQL(
                '(%s, %s, %s, %s, %s, %s, %s::int, %s::timestamp, %s::timestamp, %s::int, %s::int, %s)',
                row['ticket'].id,
                row['ticket'].company_id.id,
                row['kind'],
                row['cycle'],
                row['level'],
                row.get('step', 0),
                row.get('level_id') or None,
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
                           (ticket_id, company_id, kind, cycle, level, step, level_id,
                            due_at, date, user_id, team_id, policy_name)
                    VALUES %s
                        ON CONFLICT (ticket_id, kind, cycle, level, step) DO NOTHING
                 RETURNING id
                    """,
                    values,
                )
            )
        ]
