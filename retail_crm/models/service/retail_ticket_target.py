from odoo import api, fields, models

from ._worktime import instant

TARGET_KINDS = [
    ('first', 'First answer'),
    ('next', 'Next answer'),
    ('solve', 'Solved'),
]
TARGET_STATES = [
    ('running', 'Running'),
    ('paused', 'Paused'),
    ('met', 'Met'),
    ('breached', 'Missed'),
    ('void', 'Void'),
]


class RetailTicketTarget(models.Model):
    """One promise of time to a customer: first answer, next answer (one row per cycle), solved (R-svc C.1).

    A cache of what follows from the log, kept up to date by the clock only, together with what was granted: seconds,
    calendar and policy as they were. A missed target stays missed; a paused one has no deadline.
    """

    _name = 'retail.ticket.target'
    _description = 'Ticket Target'
    _order = 'ticket_id, kind, cycle'
    _rec_name = 'kind'

    ticket_id = fields.Many2one(
        comodel_name='retail.ticket', required=True, ondelete='cascade', help='Whose target it is.'
    )
    company_id = fields.Many2one(comodel_name='res.company', required=True, index=True)
    kind = fields.Selection(
        selection=TARGET_KINDS, required=True, string='Target', help='What is due.'
    )
    cycle = fields.Integer(
        required=True, default=1, help="Number of the customer's message that waits for an answer."
    )
    date_start = fields.Datetime(string='Start', required=True, help='When the time began.')
    target_seconds = fields.Integer(required=True, help='Seconds that were granted.')
    used_seconds = fields.Integer(
        help='Seconds that had been used up when it last began to run, or when it ended.'
    )
    target_hours = fields.Float(
        string='Granted (Hours)', compute='_compute_hours', help='Hours that were granted.'
    )
    remaining_hours = fields.Float(
        string='Left (Hours)',
        compute='_compute_hours',
        help='Hours that are left now, or were left when it ended. Negative: so much too late.',
    )
    calendar_id = fields.Many2one(
        comodel_name='resource.calendar',
        string='Working Hours',
        ondelete='set null',
        index='btree_not_null',
        help='Calendar in which the time is counted. Empty: day and night.',
    )
    policy_id = fields.Many2one(
        comodel_name='retail.sla.policy',
        ondelete='set null',
        index='btree_not_null',
        help='Policy that granted the time; it may have been changed since.',
    )
    since = fields.Datetime(
        string='Runs Since', help='Empty while it is paused, and when it ended.'
    )
    deadline = fields.Datetime(
        help='When it is missed if nothing happens. Empty while it is paused.'
    )
    met_at = fields.Datetime(string='Done At', help='When it was done, in time or not.')
    is_breached = fields.Boolean(string='Missed Ever', help='The deadline passed. It stays so.')
    state = fields.Selection(
        selection=TARGET_STATES,
        required=True,
        help='Missed stays missed when it is done late; void: the ticket was cancelled.',
    )
    level = fields.Integer(
        string='Last Level',
        help='Position of the highest level that was reached, see the list of escalation levels.',
    )

    _ticket_uniq = models.Constraint(
        'UNIQUE(ticket_id, kind, cycle)', 'A ticket has one target of a kind and cycle.'
    )

    @api.depends(
        'calendar_id', 'company_id', 'since', 'target_seconds', 'ticket_id', 'used_seconds'
    )
    @api.depends_context('tz')
    def _compute_hours(self):
        """Tell what is left as of now, in the calendar of the target."""
        now = instant(fields.Datetime.now())
        for target in self:
            target.target_hours = target.target_seconds / 3600
            used = target.used_seconds
            if target.since:
                # sudo: only the time that is left is told
                ticket_sudo = target.ticket_id.sudo()
                work = ticket_sudo._clock_work(target.calendar_id.sudo(), target.company_id.id)
                used += work.between(instant(target.since), now)
            target.remaining_hours = (target.target_seconds - used) / 3600

    def _clock_write(self, values):
        """Write what differs."""
        changed = {}
        for name, value in values.items():
            old = self[name]
            if (old.id if isinstance(old, models.BaseModel) else old) != value:
                changed[name] = value
        if changed:
            self.write(changed)
