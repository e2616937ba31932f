from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import groupby

SATISFIED = [('yes', 'Yes'), ('partly', 'Partly'), ('no', 'No')]

#: What may still be written to a filed complaint: talk about it, what is learnt from it, and labels.
AFTER_FILING = {
    'stage_id',
    'back_reason',
    'case_kind',
    'lesson',
    'tag_ids',
    'color',
    'involved_user_ids',
    'is_restricted',
    'is_dispute',
    'dispute_instance',
    'dispute_result',
    'dispute_date',
    'review_url',
    'review_rating',
    'review_views',
    'review_answered_on',
    'access_token',
    'active',
}
#: Dates that only the system writes; what is imported brings its own.
SYSTEM_DATES = {'stage_since', 'first_solved_at', 'solved_at', 'solved_by', 'archived_at'}
#: What only the system writes: how far the process is, and what was counted on the way.
SYSTEM_FIELDS = SYSTEM_DATES | {
    'step',
    'round',
    'satisfied_on',
    'intake_9',
    'is_recurrence',
    'recurrence_of_id',
    'major_since',
    'reopen_count',
}
#: Changes after which somebody else may have to be told or to work on it.
CLASS_FIELDS = {'reason_id', 'type_id'}
VALUE_FIELDS = CLASS_FIELDS | {'claim_amount', 'solution_amount', 'order_id'}
RECURRENCE_FIELDS = CLASS_FIELDS | {
    'partner_id',
    'product_id',
    'line_ids',
    'order_id',
    'received_at',
}


class RetailTicketComplaint(models.Model):
    """What a complaint keeps besides a request, and what follows from writing it.

    ``_complaint_written`` is the one place that says what follows from which change; each part is in a file of its own.
    """

    _inherit = 'retail.ticket'

    findings = fields.Text(copy=False, tracking=True, help='What the investigation found.')
    evidence = fields.Text(
        copy=False,
        help='What proves it: receipt, pictures, statements. Attach the documents to the ticket.',
    )
    plan = fields.Text(
        copy=False,
        tracking=True,
        help='How we go about it. May be changed at any time; each change is kept in the history.',
    )
    solution = fields.Text(tracking=True)
    solution_amount = fields.Monetary(
        string='Value of the Solution',
        copy=False,
        tracking=True,
        help='What the solution costs us.',
    )
    counter_wish = fields.Text(
        copy=False,
        tracking=True,
        help='What the customer wishes instead of our solution.',
    )
    satisfied = fields.Selection(
        selection=SATISFIED,
        string='Satisfied With the Result',
        copy=False,
        tracking=True,
        help='What the customer says to the result. "No" sends the complaint back to the solution, in a new round.',
    )
    satisfied_on = fields.Datetime(
        string='Asked On', readonly=True, copy=False, help='When the customer said so.'
    )
    satisfied_channel_id = fields.Many2one(
        comodel_name='retail.channel',
        string='Answered By',
        copy=False,
        help='On which channel the customer said so.',
    )
    problem_gone = fields.Selection(
        selection=[('yes', 'Yes'), ('no', 'No')],
        string='Is the Problem Gone?',
        copy=False,
        tracking=True,
        help='Confirmed with the customer after solving. "No" sends the complaint back to the solution.',
    )
    stage_guidance = fields.Html(
        related='stage_id.guidance', help='What to say and do in this step.'
    )
    earlier_complaint_count = fields.Integer(
        string='Earlier Complaints',
        compute='_compute_past',
        help='How many complaints the customer made before.',
    )

    # === WRITING ===#

    @api.model
    def _prepare_ticket_values(self, vals_list):
        """A complaint begins at its first step."""
        if not self.env.su:
            hidden = SYSTEM_FIELDS - SYSTEM_DATES
            vals_list = [
                {name: value for name, value in vals.items() if name not in hidden}
                for vals in vals_list
            ]
        vals_list = super()._prepare_ticket_values(vals_list)
        Type, Stage = self.env['retail.ticket.type'], self.env['retail.ticket.stage']
        for vals in vals_list:
            if Type.browse(vals['type_id']).is_complaint:
                step = Stage.browse(vals['stage_id'])._step() or 'receive'
                if step not in ('receive', 'classify') and not self.env.su:
                    raise UserError(self.env._('A complaint begins with receiving it.'))
                vals['step'] = step
        return vals_list

    def _tickets_created(self):
        result = super()._tickets_created()
        # sudo: as below; a public review raises whatever it is about
        self.sudo().filtered('review_url')._raise_priority('1')
        if complaints := self.filtered('is_complaint'):
            # sudo: what follows from a permitted entry is the system's to write
            complaints_sudo = complaints.sudo()
            complaints_sudo._fill_intake()
            # class or person may have come as default values
            complaints_sudo.filtered(lambda t: t.guide_id and not t.blocked_user_id)._restrict()
            complaints_sudo.filtered('is_restricted')._keep_away()
            complaints_sudo._tell_others()
            complaints_sudo._open_incidents()
            complaints_sudo._seek_recurrence()
            complaints_sudo._seek_major()
            complaints_sudo.filtered(
                lambda ticket: ticket.is_major and not ticket.major_since
            )._became_major()
        return result

    def write(self, vals):
        if not self.env.su:
            # read only on the form, and for any other client as well
            vals = {name: value for name, value in vals.items() if name not in SYSTEM_FIELDS}
        self._check_restriction(vals)
        self._check_filed(vals)
        self._check_case(vals)
        major = self.filtered('is_major') if vals.get('is_major') else self.browse()
        result = super().write(vals)
        if vals.get('review_url'):
            self.sudo()._raise_priority('1')  # sudo: as below
        if complaints := self.filtered('is_complaint'):
            # sudo: what follows from a permitted change is the system's to write
            complaints.sudo()._complaint_written(vals)
            if vals.get('is_major'):
                (complaints - major).sudo()._became_major()
        return result

    def _complaint_written(self, vals):
        """Do what follows from a change of complaints."""
        keys = set(vals)
        if keys & CLASS_FIELDS and 'team_id' not in vals:
            self._dispatch(keep_owner='user_id' in vals)
        if keys & (CLASS_FIELDS | {'guide_id'}):
            self._restrict()
        if keys & {'is_restricted', 'blocked_user_id'}:
            self.filtered('is_restricted')._keep_away()
        if keys & VALUE_FIELDS:
            self._tell_others()
        if keys & (CLASS_FIELDS | {'partner_id'}):
            self._open_incidents()
        if keys & {'partner_id', 'received_at', 'type_id'}:
            self._fill_intake()
        if keys & RECURRENCE_FIELDS:
            self._seek_recurrence()
        if keys & self._major_fields():
            self._seek_major()
        if keys & {'satisfied', 'problem_gone'}:
            self._heard(vals)

    def _check_filed(self, vals):
        """A filed complaint is a record of what was: only what is learnt from it may be added (S-TKT-12)."""
        if self.env.su:
            return
        changed = {
            name
            for name in set(vals) - AFTER_FILING
            if not name.startswith(('message_', 'activity_', 'website_message_'))
        }
        if changed and (
            filed := self.filtered(lambda t: t.is_complaint and t.category == 'archived')
        ):
            raise UserError(
                self.env._(
                    '%(ticket)s is filed and can only be read. Open a follow-up ticket instead.',
                    ticket=filed[0].display_name,
                )
            )

    def _fill_intake(self):
        """Answer the ninth question of the intake: old or new customer (S-TKT-20)."""
        for is_old, tickets in self.filtered('partner_id').grouped('is_old_customer').items():
            tickets._stamp({'intake_9': 'old' if is_old else 'new'})

    def _told(self):
        """Stamp when and how the customer was told the solution (S-TKT-10)."""
        now = fields.Datetime.now()
        for ticket in self:
            ticket._stamp(
                {
                    'told_on': ticket.told_on or now,
                    'told_channel_id': (ticket.told_channel_id or ticket.channel_id).id,
                }
            )

    # === FOLLOWING UP ===#

    def _call_back_kinds(self):
        """Return ``{channel: (type of activity, its summary)}`` of the question whether the customer is satisfied."""
        return {
            'phone': (
                'mail.mail_activity_data_call',
                self.env._('Call: is the customer satisfied?'),
            ),
            'email': (
                'mail.mail_activity_data_email',
                self.env._('Write: is the customer satisfied?'),
            ),
            'letter': (
                'mail.mail_activity_data_todo',
                self.env._('Letter: is the customer satisfied?'),
            ),
        }

    def _drop_call_backs(self):
        """Forget the planned question: the customer has answered it."""
        words = {
            summary
            for lang, _name in self.env['res.lang'].get_installed()
            for _kind, summary in self.with_context(lang=lang)._call_back_kinds().values()
        }
        # sudo: it may be planned for somebody else than who notes the answer, such as the customer on his page
        self.sudo().activity_ids.filtered(lambda activity: activity.summary in words).unlink()

    def _plan_call_back(self):
        """Plan to ask the customer some days after solving, on the channel he prefers (S-TKT-18)."""
        kinds = self._call_back_kinds()
        self._drop_call_backs()  # of an earlier round: he is asked once
        wanted = []
        for ticket in self:
            channel = ticket.partner_id.retail_preferred_channel_id.code
            kind = channel if channel in kinds else 'phone' if ticket.partner_phone else 'email'
            owner = ticket._first_reader(ticket.user_id, ticket.team_id._leader(), self.env.user)
            days = ticket.company_id.root_id.retail_call_back_days
            wanted.append((kind, days, ticket, owner))
        for (kind, days), rows in groupby(wanted, key=lambda row: row[:2]):
            activity_type, words = kinds[kind]
            self._plan_tasks(
                [row[2:] for row in rows],
                lambda _ticket, words=words: words,
                activity_type,
                fields.Date.add(fields.Date.context_today(self), days=days),
            )

    def _record_satisfaction(self, satisfied, channel=None, words=None):
        """Record what the customer says to the result, on the phone or in the portal.

        :param str satisfied: ``'yes'``, ``'partly'`` or ``'no'``; no sends complaints back to the solution
        :param channel: channel on which he said so
        :param str words: what he said, logged on the ticket
        """
        if words:
            self._message_log_batch({ticket.id: words for ticket in self})
        self.write(
            {'satisfied': satisfied, **({'satisfied_channel_id': channel.id} if channel else {})}
        )

    def _heard(self, vals):
        """Note when the customer said so; whoever is not satisfied, or still has the problem, gets a new round."""
        solved = self.filtered(lambda ticket: ticket.category == 'solved')
        if vals.get('satisfied'):
            solved._stamp({'satisfied_on': fields.Datetime.now()})
            solved._drop_call_backs()
        if vals.get('satisfied') == 'no':
            reason = self.env._('The customer is not satisfied with the result.')
        elif vals.get('problem_gone') == 'no':
            reason = self.env._('The problem is not gone.')
        else:
            return
        if solved:
            solved._set_stage(('open',), step='solution', back_reason=reason)

    def _heard_before(self):
        """What was said to the result before solving: a yes counts from now, a no was about something else."""
        said = self.filtered(lambda ticket: ticket.satisfied and not ticket.satisfied_on)
        refused = said.filtered(lambda ticket: ticket.satisfied == 'no')
        refused._stamp({'satisfied': False})
        (said - refused)._stamp({'satisfied_on': fields.Datetime.now()})

    def _forget_opinion(self):
        """Another solution is sought: the customer was told, and said something, about the last one."""
        self._stamp(
            {
                'customer_opinion': False,
                'counter_wish': False,
                'told_on': False,
                'told_channel_id': False,
            }
        )

    def _next_round(self):
        """Begin another round of complaints that were solved: what was offered is logged, a new answer is asked for."""
        if not self:
            return
        self._message_log_batch({ticket.id: ticket._words_of_round() for ticket in self})
        for number, tickets in self.grouped('round').items():
            tickets._stamp(
                {
                    'round': number + 1,
                    'satisfied': False,
                    'satisfied_on': False,
                    'problem_gone': False,
                }
            )
        self._forget_opinion()
        self._raise_priority('1')

    def _words_of_round(self):
        """Return what the last round of one complaint was, for its history."""
        words = dict(self._fields['satisfied']._description_selection(self.env))
        return self.env._(
            'End of round %(round)s. Solution: %(solution)s Result: %(result)s Satisfied: %(satisfied)s',
            round=self.round,
            solution=self.solution or '-',
            result=self.result or '-',
            satisfied=words.get(self.satisfied, '-'),
        )
