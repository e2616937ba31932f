from odoo import api, fields, models
from odoo.tools import SQL, split_every

from ..service._safely import safely
from ._sending import Sending

#: Follow-ups of one transaction, and of one look at what is due.
BATCH_SIZE = 500
WAVE_SIZE = 20000
LOCK_KEY = 'retail_crm.care.send'


class RetailFollowupSend(models.Model):
    """What is due leaves: a message, or a task of somebody (S-FUP-11, design 5.4).

    One run at a time, in batches with a commit each. The message, the state and the day that counts for the limits are
    written in one transaction: after an interruption nobody is contacted twice and nobody is forgotten. What fails alone
    is shown as failed; all others go on.
    """

    _inherit = 'retail.followup'

    opened_on = fields.Date(
        string='Left On',
        readonly=True,
        copy=False,
        help='Day on which the message left, or on which somebody was asked to act.',
    )

    _opened_rule_idx = models.Index('(rule_id, opened_on) WHERE opened_on IS NOT NULL')
    _opened_user_idx = models.Index('(user_id, opened_on) WHERE opened_on IS NOT NULL')
    #: whoever shares an address shares its limits
    _counted_email_idx = models.Index(
        '(email_normalized, counted_on) WHERE counted_on IS NOT NULL AND email_normalized IS NOT NULL'
    )

    # === RUN ===#

    @api.model
    def _cron_send(self):
        """Let everything leave that is due; goes on where it was stopped."""
        cron = self.env['ir.cron']
        now = fields.Datetime.now()
        cron._commit_progress(remaining=self._due_count(now))
        self._process_due(now, lambda count: cron._commit_progress(count))

    @api.model
    def _process_due(self, now=None, after_batch=None):
        """Let everything leave that is due at a moment, and return how many follow-ups were looked at.

        :param now: naive UTC
        :param after_batch: function of the number of follow-ups, called after each batch; it commits, and returns
            whether there is time for more. Without it nothing is committed.
        """
        now = now or fields.Datetime.now()
        followups_sudo = self.sudo()  # sudo: system process
        processed = 0
        while numbers := followups_sudo._due_ids(now):
            for some in split_every(BATCH_SIZE, numbers):
                batch = followups_sudo._take(some, now)
                if batch is None:
                    return processed
                batch._let_leave(now)
                processed += len(some)
                self.env.flush_all()
                if after_batch:
                    is_time = after_batch(len(some))
                    self.env.invalidate_all()  # memory stays flat however many there are
                    if not is_time:
                        return processed
            if len(numbers) < WAVE_SIZE:
                break
        return processed

    @api.model
    def _sql_due(self, now):
        """Return the condition of what is due; what waits for a failed rule is not looked at."""
        return SQL(
            """
            followup.state = 'planned' AND followup.try_at <= %s
            AND (followup.rule_id IS NULL OR rule.state IS DISTINCT FROM 'failed')
            """,
            now,
        )

    @api.model
    def _due_count(self, now):
        self.flush_model(['state', 'try_at', 'rule_id'])
        [(count,)] = self.env.execute_query(
            SQL(
                """
                SELECT count(*) FROM retail_followup AS followup
                  LEFT JOIN retail_care_rule AS rule ON rule.id = followup.rule_id
                 WHERE %s
                """,
                self._sql_due(now),
            )
        )
        return count

    @api.model
    def _due_ids(self, now):
        """Return the ids of what is due, by the priority of rules: what was made by hand first."""
        self.flush_model(['state', 'try_at', 'rule_id', 'due_on', 'partner_id'])
        self.env['retail.care.rule'].flush_model(['state', 'sequence'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT followup.id FROM retail_followup AS followup
                  LEFT JOIN retail_care_rule AS rule ON rule.id = followup.rule_id
                 WHERE %s
                 ORDER BY rule.sequence NULLS FIRST, followup.due_on, followup.partner_id, followup.id
                 LIMIT %s
                """,
                self._sql_due(now),
                WAVE_SIZE,
            )
        )
        return [number for (number,) in rows]

    @api.model
    def _take(self, numbers, now):
        """Return those of a batch that are still due, for this run alone; None while another one is working.

        The lock is the first thing that a transaction does: it sees all that its last holder committed.
        """
        [(locked,)] = self.env.execute_query(
            SQL('SELECT pg_try_advisory_xact_lock(hashtext(%s))', LOCK_KEY)
        )
        if not locked:
            return None
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM retail_followup
                 WHERE id = ANY(%s) AND state = 'planned' AND try_at <= %s FOR NO KEY UPDATE SKIP LOCKED
                """,
                list(numbers),
                now,
            )
        )
        found = {number for (number,) in rows}
        # the row itself says what happened: no line of changes beside the message
        batch = self.with_context(tracking_disable=True)
        return batch.browse([number for number in numbers if number in found])

    def _let_leave(self, now):
        """Judge a batch and do what came out: put off, give up, or let leave; what fails does so alone."""
        safely(
            self,
            lambda some: some._judge_and_leave(Sending(self.env, now)),
            lambda one, error: one._leave_failed(error),
        )

    def _judge_and_leave(self, sending):
        # a ticket may have become restricted while it was planned
        self._of_tickets()._follow_tickets()
        verdicts = self._judge(sending)
        staying = self.filtered(lambda one: not verdicts[one.id].is_go)
        for verdict, followups in staying.grouped(lambda one: verdicts[one.id]).items():
            followups._put_off_or_up(verdict)
        methods = self._transports()
        going = (self - staying).grouped(lambda one: verdicts[one.id].channel.transport)
        for transport, followups in going.items():
            safely(
                followups,
                lambda some, name=methods[transport]: some._let_go(name, verdicts, sending),
                lambda one, error: one._leave_failed(error),
            )

    def _let_go(self, method, verdicts, sending):
        """Give these what they offer, then let them leave: the same for every transport, also of glue."""
        self._prepare_offer()
        getattr(self, method)(verdicts, sending)

    def _put_off_or_up(self, verdict):
        values = {'reason': verdict.reason, 'reason_text': verdict.text or False}
        if verdict.state == 'planned':
            self._note({**values, 'try_at': verdict.at})
        else:
            if verdict.state == 'held':
                values['done_at'] = verdict.at
            self.write({**values, 'state': verdict.state})

    def _note(self, vals):
        """Write what only the system writes and nobody listens to."""
        if self:
            models.Model.write(self, vals)

    # === LEFT ===#

    def _left(self, verdicts, state, sending, extra=None):
        """Write that these have left: a message (``done``) or a task of somebody (``todo``).

        :param extra: ``{id: more values}``
        """
        for followup in self:
            verdict, today = verdicts[followup.id], sending.day(followup.company_id)
            followup._note(
                {
                    'channel_id': verdict.channel.id,
                    'reason': False,
                    'reason_text': False,
                    'opened_on': today,
                    'counted_on': False if followup.is_expected else today,
                    **({'contacted_at': sending.now} if state == 'done' else {}),
                    **({'user_id': verdict.owner.id} if verdict.owner else {}),
                    **((extra or {}).get(followup.id) or {}),
                }
            )
        # one write for all: what follows from the state is done for all of them at once
        self.write({'state': state})

    def _leave_manual(self, verdicts, sending):
        """Have somebody send the prepared text by hand."""
        self._left(verdicts, 'todo', sending, self._contents(text_first=True))

    def _leave_letter(self, verdicts, sending):
        """Put the letter on the list of those to print."""
        self._left(verdicts, 'todo', sending, self._contents(text_first=True))

    def _leave_phone(self, verdicts, sending):
        """Have somebody call the customer."""
        self._left(verdicts, 'todo', sending)

    def _leave_portal(self, verdicts, sending):
        """Put the message where the customer finds it when he signs in."""
        self._left(verdicts, 'done', sending, self._messages(text_first=True))

    def _leave_failed(self, error):
        """Show that one could not leave, and tell who answers for its rule, once."""
        self.write({'state': 'failed', 'reason': 'error', 'reason_text': str(error)[:500]})
        self._tell_responsible(str(error))

    def _tell_responsible(self, error):
        """Plan an activity on the rule of one follow-up; while it is open no other is planned."""
        rule_sudo = self.sudo().rule_id  # sudo: told by the system
        summary = self.env._('Follow-ups of this rule cannot be sent')
        if not rule_sudo or rule_sudo.activity_ids.filtered(lambda one: one.summary == summary):
            return
        rule_sudo.with_context(mail_activity_quick_update=True).activity_schedule(
            'mail.mail_activity_data_warning',
            summary=summary,
            note=error[:500],
            user_id=(rule_sudo.user_id or self.env.ref('base.user_admin')).id,
        )

    # === TRY AGAIN ===#

    def action_try_again(self):
        """Send what failed once more, from its first channel on.

        :raise AccessError: for those who may not change it
        """
        self.check_access('write')
        # sudo: checked above; state and reason are the system's
        failed_sudo = self.sudo().filtered(lambda one: one.state == 'failed')
        failed_sudo.write(
            {
                'state': 'planned',
                'reason': False,
                'reason_text': False,
                'try_at': fields.Datetime.now(),
            }
        )
        failed_sudo.filtered('rule_id').write({'channel_id': False})
        # sudo: only starts our own scheduled action
        cron_sudo = self.env.ref('retail_crm.ir_cron_send_followups', raise_if_not_found=False)
        if cron_sudo and failed_sudo:
            cron_sudo.sudo()._trigger()
