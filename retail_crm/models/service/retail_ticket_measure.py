from odoo import api, fields, models
from odoo.tools import SQL

#: Measures that mean nothing while a moment is missing: ``{measure: the moment}``.
_ENDS = {'answer_hours': 'first_response_at', 'solve_hours': 'solved_at'}


class RetailTicketMeasure(models.Model):
    """How long answers and solutions took, for the analysis by channel, team and type (S-CHN-10, S-SRV-24).

    Clock time, as the customer felt it. Targets in working time are the clock's.
    """

    _inherit = 'retail.ticket'

    answer_hours = fields.Float(
        string='Hours to First Answer',
        compute='_compute_answer_hours',
        store=True,
        precompute=True,  # else each new ticket is written a second time
        digits=(16, 2),
        aggregator='avg',
        help='Hours by the clock from receiving to the first answer of a person. Empty while there is none.',
    )
    solve_hours = fields.Float(
        string='Hours to Solution',
        compute='_compute_solve_hours',
        store=True,
        precompute=True,
        digits=(16, 2),
        aggregator='avg',
        help='Hours by the clock from receiving until solved, the last time. Empty while it is open.',
    )
    unanswered_hours = fields.Float(
        string='Waiting for Hours',
        compute='_compute_unanswered_hours',
        digits=(16, 1),
        help='For how many hours the customer has waited for an answer by now.',
    )

    @api.depends('received_at', 'first_response_at')
    def _compute_answer_hours(self):
        for ticket in self:
            ticket.answer_hours = hours(ticket.received_at, ticket.first_response_at)

    @api.depends('received_at', 'solved_at')
    def _compute_solve_hours(self):
        for ticket in self:
            ticket.solve_hours = hours(ticket.received_at, ticket.solved_at)

    @api.depends('received_at', 'first_response_at', 'waiting_since', 'category')
    def _compute_unanswered_hours(self):
        now = fields.Datetime.now()
        for ticket in self:
            since = ticket.waiting_since or (not ticket.first_response_at and ticket.received_at)
            ticket.unanswered_hours = hours(since, now) if ticket._is_open() else 0

    def _field_to_sql(self, alias, field_expr, query=None):
        """Leave tickets without an answer or solution out of averages, instead of counting them as zero."""
        sql = super()._field_to_sql(alias, field_expr, query)
        if field_expr in _ENDS:
            end = super()._field_to_sql(alias, _ENDS[field_expr], query)
            return SQL('CASE WHEN %s IS NOT NULL THEN %s END', end, sql)
        return sql


def hours(start, end):
    """Return the hours from one moment to another; nothing while one of them is missing."""
    if not start or not end:
        return False
    return max(0, (end - start).total_seconds()) / 3600
