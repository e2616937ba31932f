import contextlib
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from odoo import fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tools import format_date

from ._sending import Sending

#: Conditions of a rule that can keep a customer out, in the order in which they are told, with the values under which
#: each keeps nobody out.
CONDITIONS = {
    'segment': {'segment_ids': [Command.clear()]},
    'tier': {'tier_ids': [Command.clear()]},
    'domain': {'domain': '[]'},
    'sample': {'sample_percent': 100.0},
    'again': {'again_days': 0},
}
#: Days in which the next occasion is looked for.
NEXT_DAYS = 366


class Answer(NamedTuple):
    """Whether one rule contacts one customer, in words."""

    #: a state of follow-ups, or ``off``, ``failed_rule``, ``out`` (not in the audience), ``not_due``, ``will``
    kind: str
    text: str
    followup: models.BaseModel
    #: of what is planned: what the sending would say, see ``retail.followup._judge``
    verdict: object = None


class _Undo(Exception):
    """Ends a rehearsal: nothing of it stays."""


class RetailCareRuleWhy(models.Model):
    """Why a customer was, or was not, contacted by a rule, asked of the planning and the gates themselves.

    Nothing is computed a second way: what is planned is judged by the sending's own gates, and who is not planned goes
    through a rehearsal of the planning, with and without each condition, of which nothing stays.
    """

    _inherit = 'retail.care.rule'

    # === REHEARSAL ===#

    @contextmanager
    def _rehearsal(self, values=None):
        """Run what is inside as if these rules were on and had other values; afterwards everything is as before.

        Never commits. What was read inside is forgotten: keep plain values, no records' fields.
        """
        self.env.flush_all()
        try:
            with contextlib.suppress(_Undo), self.env.cr.savepoint():
                # sudo: nothing stays; rights were checked by whoever asks
                rules_sudo = self.sudo().with_context(
                    tracking_disable=True, mail_notrack=True, mail_create_nolog=True
                )
                # past ``write`` of this model: changing a running rule would stop it
                models.Model.write(rules_sudo, {'state': 'on', **(values or {})})
                rules_sudo.flush_recordset()
                yield rules_sudo
                raise _Undo
        finally:
            self.env.invalidate_all(flush=False)

    def _rehearse(self, partners, company, day, values=None):
        """Return ``[(customer id, due day, state)]`` of what one rule would plan on a day for these customers."""
        self.ensure_one()
        with self._rehearsal(values) as rule_sudo:
            before = rule_sudo._last_followup_id()
            rule_sudo._plan_company(company, day, partners.ids)
            # what is a secret to whoever asks is not told of
            rows = rule_sudo._planned_since(before).filtered(
                lambda one: not one._is_kept_from(self.env.user)
            )
            result = [(row.partner_id.id, row.due_on, row.state) for row in rows]
        return result

    def _last_followup_id(self):
        self.env['retail.followup'].flush_model()
        self.env.cr.execute('SELECT COALESCE(max(id), 0) FROM retail_followup')
        return self.env.cr.fetchone()[0]

    def _planned_since(self, number, limit=None):
        """Return the follow-ups of these rules that were made after another one, those due first in front."""
        followups = self.env['retail.followup'].with_context(active_test=False)
        followups.invalidate_model()
        return followups.search(
            [('rule_id', 'in', self.ids), ('id', '>', number)], order='due_on, id', limit=limit
        )

    # === WHY ===#

    def _why(self, partner, now=None):
        """Return ``{rule id: Answer}`` for one customer: what became of the last occasion, or why there is none.

        :param partner: one contact; what concerns the person or company he belongs to is told, too
        :param now: naive UTC
        """
        partner.ensure_one()
        now = now or fields.Datetime.now()
        answers = {}
        # sudo: whoever may ask gets words, no other customer's data, and nothing of what is a secret to him
        last = self.sudo()._last_followups(partner)
        planned = (
            self.env['retail.followup']
            .sudo()
            .union(*[one for one in last.values() if one.state == 'planned'])
        )
        verdicts = planned._verdicts_at(now)
        for rule in self.sudo():
            followup = last.get(rule, planned.browse())
            open_ones = ('planned', 'todo')
            if followup.state in open_ones or (followup and rule._is_recent(followup, now)):
                answers[rule.id] = followup._why(verdicts.get(followup.id))
            else:
                answers[rule.id] = rule._why_not_planned(partner, now, followup)
        return answers

    def _last_followups(self, partner):
        """Return ``{rule: its last follow-up of one customer}``."""
        rows = self.env['retail.followup'].search(
            [
                ('rule_id', 'in', self.ids),
                ('partner_id', 'in', (partner | partner.commercial_partner_id).ids),
            ],
            order='due_on, id',
        )
        return {
            followup.rule_id: followup
            for followup in rows
            if not followup._is_kept_from(self.env.user)
        }

    def _is_recent(self, followup, now):
        """Return whether the rule has not had to think of the customer again since: the answer is that follow-up."""
        company = followup.company_id
        today = Sending(self.env, now).day(company)
        span = max(self.late_days, 30)
        return followup.due_on >= today - timedelta(days=span)

    def _why_not_planned(self, partner, now, last):
        """Return the answer of one rule that has no follow-up of the customer now."""
        none = self.env['retail.followup']
        if not self.active or self.state == 'off':
            return Answer('off', self._before(self.env._('The rule is switched off.'), last), none)
        if self.state == 'failed':
            text = self.env._('The rule has failed and rests: %(error)s', error=self.error or '')
            return Answer('failed_rule', text, none)
        try:
            self._check_plannable()
            return self._why_conditions(partner, now, last)
        except UserError as error:
            return Answer('failed_rule', str(error), none)

    def _why_conditions(self, partner, now, last):
        """Return which conditions of one rule the customer does not meet, or when he would be next."""
        none = self.env['retail.followup']
        customer = partner.commercial_partner_id | partner
        company = self.company_id or partner.company_id.root_id or self.env.company.root_id
        day = Sending(self.env, now).day(company)
        if rows := self._rehearse(customer, company, day):
            text = self.env._(
                'Will be planned by the next run, for %(day)s.',
                day=format_date(self.env, rows[0][1]),
            )
            return Answer('will', text, none)
        if self._is_audience_secret():
            # whatever else were said would tell, rule by rule, what is stored of the customer
            text = self.env._('The customer is not in the audience of the rule.')
            return Answer('out', self._before(text, last), none)
        relaxed = {name: value for values in CONDITIONS.values() for name, value in values.items()}
        started = {'started_on': day - timedelta(days=self.late_days + NEXT_DAYS)}
        if not self._rehearse(customer, company, day, {**relaxed, **started}):
            text = self._why_trigger(customer, company, day)
            return Answer('not_due', self._before(text, last), none)
        failed = [
            name
            for name, values in CONDITIONS.items()
            if not self._rehearse(
                customer,
                company,
                day,
                {**{k: v for k, v in relaxed.items() if k not in values}, **started},
            )
        ]
        if not failed and not self._rehearse(customer, company, day, relaxed):
            failed = ['started']
        return Answer('out', self._before(' '.join(map(self._words_of, failed)), last), none)

    def _is_audience_secret(self):
        """Return whether the user may not know who meets the conditions of one rule: sensitive segments and fields."""
        segments = self._audience_segments().filtered('is_sensitive')
        if segments and not segments.with_user(self.env.user).has_access('read'):
            return True
        try:
            self._check_conditions(self.env.user)
        except (AccessError, ValidationError):
            return True
        return False

    def _audience_segments(self):
        """Return the segments that decide whom one rule contacts, those of its occasions and offers, too."""
        rule_sudo = self.sudo()  # sudo: asked by ``_is_audience_secret`` only
        segments = rule_sudo.segment_ids
        if self.trigger == 'occasion':
            segments |= rule_sudo.env['retail.occasion'].search([('is_on', '=', True)]).segment_ids
        elif self.trigger == 'promotion':
            offers = rule_sudo.offer_id or rule_sudo.env['retail.offer'].search(
                [('kind', '=', 'promotion'), ('state', '=', 'running')]
            )
            segments |= offers.segment_ids
        return segments

    def _why_moment(self):
        """Return in words that what the rule waits for has not happened to the customer."""
        labels = dict(self._fields['moment_kind']._description_selection(self.env))
        return self.env._(
            'Waits until this happens to the customer: %(moment)s. It has not happened since the rule runs, or the '
            'customer did not meet the conditions then.',
            moment=labels.get(self.moment_kind, ''),
        )

    def _why_trigger(self, customer, company, day):
        """Return in words that the rule has no occasion now, and when the next one is."""
        if self.trigger == 'moment':
            return self._why_moment()
        ahead = {'lead_days': NEXT_DAYS, 'late_days': 0}
        rows = self._rehearse(customer, company, day, ahead)
        if rows:
            return self.env._(
                'Not due yet: the next time is %(day)s.',
                day=format_date(self.env, min(due for _id, due, _state in rows)),
            )
        labels = dict(self._fields['trigger']._description_selection(self.env))
        return self.env._(
            'No occasion: %(trigger)s does not apply to the customer now.',
            trigger=labels[self.trigger],
        )

    def _words_of(self, condition):
        """Return one condition that a customer does not meet in words."""
        texts = {
            'segment': self.env._('The customer is in none of the segments of the rule.'),
            'tier': self.env._('The customer has none of the tiers of the rule.'),
            'domain': self.env._('The customer does not meet the conditions of the rule.'),
            'sample': self.env._(
                'The customer is not in the sample of %(percent)s %%.', percent=self.sample_percent
            ),
            'again': self.env._(
                'The last time is less than %(days)s days ago.', days=self.again_days
            ),
            'started': self.env._(
                'It was due before the rule was started on %(day)s.',
                day=format_date(self.env, self.started_on) if self.started_on else '',
            ),
        }
        return texts[condition]

    def _before(self, text, last):
        """Add to an answer what became of the last follow-up."""
        if not last:
            return text
        return self.env._('%(now)s Last time: %(before)s', now=text, before=last._why().text)

    def action_why(self):
        """Choose a customer and see why this rule contacted him, or did not."""
        self.ensure_one()
        self.check_access('read')
        self.env['retail.care.why'].check_access('create')
        return self.env['retail.care.why']._open(self.env['res.partner'], self)
