from odoo import api, fields, models
from odoo.tools import format_date, format_datetime

from ._sending import Sending
from .retail_care_rule_why import Answer


class RetailFollowupWhy(models.Model):
    """What became of a follow-up, in words."""

    _inherit = 'retail.followup'

    def _verdicts_at(self, now):
        """Return ``{id: Verdict}`` that the sending would give each of these planned ones, when it is its turn."""
        verdicts = {}
        moments = self.grouped(lambda one: max(one.try_at or now, now))
        for moment, followups in moments.items():
            verdicts |= followups._judge(Sending(self.env, moment))
        return verdicts

    @api.model
    def _in_order(self, followups):
        """Return follow-ups in the order in which a run would take them."""
        return followups.sorted(
            lambda one: (
                one.rule_id.sequence if one.rule_id else -1,
                one.due_on,
                one.partner_id.id,
                one.id,
            )
        )

    def _why_not(self, now=None):
        """Return ``{id: Answer}`` of these: when and how, or why not. The gates of sending are asked."""
        now = now or fields.Datetime.now()
        planned = self._in_order(self.filtered(lambda one: one.state == 'planned'))
        verdicts = planned.sudo()._verdicts_at(
            now
        )  # sudo: gates look at what decides, words are given back
        return {one.id: one._why(verdicts.get(one.id)) for one in self}

    def _why(self, verdict=None):
        """Return the answer of one follow-up.

        :param verdict: of a planned one: what the sending says
        """
        self.ensure_one()
        if self.state == 'planned' and (verdict.state == 'held' if verdict else self.is_control):
            return Answer('held', self._why_control(), self, verdict)
        if self.state == 'planned':
            return Answer('planned', self._why_planned(verdict), self, verdict)
        channel = self.channel_id.sudo().name or ''  # sudo: a label
        texts = {
            'done': self.env._('Contacted on %(when)s.', when=self._moment_words()),
            'todo': self._why_todo(),
            'held': self._why_control(),
            'skipped': self.env._('Not contacted: %(reason)s.', reason=self._reason_words()),
            'stopped': self.env._('Not necessary any more: the goal was reached.'),
            'failed': self.env._('Could not be sent: %(reason)s.', reason=self._reason_words()),
            'cancelled': self.env._('Cancelled by an employee.'),
        }
        text = texts[self.state]
        if self.state == 'done' and channel:
            text = self.env._(
                'Contacted on %(when)s by %(channel)s.', when=self._moment_words(), channel=channel
            )
        return Answer(self.state, text, self)

    def _why_control(self):
        return self.env._(
            'In the control group: left out on purpose, to see what the rule changes.'
        )

    def _why_todo(self):
        return self.env._(
            'Waits for %(owner)s to act, due on %(day)s.',
            owner=self.sudo().user_id.name or self.env._('somebody'),  # sudo: a name
            day=format_date(self.env, self.due_on),
        )

    def _why_planned(self, verdict):
        """Return in words what the sending would do with one planned follow-up."""
        day = format_date(self.env, self.due_on)
        if not verdict:
            return self.env._('Planned for %(day)s.', day=day)
        if verdict.is_go:
            return self.env._(
                'Planned for %(day)s, by %(channel)s.', day=day, channel=verdict.channel.sudo().name
            )
        reason = self._reason_words(verdict.reason, verdict.text)
        if verdict.state == 'planned':
            return self.env._('Planned for %(day)s, but waits: %(reason)s.', day=day, reason=reason)
        if verdict.state == 'stopped':
            return self.env._(
                'Planned for %(day)s, not necessary any more: the goal was reached.', day=day
            )
        return self.env._(
            'Planned for %(day)s, but will not be sent: %(reason)s.', day=day, reason=reason
        )

    def _reason_words(self, reason=None, text=None):
        """Return a reason in words: the label and what there is to add."""
        reason, text = reason or self.reason, text if reason else self.reason_text
        labels = dict(self._fields['reason']._description_selection(self.env))
        words = labels.get(reason) or self.env._('unknown')
        return f'{words} ({text})' if text else words

    def _moment_words(self):
        company = self.company_id.sudo()  # sudo: the company's clock
        if not self.contacted_at:
            return format_date(self.env, self.due_on)
        return format_datetime(
            self.env, self.contacted_at, tz=company._retail_timezone(), dt_format='short'
        )

    def action_why(self):
        """Show for every rule why the customer of one follow-up was contacted, or not."""
        self.ensure_one()
        self.check_access('read')
        return self.partner_id.action_retail_why()
