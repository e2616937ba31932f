from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ._days import add_working_days

#: Results by which nobody was spoken to: another try may follow.
MISSED = ('not_reached', 'wrong_address')
#: Days for which who closed a follow-up may take it back.
UNDO_DAYS = 1


class RetailFollowupWork(models.Model):
    """What employees do with follow-ups: reach the customer or not, write down what he said, close (S-FUP-01, S-FUP-12).

    A follow-up that was put before an employee (``todo``) ends by its buttons only, and never without a result. Who
    was not reached is tried again by the rule: so many times on the channel, then on the next channel, then it is closed
    as not reached. What was tried stays in ``attempt_ids``.
    """

    _inherit = 'retail.followup'

    attempt_ids = fields.One2many(
        comodel_name='retail.followup.attempt',
        inverse_name='followup_id',
        string='Attempts',
        readonly=True,
        help='When and how it was tried to reach the customer.',
    )
    attempt_count = fields.Integer(
        string='Tries', compute='_compute_attempt_count', help='How often it was tried.'
    )
    is_overdue = fields.Boolean(
        string='Overdue',
        compute='_compute_is_overdue',
        search='_search_is_overdue',
        help='Should have been done before today.',
    )
    is_workable = fields.Boolean(
        string='May Be Done by You',
        compute='_compute_is_workable',
        help='Whether you may work on it: of colleagues of other stores everybody reads, and few write.',
    )
    channel_transport = fields.Selection(
        related='channel_id.transport', string='How It Leaves', help='How it reaches the customer.'
    )
    script = fields.Html(
        related='rule_id.script', string='What to Say', help='Words and questions for the talk.'
    )
    is_low = fields.Boolean(
        string='Dissatisfied',
        compute='_compute_is_low',
        help='The customer was not satisfied: 1 or 2 of 5.',
    )

    @api.depends('attempt_ids')
    def _compute_attempt_count(self):
        counts = dict(
            self.env['retail.followup.attempt']._read_group(
                [('followup_id', 'in', self.ids)], ['followup_id'], ['__count']
            )
        )
        for followup in self:
            followup.attempt_count = counts.get(followup._origin, 0)

    @api.depends('state', 'due_on')
    def _compute_is_overdue(self):
        today = fields.Date.context_today(self)
        for followup in self:
            followup.is_overdue = bool(
                followup.state == 'todo' and followup.due_on and followup.due_on < today
            )

    def _search_is_overdue(self, operator, value):
        if operator != 'in':
            return NotImplemented
        today = fields.Date.context_today(self)
        domain = [('state', '=', 'todo'), ('due_on', '<', today)]
        wanted = {bool(item) for item in value}
        if len(wanted) != 1:
            return [(1, '=', int(bool(wanted)))]
        return domain if True in wanted else ['!', '&', *domain]

    @api.depends('user_id', 'store_id')
    @api.depends_context('uid')
    def _compute_is_workable(self):
        """Buttons that would be refused are not shown; asked once for all."""
        workable = self._origin._filtered_access('write')
        for followup in self:
            followup.is_workable = followup._origin in workable

    @api.depends('satisfaction')
    def _compute_is_low(self):
        for followup in self:
            followup.is_low = followup.satisfaction in (1, 2)

    # === WRITING ===#

    def write(self, vals):
        """Refuse what only the system writes; keep the activity of who has to act in step with the follow-up.

        :raise UserError: for a state or result that does not come from a button
        """
        if not self.env.su and {'state', 'result'} & set(vals):
            raise UserError(
                self.env._(
                    'Follow-ups are closed with their buttons: what came of them has to be written down.'
                )
            )
        if 'company_id' in vals and any(one.company_id.id != vals['company_id'] for one in self):
            raise UserError(self.env._('A follow-up stays in its company.'))
        result = super().write(vals)
        if {'state', 'due_on', 'user_id'} & set(vals):
            self.sudo()._activities_follow(vals)  # sudo: what follows from a permitted change
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_contacted(self):
        """What reached a customer, or was tried, is never deleted: limits and the history count on it."""
        if self.filtered(lambda one: one.contacted_at or one.counted_on or one.attempt_ids):
            raise UserError(
                self.env._('A follow-up by which a customer was contacted cannot be deleted.')
            )

    # === BUTTONS ===#

    def action_snooze(self):
        """Ask until when these are put off, and why."""
        return self._action_dialog('retail.followup.snooze', self.env._('Put Off'))

    def action_hand_over(self):
        """Ask to whom these are given, and why."""
        return self._action_dialog('retail.followup.hand.over', self.env._('Hand Over'))

    def _action_dialog(self, model, name):
        self.check_access('write')
        return {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': model,
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_followup_ids': [fields.Command.set(self.ids)]},
        }

    def action_take(self):
        """Make the user the owner of follow-ups that wait, also of those of colleagues of his store.

        :raise UserError: when he may not see one of them or its customer
        """
        self.check_access('write')
        self._open_ones().write({'user_id': self.env.uid})

    def action_done(self):
        """Ask what came of follow-ups."""
        return self._action_result(False)

    def action_reached(self):
        """Ask what the customer said who was reached."""
        return self._action_result('reached')

    def action_not_reached(self):
        """Note that customers were not reached; the next try is planned by the rule.

        :raise UserError: when nothing is left to do
        """
        self.check_access('write')
        closed = self._work('not_reached')
        return self._notify_closed(closed)

    def action_message_sent(self):
        """Note that what was prepared has been sent by hand, such as by WeChat."""
        self.check_access('write')
        return self._notify_closed(self._work('message'))

    def action_cancel(self):
        """Give follow-ups up: nobody is contacted by them. They can be opened again."""
        self.check_access('write')
        waiting = self.filtered(lambda one: one.state in ('planned', 'todo', 'failed'))
        waiting._stamp(
            {'state': 'cancelled', 'done_at': fields.Datetime.now(), 'done_by': self.env.uid}
        )
        waiting._message_log_batch(
            {
                one.id: self.env._('Cancelled by %(name)s.', name=self.env.user.name)
                for one in waiting
            }
        )

    def action_reopen(self):
        """Take back what was closed: it has to be done again. What was tried stays written down.

        For who closed it within a day, and for leaders and managers.

        :raise UserError: for others, and for what was not closed by a person
        """
        self.check_access('write')
        since = fields.Datetime.now() - timedelta(days=UNDO_DAYS)
        is_leader = self.env.user.has_groups('retail_crm.group_lead,retail_crm.group_marketing')
        for followup in self:
            if followup.state not in ('done', 'cancelled') or not followup.done_by:
                raise UserError(self.env._('Only what somebody has closed can be opened again.'))
            mine = followup.done_by == self.env.user and followup.done_at >= since
            if not mine and not is_leader and not self.env.su:
                raise UserError(
                    self.env._('Your leader opens again what was closed by others or longer ago.')
                )
        owned = self.filtered('user_id')
        (self - owned)._check_may_own(self.env.user)
        for followups, extra in ((owned, {}), (self - owned, {'user_id': self.env.uid})):
            followups._stamp(
                {
                    'state': 'todo',
                    'result': False,
                    'done_at': False,
                    'done_by': False,
                    'reason': False,
                    **extra,
                }
            )

    def _action_result(self, result):
        """Return the dialog that asks for the result of these."""
        self.check_access('write')
        open_ones = self._open_ones()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('What Came of It?'),
            'res_model': 'retail.followup.close',
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {
                'default_followup_ids': [fields.Command.set(open_ones.ids)],
                **({'default_result': result} if result else {}),
            },
        }

    def _open_ones(self):
        """Return those on which somebody still has to act.

        :raise UserError: when there is none
        """
        open_ones = self.filtered(lambda one: one.state == 'todo')
        if self and not open_ones:
            done = self[:1]
            if done.done_by:
                raise UserError(
                    self.env._(
                        '%(followup)s was closed by %(name)s.',
                        followup=done.display_name,
                        name=done.sudo().done_by.name,  # sudo: a name
                    )
                )
            raise UserError(self.env._('There is nothing to do here: nobody has to act on it.'))
        return open_ones

    def _notify_closed(self, closed):
        """Return the message that says what happened to each of these, and reload the view."""
        waiting = self - closed
        words = []
        if closed:
            words.append(self.env._('Closed: %(count)s.', count=len(closed)))
        for day, followups in (
            waiting.filtered(lambda one: one.state == 'todo').grouped('due_on').items()
        ):
            words.append(
                self.env._(
                    'Next try on %(day)s: %(count)s.',
                    day=fields.Date.to_string(day),
                    count=len(followups),
                )
            )
        if others := waiting.filtered(lambda one: one.state == 'planned'):
            words.append(self.env._('Goes on by another channel: %(count)s.', count=len(others)))
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': ' '.join(words),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    # === RESULT ===#

    def _work(self, result, details=None, note=False):
        """Note what came of contacts: close them, or plan the next try. Rights are checked by the caller.

        :param str result: as the field
        :param dict details: what the customer said, by field
        :return: those that are closed now
        :raise UserError: when nothing is left to do
        """
        # sudo: state and result are written here only
        followups = self._open_ones().sudo()
        now = fields.Datetime.now()
        followups._log_attempts(result, note)
        fresh = followups.filtered(lambda one: not one.contacted_at)
        if result not in MISSED:
            fresh.write({'contacted_at': now})
        closed = followups - followups._try_again(result) if result in MISSED else followups
        closed.write(
            {
                **(details or {}),
                'state': 'done',
                'result': result,
                'done_at': now,
                'done_by': self.env.uid,
                'reason': False,
                'reason_text': False,
            }
        )
        if result == 'wrong_address':
            followups._ask_for_address()
        elif result == 'refused':
            # after closing: what still waits on the channel is stopped by it
            followups._withdraw(note)
        self.env['retail.moment']._emit('followup_done', closed)
        return closed.sudo(False)

    def _log_attempts(self, result, note=False, user=None):
        """Write down one try on each."""
        # sudo: rows of the system
        return (
            self.env['retail.followup.attempt']
            .sudo()
            .create(
                [
                    {
                        'followup_id': followup.id,
                        'channel_id': followup.channel_id.id,
                        'user_id': (user or self.env.user).id,
                        'result': result,
                        'note': note,
                    }
                    for followup in self
                ]
            )
        )

    def _try_again(self, result):
        """Plan the next try of those that the rule wants tried again: later, else on the next channel.

        :return: those that are not over
        """
        again = self.browse()
        misses = self._misses()
        for followup in self:
            rule = followup.rule_id
            is_left = (
                result == 'not_reached'
                and not followup.hard_date  # another day is too late
                and misses[followup.id] <= rule.retry_count
            )
            if is_left:
                today = followup.company_id._retail_today()
                gap = today + timedelta(days=max(rule.retry_gap_days, 1))
                followup.write({'due_on': add_working_days(followup.company_id, gap)})
                again |= followup
            elif channel := followup._next_channel():
                followup._go_on_by(channel)
                again |= followup
        return again

    def _misses(self):
        """Return ``{id: how often nobody was reached on the channel that it is on now}``."""
        counts = {
            (followup.id, channel.id): count
            for followup, channel, count in self.env['retail.followup.attempt']._read_group(
                [('followup_id', 'in', self.ids), ('result', '=', 'not_reached')],
                ['followup_id', 'channel_id'],
                ['__count'],
            )
        }
        return {one.id: counts.get((one.id, one.channel_id.id), 0) for one in self}

    def _go_on_by(self, channel):
        """Give one to the sending again, which takes the next channel."""
        self.write(
            {
                'state': 'planned',
                'channel_id': channel.id,
                'try_at': fields.Datetime.now(),
            }
        )

    def _snooze(self, day, reason):
        """Put these off to a day, with the reason as a note in each.

        :raise UserError: where later is too late
        """
        followups = self.sudo()  # sudo: the callers checked; the due day is written here only
        followups._check_day(day)
        followups._message_log_batch(
            {
                one.id: self.env._(
                    'Put off to %(day)s by %(name)s: %(reason)s',
                    day=fields.Date.to_string(day),
                    name=self.env.user.name,
                    reason=reason,
                )
                for one in followups
            }
        )
        followups._put_off(day)

    def _withdraw(self, note=False):
        """Record that customers want no more contacts of this purpose on this channel: consents rule, not this row."""
        by_phone = {'phone': 'phone', 'letter': 'paper'}
        for followup in self.filtered('channel_id'):
            purpose = followup.purpose or 'service'
            self.env['retail.consent']._record(
                followup.partner_id,
                {(purpose, followup.channel_id): False},
                source=by_phone.get(followup.channel_id.transport, 'message'),
                company=followup.company_id,
                note=note
                or self.env._('Said so when contacted: %(followup)s', followup=followup.name),
            )

    def _ask_for_address(self):
        """Have the owner find the right number or address of customers."""
        kind = self.env.ref('mail.mail_activity_data_todo', raise_if_not_found=False)
        self.env['mail.activity'].with_context(mail_activity_quick_update=True).create(
            [
                {
                    'res_model_id': self.env['ir.model']._get_id('res.partner'),
                    'res_id': followup.partner_id.id,
                    'user_id': (followup.user_id or self.env.user).id,
                    'activity_type_id': kind.id if kind else False,
                    'summary': self.env._(
                        'Number or address is wrong: %(channel)s',
                        channel=followup.channel_id.name or '',
                    ),
                }
                for followup in self
            ]
        )
