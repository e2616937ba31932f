from datetime import datetime, time, timedelta

import pytz

from odoo import api, fields, models
from odoo.exceptions import UserError

from ._safely import safely

#: A promise without a time holds until this hour of the next working day (defaults 17).
HOUR = 18
#: Hours before the promised time at which the maker is reminded.
REMIND_HOURS = 2
BATCH_SIZE = 500


class RetailTicketPromise(models.Model):
    """What the customer was promised, until when and by whom; kept or broken (S-TKT-42).

    Written by staff; the scheduled action reminds the maker and marks as broken what was not kept in time. A broken
    promise stays broken when it is kept late: the customer was let down. ``next_at`` is when the scheduled action next
    has something to do, empty when nothing is left.
    """

    _name = 'retail.ticket.promise'
    _description = 'Promise'
    _inherit = ['retail.ticket.part']
    _order = 'due_at desc, id desc'
    _rec_name = 'what'

    what = fields.Char(string='Promise', required=True, help='What the customer was promised.')
    due_at = fields.Datetime(
        string='Until',
        required=True,
        compute='_compute_due_at',
        store=True,
        precompute=True,
        readonly=False,
        help='Until when. Starts with 18:00 of the next working day of the team.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Promised By',
        required=True,
        default=lambda self: self.env.user,
        domain=[('share', '=', False)],
        index=True,
        ondelete='restrict',
        help='Who promised it, and is reminded.',
    )
    state = fields.Selection(
        selection=[('open', 'Open'), ('kept', 'Kept'), ('broken', 'Broken')],
        required=True,
        readonly=True,
        default='open',
        copy=False,
        index=True,
    )
    done_at = fields.Datetime(
        string='Kept At', readonly=True, copy=False, help='When it was kept, be it late.'
    )
    store_id = fields.Many2one(
        related='ticket_id.store_id', store=True, precompute=True, index='btree_not_null'
    )
    team_id = fields.Many2one(related='ticket_id.team_id', store=True, precompute=True)
    next_at = fields.Datetime(
        compute='_compute_next_at',
        store=True,
        precompute=True,
        readonly=False,
        help='When the system next reminds of it, or finds it broken.',
    )

    _next_at_idx = models.Index('(next_at) WHERE next_at IS NOT NULL')

    @api.depends('ticket_id')
    def _compute_due_at(self):
        """Ask each calendar once."""
        evenings = {}
        for promise in self:
            if promise.due_at:
                promise.due_at = promise.due_at
                continue
            # sudo: working hours of a team are no secret
            ticket_sudo = promise.ticket_id.sudo()
            calendar = (
                ticket_sudo.team_id._working_calendar()
                if ticket_sudo.team_id
                else (ticket_sudo.company_id or self.env.company).resource_calendar_id
            )
            if calendar not in evenings:
                evenings[calendar] = self._next_working_evening(calendar)
            promise.due_at = evenings[calendar]

    @api.model
    def _next_working_evening(self, calendar):
        """Return 18:00 of the next day on which a calendar works, as UTC; of tomorrow when it never works."""
        zone = pytz.timezone(calendar.tz or self.env.user.tz or 'UTC')
        today = pytz.utc.localize(fields.Datetime.now()).astimezone(zone).date()
        day = today + timedelta(days=1)
        if calendar:
            start = zone.localize(datetime.combine(day, time.min))
            work = calendar._work_intervals_batch(start, start + timedelta(days=31))[False]
            day = next((interval[0].astimezone(zone).date() for interval in work), day)
        evening = zone.localize(datetime.combine(day, time(HOUR)))
        return evening.astimezone(pytz.utc).replace(tzinfo=None)

    @api.depends('due_at', 'state')
    def _compute_next_at(self):
        now = fields.Datetime.now()
        for promise in self:
            if promise.state != 'open' or not promise.due_at:
                promise.next_at = False
            else:
                remind = promise.due_at - timedelta(hours=REMIND_HOURS)
                promise.next_at = remind if remind > now else max(promise.due_at, now)

    @api.model_create_multi
    def create(self, vals_list):
        """A promise is born open: whether it was kept is seen later."""
        if not self.env.su:
            ends = ('state', 'done_at', 'next_at')
            vals_list = [
                {name: value for name, value in vals.items() if name not in ends}
                for vals in vals_list
            ]
        return super().create(vals_list)

    # === ACTIONS ===#

    def action_keep(self):
        """Note that promises were kept; one that is late stays broken."""
        self.check_access('write')
        now = fields.Datetime.now()
        for promise in self.filtered(lambda promise: not promise.done_at):
            late = promise.state == 'broken' or promise.due_at < now
            promise._conclude({'state': 'broken' if late else 'kept', 'done_at': now})

    def action_break(self):
        """Note that promises cannot be kept."""
        self.check_access('write')
        self.filtered(lambda promise: promise.state == 'open')._conclude({'state': 'broken'})

    def _conclude(self, vals):
        """Write the end of promises, also of filed tickets: it is what became true."""
        # sudo: the state is written here only
        self.sudo().write(vals)

    def write(self, vals):
        if not self.env.su and {'state', 'done_at', 'next_at'} & set(vals):
            raise UserError(self.env._('Use "Kept" or "Broken".'))
        if not self.env.su and 'due_at' in vals and any(p.state != 'open' for p in self):
            raise UserError(self.env._('A promise that was kept or broken cannot be put off.'))
        return super().write(vals)

    # === REMINDING ===#

    def _cron_promises(self):
        """Remind of promises, and find broken ones: only those whose time has come are read."""
        now = fields.Datetime.now()
        due = self.search([('next_at', '<=', now)], order='next_at', limit=BATCH_SIZE)
        safely(
            due,
            lambda promises: promises._process_due(now),
            # logged; tried again after the others
            lambda one, _error: one.write({'next_at': now + timedelta(hours=1)}),
        )
        self.env['ir.cron']._commit_progress(len(due), remaining=int(len(due) == BATCH_SIZE))

    def _process_due(self, now):
        """Remind of those that are still to keep; mark as broken those whose time is over."""
        over = self.filtered(lambda promise: promise.due_at <= now)
        over.write({'state': 'broken'})
        soon = self - over
        soon._plan_promise_tasks(
            lambda words: self.env._('Promise is due: %(promises)s', promises=words)
        )
        over._plan_promise_tasks(
            lambda words: self.env._('Promise broken: %(promises)s', promises=words), to_leader=True
        )
        for promise in soon:
            promise.next_at = promise.due_at

    def _plan_promise_tasks(self, sentence, to_leader=False):
        """Make one task per ticket and person. ``sentence``: function that puts the promises into words."""
        words = {
            ticket: sentence(', '.join(promises.mapped('what')))
            for ticket, promises in self.grouped('ticket_id').items()
        }
        pairs = {
            (
                promise.ticket_id,
                (to_leader and promise.team_id._leader()) or promise.user_id,
            )
            for promise in self
        }
        self.env['retail.ticket']._plan_tasks(
            sorted(pairs, key=lambda pair: (pair[0].id, pair[1].id)), words.__getitem__
        )
