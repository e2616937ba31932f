from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ._safely import safely
from ._staff import Staff
from ._worktime import instant, moment_of

BATCH_SIZE = 100


class RetailRemedyApproval(models.Model):
    """Remedies above the authority of who asks: who is asked to approve, until when, and who then (defaults 16).

    The ladder goes from team leader and store manager over the area manager to the managers; the first whose authority
    is enough is asked. Who is absent is stood in for by his deputy. Whoever does not decide in time loses his turn to
    his deputy, the area manager, the person on call, the managers, each once. Invariant: never decided by who asked, by
    the person complained about, or by somebody who may not read the ticket.
    """

    _inherit = 'retail.remedy'

    asked_user_ids = fields.Many2many(
        comodel_name='res.users',
        relation='retail_remedy_asked_rel',
        string='Asked',
        readonly=True,
        copy=False,
        help='Who was asked to approve it so far. Each of them may decide.',
    )
    is_mine_to_approve = fields.Boolean(
        string='Waits for Me',
        compute='_compute_is_mine_to_approve',
        search='_search_is_mine_to_approve',
        help='Waits for your approval.',
    )
    instead_text = fields.Char(
        string='Instead',
        compute='_compute_instead_text',
        help='What you could allow within your own authority.',
    )

    # used by the scheduled action: it reads what is due only
    _approve_until_idx = models.Index(
        "(approve_until) WHERE state = 'waiting' AND approve_until IS NOT NULL"
    )

    @api.depends('approver_id', 'state')
    @api.depends_context('uid')
    def _compute_is_mine_to_approve(self):
        user = self.env.user
        is_director = self._is_director(user)
        for remedy in self:
            remedy.is_mine_to_approve = (
                remedy.state == 'waiting'
                and remedy.requested_by != user
                and (is_director or user in remedy.sudo().asked_user_ids)  # sudo: ids of colleagues
            )

    @api.model
    def _search_is_mine_to_approve(self, operator, value):
        if operator != 'in':
            return NotImplemented
        mine = fields.Domain('state', '=', 'waiting') & fields.Domain(
            'requested_by', '!=', self.env.uid
        )
        if not self._is_director(self.env.user):
            mine &= fields.Domain('asked_user_ids', 'in', self.env.uid)
        return mine if True in value else ~mine

    @api.depends('state', 'amount')
    @api.depends_context('uid', 'lang')
    def _compute_instead_text(self):
        self.instead_text = False
        for remedy in self.filtered(lambda one: one.state == 'waiting' and one.amount):
            most = remedy._largest(self.env.user)
            if most is not None and remedy.currency_id.compare_amounts(most, remedy.amount) < 0:
                remedy.instead_text = self.env._(
                    'Within your own authority: up to %(amount)s.',
                    amount=remedy.currency_id.format(most),
                )

    # === WHO IS ASKED ===#

    def _ladder(self, is_late=False):
        """Hook: return the rungs for one remedy as ``(person, deputy, whether authority is asked for)``."""
        ticket_sudo = self.ticket_id.sudo()  # sudo: who leads what is no secret
        line, company = ticket_sudo._responsible(), ticket_sudo.company_id
        near = line['leader'] + line['store_manager'] + line['area_manager']
        on_call = []
        if is_late:
            duties = self.env['retail.oncall']._of_now(company, fields.Datetime.now())
            on_call = duties._line_of(ticket_sudo)
        nobody = self.env['res.users']
        # whoever has the authority: a manager also where the director is not there
        above = line['director'] + [(user, nobody) for user in company._retail_managers()]
        return [
            *((*rung, True) for rung in near),
            *((*rung, False) for rung in on_call),
            *((*rung, True) for rung in dict.fromkeys(above)),
        ]

    def _choose_approver(self, is_late=False):
        """Return who is asked next for one remedy, or nobody."""
        asked, needs_director = self.asked_user_ids, self._needs_director()
        ticket_sudo = self.ticket_id.sudo()  # sudo: whose hours hold, and who is complained about
        team, ladder = ticket_sudo.team_id, self._ladder(is_late)
        people = self.env['res.users'].union(*(person for person, _deputy, _needs in ladder))
        staff = Staff(people, fields.Datetime.now())
        for person, deputy, needs_authority in ladder:
            if not person or person in (self.requested_by, ticket_sudo.blocked_user_id):
                continue  # nobody decides for himself, nor his deputy for him
            if (needs_authority or needs_director) and self._exceeded(person, with_advice=False):
                continue
            # nobody gives his authority away himself: only who was appointed stands in
            substitute = staff.appointed(person, team)
            is_absent = staff.is_away(person, team, ticket_sudo.company_id)
            users = (deputy, substitute) if is_absent else (person, deputy, substitute)
            for user in users:
                if user and user not in asked and self._may_be_asked(user):
                    return user
        return self.env['res.users']

    def _may_be_asked(self, user):
        """Return whether a user may decide one remedy at all: he reads the ticket, did not ask, is not complained about."""
        ticket_sudo = self.ticket_id.sudo()  # sudo: who is complained about
        return (
            user.active
            and user not in (self.requested_by, ticket_sudo.blocked_user_id)
            and ticket_sudo.company_id in user.sudo().company_ids
            and self.ticket_id.with_user(user).sudo(False).has_access('read')
        )

    def _may_decide(self, user, with_advice=True):
        """Return whether a user may decide one remedy: he was asked for it, or his own authority is enough."""
        if not self._may_be_asked(user):
            return False
        if user in self.asked_user_ids and not self._needs_director():
            return True
        return not self._exceeded(user, with_advice)

    # === ASKING ===#

    def _ask_approver(self, is_late=False):
        """Ask the next person to approve one remedy; without any, it waits for whoever has the authority."""
        user = self._choose_approver(is_late)
        self._close_approval()
        if not user:
            self.write({'approve_until': False})
            self._tell_ticket(self.env._('Nobody else can be asked to approve it.'))
            return
        until = self._approve_until()
        self.write(
            {
                'approver_id': user.id,
                'asked_user_ids': [fields.Command.link(user.id)],
                'approve_until': until,
            }
        )
        self.activity_schedule(
            'mail.mail_activity_data_todo',
            summary=self.env._('Approve: %(what)s', what=self._words()),
            note=self.exceeded_text,
            user_id=user.id,
        )
        self.ticket_id._wake_cron('retail_crm.ir_cron_remedies', until)

    def _approve_until(self):
        """Return until when one remedy has to be decided: minutes at the counter, else working hours."""
        now = fields.Datetime.now()
        ticket_sudo = self.ticket_id.sudo()  # sudo: working hours are no secret
        company = ticket_sudo.company_id
        if ticket_sudo.channel_id.code == 'counter':
            return now + timedelta(minutes=company.retail_approve_minutes)
        calendar = ticket_sudo._clock_calendar(
            False, ticket_sudo.team_id.id, ticket_sudo.store_id.id, company.id
        )
        work = ticket_sudo._clock_work(calendar, company.id)
        return moment_of(work.add(instant(now), round(company.retail_approve_hours * 3600)))

    def _close_approval(self):
        """Take the tasks from those who were asked."""
        # sudo: tasks of colleagues, which the system made
        self.sudo().activity_ids.unlink()

    # === DECIDING ===#

    def _approve(self, user, why=None):
        """Approve waiting remedies as ``user``.

        :raise AccessError: when he may not decide
        """
        self._lock()
        waiting = self._waiting()
        waiting._take_turns()
        waiting._check_may_decide(user)
        waiting._decided(user, 'approved', why)

    def _refuse(self, user, why):
        """Refuse waiting remedies as ``user``, with a reason.

        :raise AccessError: when he may not decide
        :raise UserError: without a reason
        """
        if not (why or '').strip():
            raise UserError(self.env._('Say why it is refused: whoever asked reads it.'))
        self._lock()
        waiting = self._waiting()
        waiting._check_may_decide(user, with_advice=False)
        waiting._decided(user, 'refused', why)

    def _advised(self, user, name):
        """Note who gave legal advice where it is needed and missing, as a manager who may decide."""
        if not (name or '').strip():
            return
        for remedy in self._waiting():
            if remedy._needs_director() and not remedy.legal_advice_by:
                remedy._check_may_decide(user, with_advice=False)
                remedy.legal_advice_by = name

    def _waiting(self):
        return self.filtered(lambda remedy: remedy.state == 'waiting')

    def _check_may_decide(self, user, with_advice=True):
        for remedy in self:
            if not remedy._may_decide(user, with_advice):
                raise AccessError(
                    self.env._(
                        'You cannot decide %(remedy)s: %(why)s.',
                        remedy=remedy.display_name,
                        why='; '.join(remedy._exceeded(user, with_advice))
                        or self.env._('somebody else has to'),
                    )
                )

    def _decided(self, user, state, why):
        self._close_approval()
        self.write(
            {
                'state': state,
                'approved_by': user.id,
                'approved_at': fields.Datetime.now(),
                'approve_until': False,
                'decision_note': why,
            }
        )
        for remedy in self:
            if state == 'approved':
                words = self.env._('%(user)s approved it.', user=user.name)
            else:
                words = self.env._('%(user)s refused it: %(why)s', user=user.name, why=why)
            remedy._tell_ticket(words)

    def _tell_ticket(self, words):
        """Log on the ticket of one remedy what became of it, and tell who asked for it."""
        text = self.env._('%(remedy)s: %(words)s', remedy=self.display_name, words=words)
        # sudo: a note of the system on the ticket
        self.ticket_id.sudo()._message_log_batch({self.ticket_id.id: text})
        asked_by = self.requested_by
        if asked_by and asked_by != self.env.user and self.state in ('approved', 'refused'):
            self.sudo().message_notify(
                partner_ids=asked_by.partner_id.ids, subject=self.display_name, body=text
            )

    # === TIME IS UP ===#

    @api.model
    def _cron_remedies(self):
        """Ask the next person where nobody decided in time; reads what is due only, a batch at a time."""
        cron = self.env['ir.cron']
        cron._commit_progress(remaining=self.search_count(self._due_domain()))
        while due := self.search(self._due_domain(), order='approve_until, id', limit=BATCH_SIZE):
            safely(
                due,
                lambda remedies: remedies._expire(),
                lambda remedy, _error: remedy.write(
                    {'approve_until': fields.Datetime.now() + timedelta(hours=1)}
                ),
            )
            if not cron._commit_progress(len(due)):
                break

    @api.model
    def _due_domain(self):
        return [('state', '=', 'waiting'), ('approve_until', '<=', fields.Datetime.now())]

    def _expire(self):
        """Ask the next person, each time once."""
        for remedy in self:
            remedy._ask_approver(is_late=True)

    # === ACTIONS ===#

    def action_approve(self):
        """Approve remedies. Who may: whoever was asked, or has the authority."""
        self.check_access('read')
        lacking = self.filtered(
            lambda remedy: remedy._needs_director() and not remedy.legal_advice_by
        )
        if lacking:
            return self._action_decide('approve', self.env._('Approve'))
        self.sudo()._approve(self.env.user)  # sudo: who may decide is checked there
        return True

    def action_refuse(self):
        """Ask why, and refuse."""
        self.check_access('read')
        return self._action_decide('refuse', self.env._('Refuse'))

    def _action_decide(self, decision, name):
        return {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': 'retail.remedy.decide',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_remedy_ids': self.ids, 'default_decision': decision},
        }

    # === TAKING BACK ===#

    def _check_may_reverse(self, user):
        """Only who could have approved it takes it back: a leader with the authority, or who was asked.

        :raise AccessError: for others
        """
        leads = any(
            user.has_group(group)
            for group in ('retail_crm.group_lead', 'retail_crm.group_complaint')
        )
        for remedy in self:
            has_authority = leads and not remedy._exceeded(user)
            if not (has_authority or user in remedy.asked_user_ids) or not remedy._may_be_asked(
                user
            ):
                raise AccessError(
                    self.env._(
                        '%(remedy)s is taken back by somebody who could have approved it.',
                        remedy=remedy.display_name,
                    )
                )

    def action_reverse(self):
        """Ask why, and take back what was granted."""
        self.check_access('read')
        self.sudo()._check_may_reverse(self.env.user)  # sudo: sums of other tickets
        return self._action_decide('reverse', self.env._('Take Back'))
