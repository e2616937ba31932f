from odoo import api, fields, models
from odoo.exceptions import UserError

#: Answers that are kept as the customer gave them.
_WORDS = ('opinion', 'satisfaction', 'needs', 'promise', 'promise_until', 'next_step')


class RetailFollowupClose(models.TransientModel):
    """Dialog: what came of follow-ups. Without a result none is closed (S-FUP-01, S-FUP-12).

    Of several at once the same holds for all; a promise, a next contact and a ticket belong to one customer.
    """

    _name = 'retail.followup.close'
    _description = 'Result of Follow-ups'

    followup_ids = fields.Many2many(
        comodel_name='retail.followup',
        string='Follow-ups',
        help='What is closed, or tried again.',
    )
    is_single = fields.Boolean(
        string='One Customer', compute='_compute_about', help='Whether it is about one customer.'
    )
    about = fields.Char(compute='_compute_about', help='Who was contacted, and for which reason.')
    is_call_back = fields.Boolean(
        string='Asks About a Complaint',
        compute='_compute_about',
        help='The customer is asked whether a complaint was solved to his satisfaction.',
    )
    result = fields.Selection(
        selection='_selection_result', required=True, help='What came of the contact.'
    )
    satisfaction = fields.Selection(
        selection=[
            ('1', '1 Very dissatisfied'),
            ('2', '2 Dissatisfied'),
            ('3', '3 So-so'),
            ('4', '4 Satisfied'),
            ('5', '5 Very satisfied'),
        ],
        help='How satisfied the customer is. 1 and 2 of a solved complaint open it again.',
    )
    problem_gone = fields.Selection(
        selection=[('yes', 'Yes'), ('no', 'No')],
        string='Is the Problem Gone?',
        help='What the customer says about the problem he complained about. "No" opens the complaint again.',
    )
    opinion = fields.Text(help="What the customer said, in the customer's own words.")
    needs = fields.Text(help='What the customer needs or wishes.')
    promise = fields.Char(help='What you promised the customer.')
    promise_until = fields.Date(
        string='Promised Until',
        compute='_compute_promise_until',
        store=True,
        readonly=False,
        help='Until when. Starts with the next day.',
    )
    next_step = fields.Char(help='What comes next.')
    next_on = fields.Date(
        string='Next Contact On', help='Then you are asked to contact the customer again.'
    )
    note = fields.Char(string='Remark', help='What there is to say about the try itself.')
    pause_marketing = fields.Boolean(
        string='Pause All Marketing',
        default=True,
        help='Who wants no contact is also left in peace by the marketing of all channels, for the days of the company '
        'after contacts without reaction.',
    )
    is_low = fields.Boolean(
        string='Not Satisfied',
        compute='_compute_is_low',
        help='The customer is not satisfied: a ticket can be opened at once.',
    )

    @api.model
    def _selection_result(self):
        kinds = self.env['retail.followup']._fields['result']._description_selection(self.env)
        return kinds

    @api.depends('followup_ids')
    def _compute_about(self):
        for dialog in self:
            followups = dialog.followup_ids
            dialog.is_single = len(followups) == 1
            dialog.is_call_back = dialog.is_single and followups._asked_ticket().is_complaint
            dialog.about = (
                followups.display_name
                if dialog.is_single
                else self.env._('%(count)s follow-ups', count=len(followups))
            )

    @api.depends('promise')
    def _compute_promise_until(self):
        tomorrow = fields.Date.add(fields.Date.context_today(self), days=1)
        for dialog in self:
            if dialog.promise and not dialog.promise_until:
                dialog.promise_until = tomorrow

    @api.depends('satisfaction', 'problem_gone')
    def _compute_is_low(self):
        for dialog in self:
            dialog.is_low = dialog.satisfaction in ('1', '2') or dialog.problem_gone == 'no'

    def action_save(self):
        """Close the follow-ups, or plan their next try.

        :raise UserError: when the result is missing, or somebody else has closed them
        """
        followups, closed = self._save()
        return followups._notify_closed(closed)

    def action_save_ticket(self):
        """Close the follow-up and open the ticket of the dissatisfied customer: his complaint again, else a new one.

        :raise AccessError: for those who may not make tickets
        """
        self.ensure_one()
        if not self.is_single:
            raise UserError(self.env._('A ticket is about one customer.'))
        followups, _closed = self._save()
        return followups.action_ticket()

    def _save(self):
        """Write what the dialog says; return all its follow-ups and those that are closed now."""
        self.ensure_one()
        followups = self.followup_ids
        followups.check_access('write')
        if not followups:
            raise UserError(self.env._('There is nothing to do here: nobody has to act on it.'))
        if not self.is_single and any(self[name] for name in ('promise', 'next_on')):
            raise UserError(self.env._('A promise and a next contact belong to one customer.'))
        if self.result in ('not_reached', 'wrong_address') and self.satisfaction:
            raise UserError(self.env._('Who was not reached said nothing.'))
        if self.next_on and self.next_on < fields.Date.context_today(self):
            raise UserError(self.env._('The next contact cannot be in the past.'))
        followups = followups._open_ones()
        closed = followups._work(self.result, self._details(), self.note)
        if self.result == 'refused' and self.pause_marketing:
            closed._pause_marketing(self.note)
        if self.satisfaction or self.problem_gone:
            closed._stamp({'problem_gone': self.problem_gone})
            closed._answer_ticket()
        if self.is_single and self.promise:
            followups._keep_promise(self.promise, self.promise_until)
        if self.is_single and self.next_on:
            followups._contact_again(self.next_on, self.next_step)
        return followups, closed

    def _details(self):
        """Return what the customer said, by field of the follow-up."""
        details = {name: self[name] for name in _WORDS if self[name]}
        return {**details, 'satisfaction': int(self.satisfaction or 0)}
