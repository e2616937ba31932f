from odoo import models
from odoo.tools import format_datetime

#: What the sheet says of the ticket, beside number, type and class.
_FACTS = (
    'partner_id',
    'partner_phone',
    'partner_email',
    'channel_id',
    'received_at',
    'store_id',
    'order_id',
    'guide_id',
    'team_id',
    'user_id',
    'stage_id',
    'promised_at',
)
#: What came out of it.
_OUTCOME = (
    'problem_restated',
    'customer_wish',
    'verdict',
    'solution',
    'customer_opinion',
    'told_on',
    'cause_id',
    'dissatisfaction_id',
    'result',
    'solved_at',
)


class RetailTicketSheet(models.Model):
    """The ticket on paper: intake with the nine answers, whether it is an old customer, and what came out (S-SEG-28)."""

    _inherit = 'retail.ticket'

    def _sheet_facts(self):
        """Return ``[(label, text)]`` of who, where and when, with whether the customer is an old one."""
        facts = self._sheet_of(_FACTS)
        if self.partner_id:
            facts.insert(1, (self.env._('Old or new customer'), self._sheet_customer_kind()))
        return facts

    def _sheet_customer_kind(self):
        """Return whether one ticket's customer had bought before the request came in, in words."""
        return self.env._('Old customer') if self.is_old_customer else self.env._('New customer')

    def _sheet_answers(self):
        """Return the nine questions of the intake with their answers; the last one is answered by the system."""
        names = [f'intake_{number}' for number in range(1, 9)]
        answers = [
            (self._fields[name]._description_string(self.env), self._in_words(name) or '')
            for name in names
        ]
        label = self._fields['intake_9']._description_string(self.env)
        return [*answers, (label, self._sheet_customer_kind() if self.partner_id else '')]

    def _sheet_outcome(self):
        """Return ``[(label, text)]`` of what was understood, decided and done."""
        return self._sheet_of(_OUTCOME)

    def _sheet_of(self, names):
        return [
            (self._fields[name]._description_string(self.env), self._in_words(name))
            for name in names
            if self[name]
        ]

    def _in_words(self, name):
        """Return the value of a field as people read it."""
        field, value = self._fields[name], self[name]
        if field.type == 'many2one':
            return value.sudo().display_name  # sudo: a name, of what the ticket speaks of
        if field.type == 'datetime':
            return value and format_datetime(self.env, value)
        if field.type == 'selection':
            return dict(field._description_selection(self.env)).get(value)
        return value
