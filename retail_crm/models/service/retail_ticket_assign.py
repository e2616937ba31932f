from odoo import api, fields, models
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ._crew import RUNNING
from ._safely import safely

BATCH_SIZE = 200
#: How often a batch is tried again that another process got in the way of.
MAX_TRIES = 5
LOCK_KEY = 'retail_crm.assign'


class RetailTicketAssign(models.Model):
    """Tickets without owner queue, and are assigned automatically (S-TKT-27, R-svc C.3, design 5.3).

    ``assign_after`` is set while, and only while, a ticket waits for an owner to be found automatically: it says when to
    look next. It is written with the ticket; owners are found afterwards in batch, by ``ticket_opened`` or by the
    scheduled action, at a cost by what is due. Who chose an owner by hand is never overruled.
    """

    _inherit = 'retail.ticket'

    assign_after = fields.Datetime(
        string='Looks for an Owner',
        readonly=True,
        copy=False,
        help='When an owner is next looked for. Empty: it has one, or its team takes tickets by hand.',
    )
    queued_at = fields.Datetime(
        string='In the Queue Since',
        readonly=True,
        copy=False,
        help='Since when it has waited for an owner in its team.',
    )
    assigned_by = fields.Selection(
        selection=[
            ('manual', 'Chosen by hand'),
            ('adviser', 'Adviser of the customer'),
            ('stand_in', 'Stands in for the adviser'),
            ('previous', 'Handled the last request'),
            ('fair', 'Least used capacity'),
            ('substitute', 'Stands in for the owner'),
        ],
        string='Owner Because',
        readonly=True,
        copy=False,
        help='Why the owner has this ticket.',
    )
    declined_by_id = fields.Many2one(
        comodel_name='res.users',
        string='Given Back By',
        readonly=True,
        copy=False,
        ondelete='set null',
        help='Who gave it back to the queue: it does not come to the same person again by itself.',
    )

    # what is due is found without looking at anything else
    _assign_idx = models.Index('(assign_after) WHERE assign_after IS NOT NULL')

    # === QUEUEING ===#

    @api.model
    def _prepare_ticket_values(self, vals_list):
        """Queue tickets without owner; who takes a request in on a channel where both speak keeps it."""
        vals_list = super()._prepare_ticket_values(vals_list)
        self._keep_who_takes_it(vals_list)
        context, now = self.env.context, fields.Datetime.now()
        is_quiet = context.get('import_file') or context.get('retail_crm_quiet')
        stages = self.env['retail.ticket.stage']
        for vals in vals_list:
            if vals.get('user_id'):
                vals.setdefault('assigned_by', 'manual')
            elif not is_quiet and stages.browse(vals['stage_id']).category in RUNNING:
                vals.update(assign_after=now, queued_at=now)
        return vals_list

    @api.model
    def _keep_who_takes_it(self, vals_list):
        """Make members of a team owners of what they take in at the counter or by telephone (R-svc C.3)."""
        if self.env.su or not self.env.user._is_internal():
            return
        Channel = self.env['retail.channel']
        taken = [
            vals
            for vals in vals_list
            if not vals.get('user_id')
            and vals.get('team_id')
            and vals.get('blocked_user_id') != self.env.uid
            and Channel.browse(vals['channel_id']).synchronous
        ]
        if not taken:
            return
        team_ids = self.env['retail.ticket.team.member']._fair_teams_of_user()
        for vals in taken:
            if vals['team_id'] in team_ids:
                vals.update(user_id=self.env.uid, assigned_at=fields.Datetime.now())

    def write(self, vals):
        """Who chooses an owner ends the search; who takes him away begins it."""
        if not {'user_id', 'team_id'} & set(vals) or 'assign_after' in vals:
            return super().write(vals)
        vals, now = dict(vals), fields.Datetime.now()
        if vals.get('user_id'):
            vals.update(assign_after=False, queued_at=False)
            vals.setdefault('assigned_by', 'manual')
            vals.setdefault('declined_by_id', False)
        elif 'user_id' in vals:
            vals.update(assign_after=now, queued_at=now, assigned_by=False)
            owner = self.user_id
            if len(owner) == 1 and not self.env.su:
                vals.setdefault('declined_by_id', owner.id)
        result = super().write(vals)
        if 'user_id' in vals:
            if not vals['user_id']:
                self._assign_soon()
        elif orphans := self.filtered(lambda ticket: not ticket.user_id):
            orphans._stamp({'assign_after': now, 'queued_at': now})
            self._assign_soon()
        return result

    def _on_stage_moved(self, before):
        """What comes back to work without an owner queues again."""
        result = super()._on_stage_moved(before)
        waiting = self.filtered(
            lambda ticket: (
                not ticket.user_id and not ticket.assign_after and ticket.category in RUNNING
            )
        )
        if waiting:
            now = fields.Datetime.now()
            waiting._stamp({'assign_after': now, 'queued_at': now})
            waiting._assign_soon()
        return result

    @api.model
    def _assign_soon(self):
        """Have the scheduled action run after this transaction, for one INSERT per transaction."""
        flags = self.env.cr.precommit.data  # emptied at commit and at any rollback
        cron_id = self.env['ir.model.data']._xmlid_to_res_id('retail_crm.ir_cron_assign')
        if cron_id and not flags.get('retail_crm.assign_trigger'):
            flags['retail_crm.assign_trigger'] = True
            self.env['retail.moment']._insert_trigger(cron_id)

    # === WHEN ===#

    @api.model
    def _assign_due_domain(self):
        return Domain('assign_after', '<=', fields.Datetime.now())

    @api.model
    def _assign_lock(self):
        """Return whether nobody else assigns at this moment. The first thing a transaction does, see ``_next_batch``."""
        [(locked,)] = self.env.execute_query(
            SQL('SELECT pg_try_advisory_xact_lock(hashtext(%s))', LOCK_KEY)
        )
        return locked

    @api.model
    def _cron_assign(self):
        """Find owners for what is due, the most urgent first; commits per batch, and what is in the way is tried again."""
        cron, tries = self.env['ir.cron'], 0
        while tries < MAX_TRIES:
            try:
                if not self._assign_lock():
                    self._assign_soon()  # whoever works on it may not see what came in meanwhile
                    cron._commit_progress()
                    return
                tickets = self.with_context(active_test=False).search(
                    self._assign_due_domain(),
                    order='priority desc, deadline, received_at, id',
                    limit=BATCH_SIZE,
                )
                if not tickets:
                    return
                safely(
                    tickets,
                    lambda due: due._assign(),
                    lambda one, _error: one._stamp(
                        {'assign_after': fields.Datetime.add(fields.Datetime.now(), hours=1)}
                    ),
                )
                if not cron._commit_progress(len(tickets)):
                    return
                tries = 0
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                self.env.cr.rollback()
                self.env.transaction.reset()
                tries += 1
        self._assign_soon()

    def _assign_now(self, reopened=False):
        """Assign in a transaction that does other things, too: who is in the way keeps nothing but the owner waiting."""
        if not self:
            return
        try:
            with self.env.cr.savepoint():
                if self._assign_lock():
                    self._assign(reopened)
                    return
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            self.env.invalidate_all()
        self._assign_soon()

    # === ACTIONS ===#

    def action_find_owner(self):
        """Have owners found for tickets that have none, also where a team takes its tickets by hand.

        For team leaders, from the list.
        """
        self.check_access('write')
        now = fields.Datetime.now()
        tickets = self.filtered(lambda ticket: not ticket.user_id and ticket.category in RUNNING)
        tickets._stamp({'assign_after': now, 'queued_at': now})
        # sudo: who is chosen follows from loads and absences of colleagues; the user may write these tickets
        tickets.sudo().with_context(retail_crm_assign_all=True)._assign_now()
        owned = tickets.filtered('user_id')
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success' if len(owned) == len(self) else 'warning',
                'message': self.env._(
                    '%(count)s of %(total)s tickets have an owner now.',
                    count=len(owned),
                    total=len(self),
                ),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }
