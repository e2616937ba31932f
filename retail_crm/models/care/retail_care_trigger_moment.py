from datetime import timedelta

from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..customer.retail_moment import KEEP_DAYS, KINDS

#: Moments that happen once to a document, even when its state goes back and forth.
ONCE_KINDS = {
    'purchase',
    'paid',
    'delivered',
    'enrolled',
    'referral_purchased',
    'ticket_opened',
}
#: Days after a moment up to which a rule can still find it: done moments are removed after a while.
MAX_DELAY = KEEP_DAYS - 10


class RetailCareTriggerMoment(models.Model):
    """Care rules about something that happened: planned when it is told, and by the daily run when due later.

    The moments of imports (``quiet``) plan nothing.
    """

    _inherit = 'retail.care.rule'

    @api.constrains('trigger', 'delay_days', 'late_days')
    def _check_moment_days(self):
        if any(rule.trigger == 'moment' and not 0 <= rule.delay_days <= MAX_DELAY for rule in self):
            raise ValidationError(
                self.env._(
                    'A contact about something that happened is due 0 to %(days)s days after it.',
                    days=MAX_DELAY,
                )
            )

    def _sql_moment(self, company, first, last, partner_ids):
        """Return moments of the rule's kind: an occasion is a document, on a day where it may happen again."""
        zone = company._retail_timezone()
        delay = timedelta(days=self.delay_days + 1)  # a day of UTC is not a day of the company
        low, high = first - delay, last - delay + timedelta(days=2)
        day = SQL("(moment.date AT TIME ZONE 'UTC' AT TIME ZONE %s)::date", zone)
        occurrence = SQL("moment.kind || ':' || moment.res_model || ':' || moment.res_id")
        if self.moment_kind not in ONCE_KINDS:
            occurrence = SQL("%s || ':' || %s", occurrence, day)
        # while they are told moments wait still; the daily run sees those that were told
        only = (
            SQL("moment.state = 'done'")
            if partner_ids is None
            else SQL('moment.partner_id = ANY(%s)', partner_ids)
        )
        return SQL(
            """SELECT moment.partner_id, %s, %s, moment.res_model, moment.res_id
                 FROM retail_moment AS moment
                WHERE moment.kind = %s AND moment.date >= %s AND moment.date < %s AND %s
                  AND moment.partner_id IS NOT NULL AND moment.listener IS NULL AND NOT coalesce(moment.quiet, false)
                  AND moment.company_id = ANY(%s)""",
            day,
            occurrence,
            self.moment_kind,
            low,
            high + timedelta(days=1),
            only,
            self.env['retail.segment']._company_tree(company),
        )

    # === LISTENING ===#

    @api.model
    def _moment_triggers(self):
        """Hook: return ``{kind: {trigger, ...}}`` of the triggers that are planned at once when a kind is told."""
        return {}

    @api.model
    def _on_any(self, moments):
        """Plan for the customers of these moments; one query when no rule listens."""
        moments = moments.filtered(lambda moment: not moment.quiet and moment.partner_id)
        if not moments:
            return
        by_kind = moments.grouped('kind')
        triggers = self._moment_triggers()
        wanted = set().union(*(triggers.get(kind, ()) for kind in by_kind))
        # sudo: system process
        rules = self.sudo().search(
            [
                ('state', '=', 'on'),
                '|',
                '&',
                ('trigger', '=', 'moment'),
                ('moment_kind', 'in', list(by_kind)),
                ('trigger', 'in', list(wanted)),
            ]
        )
        for rule in rules:
            if rule.trigger == 'moment':
                partners = by_kind[rule.moment_kind].partner_id
            else:
                partners = self.env['res.partner'].union(
                    *(
                        group.partner_id
                        for kind, group in by_kind.items()
                        if rule.trigger in triggers.get(kind, ())
                    )
                )
            rule._plan(partners=partners)


# Failed moments are told again alone, by the method of their kind.
for _kind, _label in KINDS:
    setattr(RetailCareTriggerMoment, f'_on_{_kind}', RetailCareTriggerMoment._on_any)
