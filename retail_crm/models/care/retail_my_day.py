from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import format_date

from ..service.retail_my_day import _LIMIT


class RetailMyDay(models.AbstractModel):
    """Follow-ups on the screen of the day: calls of today, what is late of one's people, birthdays with their call."""

    _inherit = 'retail.my.day'

    def _counters(self, start, end):
        counters = super()._counters(start, end)
        if not self._has_care():
            return counters
        domain = self._followups_due()
        overdue = domain & Domain('is_overdue', '=', True)
        count = self.env['retail.followup'].search_count(domain)
        late = count and self.env['retail.followup'].search_count(overdue)
        return [
            *counters,
            {
                'key': 'followups',
                'label': self.env._('Follow-ups due')
                if not late
                else self.env._('Follow-ups due, %(count)s late', count=late),
                'count': count,
                'alert': bool(late),
                'action': self._followups_action(self.env._('Follow-ups due'), domain),
            },
        ]

    def _has_care(self):
        """Return whether the user works with follow-ups, and the shop with care."""
        return self.env.user.has_group('retail_crm.group_block_care') and self.env[
            'retail.followup'
        ].has_access('read')

    def _followups_due(self):
        """Return the domain of the user's follow-ups of today and before."""
        return (
            Domain('user_id', '=', self.env.uid)
            & Domain('state', '=', 'todo')
            & Domain('due_on', '<=', fields.Date.context_today(self))
        )

    def _sections(self, start, end):
        sections = super()._sections(start, end)
        if not self._has_care():
            return sections
        sections.insert(1, self._section_followups())
        if self.env.user.has_group('retail_crm.group_lead'):
            late = self._section_late_followups()
            if late['count']:
                sections.insert(2, late)
        return sections

    def _section_followups(self):
        return self._followup_section(
            'followups',
            self.env._('Calls today'),
            'fa-phone-square',
            self._followups_due(),
            self.env._('No customer has to be called today.'),
        )

    def _section_late_followups(self):
        """What leaders were told of: late follow-ups of others."""
        domain = (
            Domain('escalated_to_id', '=', self.env.uid)
            & Domain('state', '=', 'todo')
            & Domain('user_id', '!=', self.env.uid)
        )
        return self._followup_section(
            'late_followups',
            self.env._('Late follow-ups of my people'),
            'fa-level-up',
            domain,
            self.env._('Nothing of your people is late.'),
            is_leader=True,
        )

    def _followup_section(self, key, title, icon, domain, empty, is_leader=False):
        """Return a list of follow-ups: two queries, however many there are."""
        followup = self.env['retail.followup']
        names = ['name', 'partner_id', 'due_on', 'channel_id', 'user_id']
        rows = followup.search_fetch(domain, names, order='due_on, id', limit=_LIMIT)
        today = fields.Date.context_today(self)
        return {
            'key': key,
            'title': title,
            'icon': icon,
            'count': len(rows) if len(rows) < _LIMIT else followup.search_count(domain),
            'empty': empty,
            'action': self._followups_action(title, domain),
            'rows': [
                {
                    'id': row.id,
                    'model': 'retail.followup',
                    'title': row.sudo().partner_id.display_name,  # sudo: a name
                    'text': row.rule_id.name or row.name,
                    'date': format_date(self.env, row.due_on),
                    'late': row.due_on < today,
                    # sudo: names
                    'note': (row.sudo().user_id.name if is_leader else row.sudo().channel_id.name)
                    or '',
                }
                for row in rows
            ],
        }

    def _followups_action(self, title, domain):
        return {
            'type': 'ir.actions.act_window',
            'name': title,
            'res_model': 'retail.followup',
            'views': [[False, 'kanban'], [False, 'list'], [False, 'form']],
            'domain': list(domain),
        }

    def _activities_domain(self):
        """Activities that are follow-ups stand among the follow-ups."""
        domain = super()._activities_domain()
        if self._has_care():
            domain &= Domain('retail_followup_id', '=', False)
        return domain

    def _section_birthdays(self):
        """A birthday leads to its follow-up, where there is one that waits."""
        section = super()._section_birthdays()
        if not section['rows'] or not self._has_care():
            return section
        followups = self.env['retail.followup'].search(
            [
                ('partner_id', 'in', [row['id'] for row in section['rows']]),
                ('rule_id.trigger', '=', 'birthday'),
                ('state', 'in', ('planned', 'todo')),
                ('is_control', '=', False),
            ],
            order='due_on desc, id desc',
        )
        by_customer = {followup.partner_id.id: followup for followup in followups}
        for row in section['rows']:
            if followup := by_customer.get(row['id']):
                row.update(id=followup.id, model='retail.followup')
        return section
