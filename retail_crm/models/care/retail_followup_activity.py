from odoo import api, fields, models
from odoo.exceptions import RedirectWarning, UserError

from ._days import add_working_days

#: Kind of activity by the transport of the channel; the rest are tasks.
_KINDS = {
    'phone': 'mail.mail_activity_data_call',
    'email': 'mail.mail_activity_data_email',
}


class RetailFollowupActivity(models.Model):
    """A follow-up that waits for somebody is an activity of his: the normal list of Odoo shows it (S-FUP-15).

    Both are one. Opening makes the activity, closing ends it; moved, given to somebody else or done, the follow-up
    follows. With a plan of activities on the rule the steps come one after another: the next when the earlier is done, so
    many working days later, until the goal is reached; the last one asks for the result (R-loy C.11).
    """

    _inherit = 'retail.followup'

    reason = fields.Selection(selection_add=[('running', 'Its steps are running already')])
    step_id = fields.Many2one(
        comodel_name='mail.activity.plan.template',
        readonly=True,
        copy=False,
        ondelete='set null',
        help='Step of the plan of the rule at which it is.',
    )
    step_text = fields.Char(
        string='Steps', compute='_compute_step_text', help='Which step of how many, in words.'
    )

    first_due_on = fields.Date(
        readonly=True,
        copy=False,
        help='For which day it was planned, before somebody put it off.',
    )
    snooze_count = fields.Integer(
        string='Times Put Off', readonly=True, copy=False, help='How often it was put off.'
    )

    #: one plan runs for a customer and reason at a time
    _running_uniq = models.UniqueIndex(
        "(rule_id, partner_id) WHERE state = 'todo' AND step_id IS NOT NULL",
        'The steps of this rule are running for this customer already.',
    )

    @api.depends('step_id', 'rule_id.plan_id.template_ids')
    def _compute_step_text(self):
        for followup in self:
            steps = followup._steps()
            followup.step_text = (
                self.env._(
                    '%(number)s of %(count)s',
                    number=list(steps).index(followup.step_id) + 1,
                    count=len(steps),
                )
                if followup.step_id in steps
                else False
            )

    def _steps(self):
        """Return the steps of one follow-up, in their order; maybe none."""
        return self.rule_id.plan_id.template_ids.sorted(lambda step: (step.sequence, step.id))

    def _following_step(self):
        """Return the step after the present one; nothing after the last."""
        steps = self._steps()
        place = list(steps).index(self.step_id) + 1 if self.step_id in steps else len(steps)
        return steps[place : place + 1]

    # === THE ACTIVITY ===#

    def _own_activities(self):
        """Return the running activities that are these follow-ups."""
        return self.env['mail.activity'].search([('retail_followup_id', 'in', self.ids)])

    def _activities_follow(self, vals):
        """Have the activities follow a change of follow-ups. System process."""
        if self.env.su and self.env.context.get('retail_crm_activity_leads'):
            return  # the change came from the activity
        waiting = self.filtered(lambda one: one.state == 'todo')
        if 'state' in vals:
            (self - waiting)._end_activities()
        # also when the owner changes: with who has left his activities are gone
        waiting._begin_activities()
        waiting = waiting.filtered(lambda one: one.state == 'todo')
        activities = waiting._own_activities().with_context(retail_crm_followup_leads=True)
        for activity in activities:
            followup = activity.retail_followup_id
            change = {}
            if 'user_id' in vals and activity.user_id != followup.user_id:
                change['user_id'] = followup.user_id.id
            if 'due_on' in vals and followup.due_on and activity.date_deadline != followup.due_on:
                change['date_deadline'] = followup.due_on
            if change:
                activity.write(change)

    def _begin_activities(self):
        """Make the activity of those that have none: the first step of their plan, else the call or task itself."""
        self = self - self._own_activities().retail_followup_id
        with_steps = self.filtered(lambda one: one._steps())
        with_steps = with_steps._first_of_their_plan()
        for followup in with_steps:
            followup.step_id = followup.step_id or followup._steps()[:1]
        # those that were skipped are none any more
        self = self.filtered(lambda one: one.state == 'todo')
        values = [followup._prepare_activity() for followup in self]
        # without a mail for each: My Day and the list of activities show them
        quiet = self.env['mail.activity'].with_context(
            mail_activity_quick_update=True, retail_crm_followup_leads=True
        )
        quiet.create(values)

    def _first_of_their_plan(self):
        """Skip those whose customer is in the middle of the same plan; return the others (R-loy C.11)."""
        if not self:
            return self
        running = {
            (rule.id, partner.id)
            for rule, partner in self._read_group(
                [
                    ('state', '=', 'todo'),
                    ('step_id', '!=', False),
                    ('rule_id', 'in', self.rule_id.ids),
                    ('partner_id', 'in', self.partner_id.ids),
                    ('id', 'not in', self.ids),
                ],
                ['rule_id', 'partner_id'],
            )
        }
        first = self.browse()
        for followup in self.sorted('id'):
            key = followup.rule_id.id, followup.partner_id.id
            if key in running and not followup.step_id:
                followup.write({'state': 'skipped', 'reason': 'running'})
                continue
            running.add(key)
            first |= followup
        return first

    def _prepare_activity(self):
        """Return the values of the activity of one follow-up, at its present step."""
        step, today = self.step_id, self.company_id._retail_today()
        due_on = self.due_on or today
        if step:
            kind = step.activity_type_id
            due_on = max(
                today, self._step_day(step, due_on if step == self._steps()[:1] else today)
            )
            responsible = step._determine_responsible(self.user_id, self)['responsible']
            if responsible and self._is_kept_from(responsible):
                responsible = self.user_id
        else:
            kind = self.rule_id.activity_type_id or self.env.ref(
                _KINDS.get(self.channel_id.transport, 'mail.mail_activity_data_todo'),
                raise_if_not_found=False,
            )
            responsible = self.user_id
        summary = step.summary or self.name
        return {
            'res_model_id': self.env['ir.model']._get_id(self._name),
            'res_id': self.id,
            'retail_followup_id': self.id,
            'user_id': (responsible or self.user_id).id,
            'activity_type_id': kind.id if kind else False,
            'summary': summary,
            'note': step.note,
            'date_deadline': due_on,
            'automated': True,
        }

    def _step_day(self, step, base):
        """Return the day of a step: its offset in working days of the company, before or after a day."""
        if step.delay_unit == 'days' and step.delay_from == 'after_plan_date':
            return add_working_days(self.company_id, base, step.delay_count)
        return add_working_days(self.company_id, step._get_date_deadline(base))

    def _end_activities(self):
        """End the activities of follow-ups that wait for nobody any more: done with them, or gone."""
        if not self:
            return
        activities = self._own_activities().with_context(retail_crm_followup_leads=True)
        done = activities.filtered(lambda one: one.retail_followup_id.state == 'done')
        if done:
            done._action_done()
        (activities - done).unlink()
        self.filtered('step_id').write({'step_id': False})

    # === THE ACTIVITY LEADS ===#

    def _activity_done(self, feedback=False):
        """The activities of these are marked as done: on to the next step, or the result is asked for.

        :raise RedirectWarning: with the dialog of the result: without one nothing is closed
        """
        waiting = self.filtered(lambda one: one.state == 'todo')
        last = waiting.filtered(lambda one: not one._following_step())
        if last:
            action = last.sudo(False)._action_result(False)
            action['context']['default_opinion'] = feedback or False
            raise RedirectWarning(
                self.env._('Say what came of it: %(names)s.', names=', '.join(last.mapped('name'))),
                action,
                self.env._('What Came of It?'),
            )
        return waiting

    def _go_to_next_step(self, done_activities):
        """Make the activity of the next step of those whose step was done."""
        for followup in self:
            following = followup._following_step()
            followup.write({'step_id': following.id})
        self._begin_activities()
        for activity in self._own_activities() - done_activities:
            followup = activity.retail_followup_id
            followup.with_context(retail_crm_activity_leads=True).write(
                {'due_on': activity.date_deadline}
            )

    def _activity_moved(self, day):
        """The activities of these were moved to another day.

        :raise UserError: when a follow-up must not be later
        """
        self._check_day(day)
        self.with_context(retail_crm_activity_leads=True)._put_off(day)

    def _check_day(self, day):
        """Refuse a day that is too late.

        :raise UserError: naming the first for which it is
        """
        for followup in self:
            if followup.hard_date and followup.due_on and day > followup.due_on:
                raise UserError(
                    self.env._(
                        '%(followup)s is for %(day)s: later is too late. Have a colleague do it instead.',
                        followup=followup.display_name,
                        day=fields.Date.to_string(followup.due_on),
                    )
                )

    def _put_off(self, day):
        """Move these to another day, and remember the first one."""
        for followup in self:
            vals = {'due_on': day}
            if followup.due_on and day > followup.due_on:
                vals['snooze_count'] = followup.snooze_count + 1
                vals['first_due_on'] = followup.first_due_on or followup.due_on
            followup.write(vals)
