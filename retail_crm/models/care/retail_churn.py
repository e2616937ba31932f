from odoo import api, models
from odoo.tools import SQL

#: Days after the end of a window in which its outcome is looked at again: documents come late.
LATE_DAYS = 7


class RetailChurn(models.AbstractModel):
    """What became of customers who were about to leave: derives the outcome of churn interventions (docs/care-churn.md).

    Always derived from purchases, profiles and what staff noted, never added up: telling it twice changes nothing, and a
    purchase that is returned takes the outcome back.
    """

    _name = 'retail.churn'
    _description = 'Outcome of Churn Interventions'

    # === MOMENTS ===#

    def _on_purchase(self, moments):
        """Have outcomes follow what was bought or given back, and tell owners whose customers are back."""
        saved = self._settle(moments.partner_id.commercial_partner_id.ids)
        if loud := moments.filtered(lambda moment: not moment.quiet):
            partners = loud.partner_id.commercial_partner_id
            saved.filtered(lambda one: one.commercial_partner_id in partners)._tell_saved()

    _on_purchase_changed = _on_purchase
    _on_refund = _on_purchase
    _on_cancel = _on_purchase
    _on_followup_done = _on_purchase

    def _on_came_back(self, moments):
        """Tell advisers that lapsed customers bought again; owners of interventions were told by the purchase."""
        partners = moments.filtered(lambda moment: not moment.quiet).partner_id
        self._on_purchase(moments)
        saved = self.env['retail.followup'].search(
            [
                ('commercial_partner_id', 'in', partners.commercial_partner_id.ids),
                ('family', '=', 'churn'),
                ('outcome', '=', 'saved'),
                ('user_id', '!=', False),
                ('state', '!=', 'held'),
            ]
        )
        told = {(one.commercial_partner_id, one.user_id) for one in saved}
        for partner in partners.filtered('retail_adviser_id'):
            adviser = partner.retail_adviser_id
            if (partner.commercial_partner_id, adviser) not in told:
                partner.message_notify(
                    partner_ids=adviser.partner_id.ids,
                    subject=self.env._('%(name)s is back', name=partner.display_name),
                    body=self.env._(
                        'Your customer %(name)s had stayed away for long and bought again.',
                        name=partner.display_name,
                    ),
                )

    @api.model
    def _cron_settle(self):
        """Close the windows that ended, and note who lapsed: once a night."""
        self._settle()

    # === SETTLING ===#

    @api.model
    def _settle(self, partner_ids=None):
        """Bring the outcome of interventions up to date, in one statement.

        :param partner_ids: customers (commercial partners); None: whatever time may have changed
        :return: the follow-ups that came to be saved
        """
        if partner_ids is not None and not partner_ids:
            return self.env['retail.followup']
        for model in (
            'retail.followup',
            'retail.purchase',
            'retail.profile',
            'retail.care.rule',
            'res.company',
        ):
            self.env[model].flush_model()
        # to compile it would take longer than it runs
        self.env.cr.execute(SQL("SELECT set_config('jit', 'off', true)"))
        rows = self.env.execute_query(
            SQL(
                """
                UPDATE retail_followup AS followup
                   SET outcome = fresh.outcome, outcome_until = fresh.until, churn_level = fresh.level,
                       outcome_on = CASE WHEN fresh.outcome = 'lost' AND followup.outcome = 'lost'
                                         THEN COALESCE(followup.outcome_on, fresh.day) ELSE fresh.day END
                  FROM (%s) AS fresh
                 WHERE followup.id = fresh.id
                   AND ((followup.outcome, followup.outcome_until, followup.churn_level)
                        IS DISTINCT FROM (fresh.outcome, fresh.until, fresh.level)
                        OR fresh.outcome = 'saved' AND followup.outcome_on IS DISTINCT FROM fresh.day)
                RETURNING followup.id, fresh.outcome = 'saved' AND fresh.before IS DISTINCT FROM 'saved'
                """,
                self._sql_outcomes(self._sql_pending(partner_ids)),
            )
        )
        if rows:
            self.env['retail.followup'].invalidate_model(
                ['outcome', 'outcome_on', 'outcome_until', 'churn_level']
            )
        return self.env['retail.followup'].browse(number for number, is_new in rows if is_new)

    # === SQL ===#

    @api.model
    def _sql_companies(self):
        """Return ``(id, zone, today, days)`` of the companies, as VALUES."""
        roots = self.env['res.company']._retail_roots()
        return SQL(', ').join(
            SQL(
                '(%s, %s, %s::date, %s)',
                company.id,
                company._retail_timezone(),
                company._retail_today(),
                company.retail_care_save_days,
            )
            for company in roots
        )

    @api.model
    def _sql_pending(self, partner_ids):
        """Return which interventions are looked at: those of customers, or those that time may change."""
        if partner_ids is not None:
            return SQL('one.commercial_partner_id = ANY(%s)', list(partner_ids))
        return SQL(
            """(one.outcome = 'open' OR one.outcome_until >= company.today - %s
                OR one.outcome IS NULL AND (one.state IN ('planned', 'todo', 'failed', 'held')
                                            OR one.contacted_at IS NOT NULL))""",
            LATE_DAYS,
        )

    @api.model
    def _sql_interventions(self, which):
        """Return the SELECT of churn follow-ups with the days of their window.

        ``start``: local day of the contact, of the control group the due day; empty when nobody was contacted.
        """
        return SQL(
            """
            SELECT one.id, one.commercial_partner_id, one.company_id, one.state, one.outcome, one.given_up_on,
                   one.due_on, company.today, start.day AS start,
                   COALESCE(start.day, one.given_up_on) + days.number AS until, days.number AS days,
                   COALESCE(CASE WHEN rule.trigger = 'silence' THEN rule.silence END, one.churn_level, 'other') AS level
              FROM retail_followup AS one
              JOIN (VALUES %(companies)s) AS company (id, zone, today, days) ON company.id = one.company_id
              LEFT JOIN retail_care_rule AS rule ON rule.id = one.rule_id
             CROSS JOIN LATERAL (SELECT COALESCE(NULLIF(rule.save_days, 0), company.days)) AS days (number)
             CROSS JOIN LATERAL (
                   SELECT CASE WHEN one.state = 'held' THEN one.due_on
                               WHEN one.contacted_at IS NOT NULL AND one.state NOT IN ('skipped', 'failed', 'cancelled')
                                AND COALESCE(one.result, '') NOT IN ('not_reached', 'wrong_address')
                               THEN timezone(company.zone, timezone('UTC', one.contacted_at))::date END) AS start (day)
             WHERE one.family = 'churn' AND %(which)s
            """,
            companies=self._sql_companies(),
            which=which,
        )

    @api.model
    def _sql_outcomes(self, which):
        """Return the SELECT ``(id, before, until, level, outcome, day)``; the first rule that fits decides."""
        return SQL(
            """
            SELECT one.id, one.outcome AS before, one.until, one.level,
                   CASE WHEN bought.day IS NOT NULL THEN 'saved'
                        WHEN one.given_up_on IS NOT NULL OR left_on.day <= one.today OR one.until < one.today THEN 'lost'
                        WHEN one.start IS NOT NULL OR one.state IN ('planned', 'todo', 'failed') THEN 'open'
                   END AS outcome,
                   CASE WHEN bought.day IS NOT NULL THEN bought.day
                        WHEN one.given_up_on IS NOT NULL THEN one.given_up_on
                        WHEN left_on.day <= one.today THEN left_on.day
                        WHEN one.until < one.today THEN one.until + 1
                   END AS day
              FROM (%s) AS one
              LEFT JOIN LATERAL (
                   SELECT min(purchase.date) AS day FROM retail_purchase AS purchase
                    WHERE purchase.partner_id = one.commercial_partner_id AND purchase.company_id = one.company_id
                      AND purchase.counts AND purchase.date <= one.today
                      AND purchase.date BETWEEN COALESCE(one.start, one.given_up_on) AND one.until) AS bought ON true
              LEFT JOIN LATERAL (
                   SELECT min(entered.day) AS day
                     FROM retail_profile AS profile
                    CROSS JOIN LATERAL (VALUES (profile.lapse_on), (profile.lost_on)) AS entered (day)
                    WHERE profile.partner_id = one.commercial_partner_id AND profile.company_id = one.company_id
                      AND profile.last_order_date < one.start
                      AND entered.day > one.start AND entered.day <= one.until) AS left_on ON true
            """,
            self._sql_interventions(which),
        )


class RetailMoment(models.Model):
    """Outcomes of churn interventions follow purchases, after figures did; warnings follow complaints."""

    _inherit = 'retail.moment'

    @api.model
    def _listeners(self):
        listeners = super()._listeners()
        for kind in (
            'purchase',
            'purchase_changed',
            'refund',
            'cancel',
            'came_back',
            'followup_done',
        ):
            listeners.setdefault(kind, []).append('retail.churn')
        for kind in ('ticket_solved', 'ticket_reopened', 'ticket_archived'):
            listeners.setdefault(kind, []).append('retail.profile')
        return listeners
