from odoo import api, fields, models
from odoo.tools import SQL

#: Follow-ups of one transaction.
BATCH_SIZE = 5000


class RetailFollowupReaction(models.Model):
    """What customers did after a contact, within the days of reaction of its rule: bought, came, answered (S-FUP-13).

    Purchases and visits are read from what is there anyway, for all contacts whose days are running, so a return within
    them takes its revenue back; when the days are over the figures stay. A purchase is the strongest reaction.
    """

    _inherit = 'retail.followup'

    #: contacts whose days of reaction are running
    _contacted_idx = models.Index('(contacted_at) WHERE contacted_at IS NOT NULL')

    @api.model
    def _note_reactions(self, now=None, after_batch=None):
        """Note the reactions to what was sent lately, and return how many contacts changed.

        :param after_batch: function of the number of contacts, called after each batch; it commits and returns whether
            there is time for more
        """
        now, changed, last = now or fields.Datetime.now(), 0, 0
        followups_sudo = self.sudo()  # sudo: system process
        self.env.flush_all()
        while numbers := followups_sudo._reacting_ids(now, last):
            changed += followups_sudo._note_purchases(numbers)
            changed += followups_sudo._note_visits(numbers)
            changed += followups_sudo._note_calls(numbers)
            last = numbers[-1]
            if after_batch and not after_batch(len(numbers)):
                break
        self.env['retail.followup'].invalidate_model(
            ['reaction', 'reacted_at', 'order_id', 'revenue']
        )
        return changed

    @api.model
    def _reacting_ids(self, now, last):
        """Return the next ids of contacts whose days of reaction are running; a day more, for what came late."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT followup.id
                  FROM retail_followup AS followup
                  LEFT JOIN retail_care_rule AS rule ON rule.id = followup.rule_id
                 WHERE followup.id > %(last)s AND followup.contacted_at <= %(now)s
                   AND followup.contacted_at >= (
                       SELECT %(now)s - make_interval(days => COALESCE(MAX(reaction_days), 14) + 2)
                         FROM retail_care_rule)
                   AND followup.contacted_at
                       >= %(now)s - make_interval(days => COALESCE(rule.reaction_days, 14) + 2)
                 ORDER BY followup.id LIMIT %(limit)s
                """,
                last=last,
                now=now,
                limit=BATCH_SIZE,
            )
        )
        return [number for (number,) in rows]

    @api.model
    def _sql_window(self, numbers):
        """Return the SELECT of contacts with the first and last day of their reactions, where their company is."""
        zones = {
            company.id: company._retail_timezone()
            for company in self.env['res.company']._retail_roots()
        }
        return SQL(
            """
            SELECT followup.id, followup.commercial_partner_id AS customer_id, followup.company_id,
                   followup.contacted_at, local.day AS first,
                   local.day + COALESCE(rule.reaction_days, 14) AS last
              FROM retail_followup AS followup
              LEFT JOIN retail_care_rule AS rule ON rule.id = followup.rule_id
              JOIN unnest(%s, %s) AS zone(company_id, name) ON zone.company_id = followup.company_id
             CROSS JOIN LATERAL (
                   SELECT (followup.contacted_at AT TIME ZONE 'UTC' AT TIME ZONE zone.name)::date AS day) AS local
             WHERE followup.id = ANY(%s)
            """,
            list(zones),
            list(zones.values()),
            numbers,
        )

    @api.model
    def _note_purchases(self, numbers):
        """Note purchases after the contacts; of the same day only orders that were placed later."""
        self.env.cr.execute(
            SQL(
                """
                WITH contact AS (%(window)s),
                found AS (
                    SELECT contact.id, SUM(purchase.amount) AS revenue, MIN(purchase.date) AS day,
                           (array_agg(placed.id ORDER BY purchase.date, placed.date_order, placed.id)
                                FILTER (WHERE placed.id IS NOT NULL))[1] AS order_id
                      FROM contact
                      JOIN retail_purchase AS purchase
                        ON purchase.partner_id = contact.customer_id AND purchase.company_id = contact.company_id
                       AND purchase.counts AND purchase.date BETWEEN contact.first AND contact.last
                      LEFT JOIN sale_order AS placed
                        ON purchase.res_model = 'sale.order' AND placed.id = purchase.res_id
                     WHERE purchase.date > contact.first OR placed.date_order >= contact.contacted_at
                     GROUP BY contact.id),
                state AS (
                    SELECT contact.id, COALESCE(found.revenue, 0) AS revenue, found.order_id, found.day,
                           found.id IS NOT NULL AS has_bought, contact.contacted_at
                      FROM contact LEFT JOIN found ON found.id = contact.id)
                UPDATE retail_followup AS followup
                   SET revenue = state.revenue, order_id = state.order_id,
                       reaction = CASE WHEN state.has_bought THEN 'bought' ELSE 'none' END,
                       reacted_at = CASE WHEN state.has_bought
                                         THEN COALESCE((SELECT GREATEST(date_order, state.contacted_at) FROM sale_order
                                                         WHERE sale_order.id = state.order_id),
                                                       state.day + time '12:00') END
                  FROM state
                 WHERE state.id = followup.id
                   AND (state.has_bought OR followup.reaction = 'bought')
                   AND (COALESCE(followup.revenue, 0), COALESCE(followup.order_id, 0), followup.reaction = 'bought')
                       IS DISTINCT FROM (state.revenue, COALESCE(state.order_id, 0), state.has_bought)
                """,
                window=self._sql_window(numbers),
            )
        )
        return self.env.cr.rowcount

    @api.model
    def _note_visits(self, numbers):
        """Note that customers came to a store after the contact."""
        self.env.cr.execute(
            SQL(
                """
                WITH contact AS (%s),
                found AS (
                    SELECT contact.id, MIN(touch.date) AS date
                      FROM contact
                      JOIN res_partner AS visitor ON visitor.commercial_partner_id = contact.customer_id
                      JOIN retail_touch AS touch ON touch.partner_id = visitor.id
                       AND touch.kind IN ('visit', 'event')
                       AND touch.date >= contact.contacted_at
                       AND touch.date < contact.contacted_at + make_interval(days => contact.last - contact.first + 1)
                     GROUP BY contact.id)
                UPDATE retail_followup AS followup SET reaction = 'visited', reacted_at = found.date
                  FROM found
                 WHERE found.id = followup.id
                   AND COALESCE(followup.reaction, 'none') IN ('none', 'opened', 'clicked')
                """,
                self._sql_window(numbers),
            )
        )
        return self.env.cr.rowcount

    @api.model
    def _note_calls(self, numbers):
        """Who was spoken to has reacted."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE retail_followup SET reaction = 'replied', reacted_at = contacted_at
                 WHERE id = ANY(%s) AND result = 'reached' AND COALESCE(reaction, 'none') = 'none'
                """,
                numbers,
            )
        )
        return self.env.cr.rowcount

    def _opened(self):
        """Note that customers opened messages in their own area."""
        self.filtered(lambda one: one.reaction in (False, 'none'))._note(
            {'reaction': 'opened', 'reacted_at': fields.Datetime.now()}
        )

    @api.model
    def _cron_react(self):
        """Note what customers did after they were contacted."""
        cron = self.env['ir.cron']
        self._note_reactions(after_batch=lambda count: cron._commit_progress(count))
