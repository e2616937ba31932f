from odoo import models
from odoo.fields import Domain

from .retail_ticket_stage import OPEN_CATEGORIES


class RetailMyDay(models.AbstractModel):
    """What was escalated to a leader, above everything else that he has to do."""

    _inherit = 'retail.my.day'

    def _sections(self, start, end):
        sections = super()._sections(start, end)
        if self.env.user.has_group('retail_crm.group_lead'):
            sections.insert(1, self._section_escalated())
        return sections

    def _section_escalated(self):
        """Tickets of others that are late or without owner, of which the user was told."""
        told = Domain('user_id', '=', self.env.uid) & Domain('state', '=', 'sent')
        domain = (
            Domain('notice_ids', 'any', told)
            & Domain('category', 'in', OPEN_CATEGORIES)
            & (
                Domain('escalation_level', '>', 0)
                | Domain('unassigned_minutes', '>', 0) & Domain('user_id', '=', False)
            )
            & (Domain('user_id', '!=', self.env.uid) | Domain('user_id', '=', False))
        )
        deadline = self._deadline_field()
        return self._ticket_section(
            'escalated',
            self.env._('Escalated to me'),
            'fa-level-up',
            domain,
            f'escalation_level desc, {deadline} ASC NULLS LAST, id',
            deadline,
            self.env._('Nothing of your people is late.'),
        )
