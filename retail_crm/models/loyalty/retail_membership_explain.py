from datetime import timedelta

from markupsafe import Markup

from odoo import api, fields, models
from odoo.tools import format_date

from . import _tiers


class RetailMembershipExplain(models.Model):
    """Why a member holds the tier, what is missing to the next one and what to keep it. Computed on the form only."""

    _inherit = 'retail.membership'

    measure_amount = fields.Monetary(
        string='Amount Counted',
        compute='_compute_explanation',
        help='Amount of the purchases that count today to reach a tier.',
    )
    measure_count = fields.Integer(
        string='Number of Purchases',
        compute='_compute_explanation',
        help='Number of purchases that count today to reach a tier.',
    )
    next_tier_id = fields.Many2one(
        comodel_name='retail.tier',
        compute='_compute_explanation',
        help='The next higher tier that there is today.',
    )
    missing_amount = fields.Monetary(
        compute='_compute_explanation',
        help='Amount that is missing to the next tier.',
    )
    missing_count = fields.Integer(
        string='Missing Purchases',
        compute='_compute_explanation',
        help='Number of purchases that are missing to the next tier.',
    )
    explanation = fields.Html(
        string='Why This Tier',
        compute='_compute_explanation',
        help='What counts, what is missing and until when, in words.',
    )

    @api.depends(
        'tier_id', 'own_tier_id', 'own_valid_until', 'grace_until', 'evaluated_on', 'override_until'
    )
    @api.depends_context('lang')
    def _compute_explanation(self):
        facts = self._explain()
        for member in self:
            fact = facts.get(member.id) or {}
            member.measure_amount = fact.get('amount', 0)
            member.measure_count = fact.get('count', 0)
            member.next_tier_id = fact.get('next_tier', False)
            member.missing_amount = fact.get('missing_amount') or 0
            member.missing_count = fact.get('missing_count') or 0
            lines = member._explanation_lines(fact) if fact else []
            member.explanation = Markup('').join(Markup('<p>%s</p>') % line for line in lines)

    def _explain(self, day=None):
        """Return what decides about these members, with one query for their purchases.

        :param day: the day for which is asked; default: today
        :return: ``{id: facts}`` of those who take part: window, ``amount``, ``count`` and the ``domain`` of the purchases
            counted; ``next_tier`` with what is asked for, what is missing and the last day of a year's window; ``keep``:
            the same to keep the tier, with the last day
        """
        result = {}
        active = self.filtered(lambda member: member.state == 'active' and member.id)
        # sudo: explains the member that the user sees, by rules and purchases that he may see as well
        for programme, members in active.sudo().grouped('programme_id').items():
            rules = programme._rules()
            today = day or programme.company_id._retail_today()
            for case in self._read_cases(programme, members.partner_id.ids):
                if case.membership_id in members._ids:
                    result[case.membership_id] = self._explain_case(programme, rules, case, today)
        return result

    def _explain_case(self, programme, rules, case, day):
        """Return the facts of one member."""
        engine = _tiers.Engine(case.before, case.documents, rules)
        state = case.before
        shown = _tiers.shown(state, rules)
        level = max(rules.level(shown.tier), 0)
        start, end = _tiers.entry_window(rules, state.enrolled_on, day)
        amount, count = engine.ledger.totals(start, end)
        facts = {
            'start': start,
            'end': end,
            'amount': programme._from_cents(amount),
            'count': count,
            'criteria': rules.criteria,
            'domain': self._purchase_domain(programme, case.partner_id, start, end),
        }
        above = next((tier for tier in rules.tiers[level + 1 :] if tier.version(day)), None)
        if above:
            measure = engine.entry(above, day)
            facts['next_tier'] = self.env['retail.tier'].browse(above.key)
            facts['reached'] = measure.reaches(rules.criteria)
            facts.update(self._missing(programme, measure))
            if rules.window in ('calendar', 'membership'):
                facts['last_day'] = _tiers.add_months(start, 12) - _tiers.ONE_DAY
        if level and state.until and not shown.given:
            facts['keep'] = self._explain_keep(programme, rules, engine, case, day)
        return facts

    def _explain_keep(self, programme, rules, engine, case, day):
        """Return what it takes to keep the tier, and the last day for it."""
        state = case.before
        last = min(day, state.until - _tiers.ONE_DAY) if not state.grace_until else day
        measure = engine.keeping(last)
        end = (state.grace_until or state.until) - _tiers.ONE_DAY
        return {
            'start': measure.start,
            'end': end,
            'amount': programme._from_cents(measure.amount),
            'count': measure.count,
            'kept': measure.reaches(rules.criteria),
            'domain': self._purchase_domain(programme, case.partner_id, measure.start, last),
            **self._missing(programme, measure),
        }

    @staticmethod
    def _missing(programme, measure):
        """Return the thresholds of a measure and what is missing to them; None where one is not used."""
        amount, count = measure.missing()
        need_amount, need_count = (
            measure.version.thresholds(measure.keep) if measure.version else (None, None)
        )
        return {
            'need_amount': programme._from_cents(need_amount) if need_amount else None,
            'need_count': need_count or None,
            'missing_amount': None if amount is None else programme._from_cents(amount),
            'missing_count': count,
        }

    @staticmethod
    def _purchase_domain(programme, partner_id, start, end):
        """Return the domain of the purchases in a window."""
        domain = [
            ('partner_id', '=', partner_id),
            ('company_id', '=', programme.company_id.id),
            ('date', '<=', end),
        ]
        return [*domain, ('date', '>=', start)] if start else domain

    # === WORDS ===#

    def _explanation_lines(self, fact):
        """Return the facts as sentences."""
        lines = [self._window_line(fact)]
        if fact.get('next_tier'):
            lines.append(
                self.env._(
                    'To %(tier)s: %(missing)s more.',
                    tier=fact['next_tier'].name,
                    missing=self._missing_words(fact),
                )
            )
        else:
            lines.append(self.env._('This is the highest tier.'))
        if keep := fact.get('keep'):
            lines.append(self._keep_line(keep))
        if self.override_until:
            lines.append(
                self.env._(
                    '%(tier)s was given by %(user)s and holds to %(day)s.',
                    tier=self.override_tier_id.name,
                    user=self.override_user_id.name or '',
                    day=self._day(self.override_until - timedelta(days=1)),
                )
            )
        if self.held_by_override:
            lines.append(self._own_line())
        return lines

    def _window_line(self, fact):
        values = {
            'tier': self.tier_id.name,
            'amount': self.currency_id.format(fact['amount']),
            'count': fact['count'],
            'end': self._day(fact['end']),
        }
        if not fact['start']:
            return self.env._(
                '%(tier)s. Purchases up to %(end)s: %(count)s, together %(amount)s.', **values
            )
        return self.env._(
            '%(tier)s. Purchases from %(start)s to %(end)s: %(count)s, together %(amount)s.',
            start=self._day(fact['start']),
            **values,
        )

    def _keep_line(self, keep):
        """Return what it takes to keep the tier."""
        values = {'tier': self.tier_id.name, 'day': self._day(keep['end'])}
        if keep['kept']:
            return self.env._(
                '%(tier)s is kept beyond %(day)s: enough was bought since %(start)s.',
                start=self._day(keep['start']),
                **values,
            )
        return self.env._(
            'To keep %(tier)s: %(missing)s more up to %(day)s; %(amount)s since %(start)s count.',
            missing=self._missing_words(keep),
            amount=self.currency_id.format(keep['amount']),
            start=self._day(keep['start']),
            **values,
        )

    def _own_line(self):
        """Return which tier the member has by the rules, while a better one was given."""
        values = {'tier': self.own_tier_id.name}
        if not self.own_valid_until:
            return self.env._('By the rules: %(tier)s.', **values)
        last = self.own_grace_until or self.own_valid_until
        return self.env._(
            'By the rules: %(tier)s to %(day)s.',
            day=self._day(last - timedelta(days=1)),
            **values,
        )

    def _missing_words(self, fact):
        """Return what is missing in words, as the programme connects amount and number."""
        amount, count = fact['missing_amount'], fact['missing_count']
        return self.programme_id.sudo()._threshold_words(  # sudo: words only
            self.currency_id.format(amount) if amount else False, count
        )

    def _day(self, day):
        return format_date(self.env, day)
