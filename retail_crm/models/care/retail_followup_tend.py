from odoo import api, fields, models
from odoo.fields import Domain

from ..service._safely import safely
from ._days import add_working_days

BATCH_SIZE = 500


class RetailFollowupTend(models.Model):
    """What happens to follow-ups that nobody does: the leader is told, once (S-FUP-15)."""

    _inherit = 'retail.followup'

    escalated_on = fields.Date(
        readonly=True,
        copy=False,
        help='When the leader was told that it is late.',
    )
    escalated_to_id = fields.Many2one(
        comodel_name='res.users',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        help='Who was told that it is late.',
    )

    @api.model
    def _cron_tend(self):
        """Tell leaders of what is late, in batches with a commit each."""
        cron = self.env['ir.cron']
        for company in self.env['res.company'].sudo()._retail_roots().filtered('active'):
            while count := self._tend(company):
                if not cron._commit_progress(count):
                    return

    @api.model
    def _tend(self, company):
        """Tell leaders of a batch of what is late in a company; return how many follow-ups were looked at."""
        today = company._retail_today()
        domain = Domain('company_id', '=', company.id) & self._late_domain(company, today)
        late = self.search(domain, order='due_on, id', limit=BATCH_SIZE)
        safely(
            late,
            lambda followups: followups._escalate(today),
            # logged; not tried again for ever
            lambda one, _error: one.write({'escalated_on': today}),
        )
        return len(late)

    @api.model
    def _late_domain(self, company, today):
        """Return which follow-ups of a company are so late that a leader has to know."""
        days = company.retail_care_overdue_days
        first = fields.Date.subtract(today, days=days * 3 + 10)
        limit = first
        # the last day that is more than so many working days ago
        while add_working_days(company, fields.Date.add(limit, days=1), days) < today:
            limit = fields.Date.add(limit, days=1)
        return (
            Domain('state', '=', 'todo')
            & Domain('escalated_on', '=', False)
            & Domain('due_on', '<=', limit)
        )

    def _escalate(self, today):
        """Tell the leader of each, by one task for each of them however many are late."""
        leaders = {}
        for followup in self:
            leader = followup._leader()
            if leader:
                leaders[leader] = leaders.get(leader, self.browse()) | followup
        kind = self.env.ref('mail.mail_activity_data_warning', raise_if_not_found=False)
        model_id = self.env['ir.model']._get_id(self._name)
        values = []
        for leader, followups in leaders.items():
            followups.write({'escalated_to_id': leader.id})
            first = followups[:1]
            words = (
                self.env._('Late: %(name)s', name=first.name)
                if len(followups) == 1
                else self.env._('%(count)s follow-ups are late', count=len(followups))
            )
            values.append(
                {
                    'res_model_id': model_id,
                    'res_id': first.id,
                    'user_id': leader.id,
                    'activity_type_id': kind.id if kind else False,
                    'summary': words,
                    'date_deadline': today,
                    'automated': True,
                }
            )
        self.env['mail.activity'].with_context(mail_activity_quick_update=True).create(values)
        self.write({'escalated_on': today})

    def _leader(self):
        """Return who is told that one follow-up is late: leader or deputy of the store, else of the owner's team, else
        who is responsible for the rule; not the owner himself, nor who is away."""
        team = self.user_id.sale_team_id
        area = self.store_id.retail_area_id.manager_id
        people = [
            self.store_id.user_id,
            self.store_id.retail_deputy_id,
            team.user_id,
            area,
            self.rule_id.user_id,
        ]
        today = self.company_id._retail_today()
        present = [
            user
            for user in people
            if user
            and user != self.user_id
            and user.active
            and self.company_id in user.company_ids.root_id
            and not self._is_kept_from(user)
        ]
        here = [user for user in present if not user._retail_is_away(today)]
        return next(iter(here or present), self.env['res.users'])
