from odoo import api, models
from odoo.tools import SQL

#: Figure of the profile from which on a customer is silent.
_SILENCE = {'watch': 'watch_on', 'alert': 'alert_on', 'lapse': 'lapse_on'}


class RetailCareTriggerContact(models.Model):
    """Care rules about customers who do not come, or were not heard of (S-FUP-01, S-CLV-05), and about visits.

    How long nobody spoke with a customer may be depends on the policy of his class, tier or segment (S-FUP-14):
    policies are put into the statement as one CASE, in their order.
    """

    _inherit = 'retail.care.rule'

    def _sql_silence(self, company, first, last, partner_ids):
        """Return the day from which a customer is late by the own interval, once per last purchase."""
        column = SQL.identifier('profile', _SILENCE[self.silence or 'watch'])
        return self._sql_of_profile(column, 'silence', company, first, last, partner_ids)

    def _sql_expected(self, company, first, last, partner_ids):
        """Return the day on which the next purchase of a customer is expected, once per last purchase."""
        column = SQL.identifier('profile', 'expected_next_date')
        return self._sql_of_profile(column, 'expected', company, first, last, partner_ids)

    def _sql_of_profile(self, column, word, company, first, last, partner_ids):
        """Return a day of the profiles; the occasion is the last purchase: a later one begins anew."""
        low, high = self._anchor_window(first, last)
        return SQL(
            """SELECT profile.partner_id, %(column)s, %(word)s || profile.last_order_date, 'res.partner', profile.partner_id
                 FROM retail_profile AS profile
                WHERE profile.company_id = %(company)s AND %(column)s BETWEEN %(low)s AND %(high)s
                  AND profile.last_order_date IS NOT NULL %(only)s""",
            column=column,
            word=f'{word}:',
            company=company.id,
            low=low,
            high=high,
            only=self._sql_only(SQL('profile.partner_id'), partner_ids),
        )

    # === INTERVAL OF THE POLICY ===#

    def _sql_interval(self, company, first, last, partner_ids):
        """Return the days on which a customer was not heard of for the days of the policy, or a multiple of them.

        A customer who is overdue already comes at the next multiple: nobody waits for ever, and nobody is called each
        day. Without any contact there is nothing to count from.
        """
        low, high = self._anchor_window(first, last)
        days = self.env['retail.policy']._sql_answer('contact_days', company)
        if days is None:
            return self._sql_none()
        return SQL(
            """SELECT heard.partner_id, heard.day + heard.days * turn.number,
                      'interval:' || heard.day || ':' || turn.number, 'res.partner', heard.partner_id
                 FROM (SELECT contact.partner_id, contact.day, %(days)s AS days
                         FROM (SELECT partner_id, max(day) AS day FROM (%(contacts)s) AS contacts(partner_id, day)
                                WHERE partner_id IS NOT NULL %(only)s GROUP BY partner_id) AS contact
                         JOIN res_partner AS person ON person.id = contact.partner_id
                         LEFT JOIN retail_profile AS profile
                           ON profile.partner_id = contact.partner_id AND profile.company_id = %(company)s) AS heard
                CROSS JOIN LATERAL generate_series(
                      GREATEST(1, -((heard.day - %(low)s::date) / heard.days)), (%(high)s::date - heard.day) / heard.days)
                   AS turn(number)
                WHERE heard.days > 0 AND heard.day + heard.days * turn.number BETWEEN %(low)s AND %(high)s""",
            days=days,
            contacts=self._sql_contacts(company),
            company=company.id,
            low=low,
            high=high,
            only=self._sql_only(SQL('partner_id'), partner_ids),
        )

    def _sql_contacts(self, company):
        """Hook: return the SELECT ``(commercial partner, local day)`` of all contacts with customers of a company."""
        zone, tree = company._retail_timezone(), self.env['retail.segment']._company_tree(company)
        return SQL(
            """SELECT partner_id, last_order_date FROM retail_profile
                WHERE company_id = %(company)s AND last_order_date IS NOT NULL
                UNION ALL
               SELECT partner.commercial_partner_id, (touch.date AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date
                 FROM retail_touch AS touch JOIN res_partner AS partner ON partner.id = touch.partner_id
                WHERE touch.company_id = ANY(%(tree)s)
                UNION ALL
               SELECT partner.commercial_partner_id, (ticket.received_at AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date
                 FROM retail_ticket AS ticket JOIN res_partner AS partner ON partner.id = ticket.partner_id
                WHERE ticket.company_id = ANY(%(tree)s) AND ticket.received_at IS NOT NULL
                  AND ticket.is_internal IS NOT TRUE
                UNION ALL
               SELECT commercial_partner_id, (contacted_at AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date
                 FROM retail_followup WHERE company_id = %(company)s AND contacted_at IS NOT NULL""",
            company=company.id,
            zone=zone,
            tree=tree,
        )

    # === VISITS ===#

    def _sql_visit(self, company, first, last, partner_ids):
        """Return visits that were logged, each once."""
        low, high = self._anchor_window(first, last)
        return self._sql_of_days(
            SQL(
                """SELECT touch.partner_id, touch.date AS at, 'visit:' || touch.id AS occurrence,
                          'retail.touch' AS res_model, touch.id AS res_id
                     FROM retail_touch AS touch WHERE touch.kind = 'visit' AND touch.company_id = ANY(%s)""",
                self.env['retail.segment']._company_tree(company),
            ),
            company,
            low,
            high,
            partner_ids,
        )

    def _sql_no_show(self, company, first, last, partner_ids):
        """Return appointments to which nobody came; another date of the same request is another occasion."""
        low, high = self._anchor_window(first, last)
        return self._sql_of_days(
            SQL(
                """SELECT ticket.partner_id, ticket.appointment_at AS at,
                          'no_show:' || ticket.id || ':' || ticket.appointment_at AS occurrence,
                          'retail.ticket' AS res_model, ticket.id AS res_id
                     FROM retail_ticket AS ticket
                    WHERE ticket.appointment_state = 'no_show' AND ticket.partner_id IS NOT NULL
                      AND ticket.appointment_at IS NOT NULL AND ticket.merged_into_id IS NULL
                      AND ticket.company_id = ANY(%s)""",
                self.env['retail.segment']._company_tree(company),
            ),
            company,
            low,
            high,
            partner_ids,
        )

    def _sql_of_days(self, events, company, low, high, partner_ids):
        """Return events at an instant ``at`` with their local day, of the days from low to high."""
        zone = company._retail_timezone()
        return SQL(
            """SELECT event.partner_id, local.day, event.occurrence, event.res_model, event.res_id
                 FROM (%(events)s) AS event
                CROSS JOIN LATERAL (SELECT (event.at AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date) AS local(day)
                WHERE event.at >= %(start)s AND event.at < %(end)s::timestamp + interval '1 day'
                  AND local.day BETWEEN %(low)s AND %(high)s %(only)s""",
            events=events,
            zone=zone,
            start=self._utc(low, zone),
            end=self._utc(high, zone),
            low=low,
            high=high,
            only=self._sql_only(SQL('event.partner_id'), partner_ids),
        )

    # === PROMOTIONS ===#

    def _sql_promotion(self, company, first, last, partner_ids):
        """Return the first day of promotions that run, for the customers of their segments and tiers (S-FUP-06)."""
        low, high = self._anchor_window(first, last)
        own = SQL('AND offer.id = %s', self.offer_id.id) if self.offer_id else SQL()
        return SQL(
            """SELECT person.id, offer.date_from, 'promotion:' || offer.id, 'retail.offer', offer.id
                 FROM retail_offer AS offer CROSS JOIN res_partner AS person
                WHERE offer.active AND offer.state = 'running' AND offer.kind = 'promotion' AND offer.company_id = %(company)s
                  AND offer.date_from BETWEEN %(low)s AND %(high)s AND person.retail_customer AND person.active %(own)s
                  AND (NOT EXISTS (SELECT FROM retail_offer_segment_rel AS meant WHERE meant.offer_id = offer.id)
                       OR EXISTS (SELECT FROM retail_offer_segment_rel AS meant
                            JOIN retail_segment_member AS member ON member.segment_id = meant.segment_id
                             AND member.left_on IS NULL
                           WHERE meant.offer_id = offer.id AND member.partner_id = person.commercial_partner_id))
                  AND (NOT EXISTS (SELECT FROM retail_offer_tier_rel AS meant WHERE meant.offer_id = offer.id)
                       OR EXISTS (SELECT FROM retail_offer_tier_rel AS meant
                            JOIN retail_membership AS member ON member.tier_id = meant.tier_id
                             AND member.company_id = offer.company_id AND member.left_on IS NULL
                           WHERE meant.offer_id = offer.id AND member.partner_id = person.commercial_partner_id))
                  %(only)s""",
            company=company.id,
            low=low,
            high=high,
            own=own,
            only=self._sql_only(SQL('person.id'), partner_ids),
        )

    # === AT ONCE ===#

    @api.model
    def _plan_at_once(self, trigger, partners):
        """Plan the running rules of a trigger for some contacts now, not with the next daily planning."""
        # sudo: follow-ups are the system's to plan
        rules = self.sudo().search([('trigger', '=', trigger), ('state', '=', 'on')])
        return rules._plan(partners=partners) if rules and partners else 0


class RetailTicket(models.Model):
    """Who did not come to an appointment is called on the same day."""

    _inherit = 'retail.ticket'

    def write(self, vals):
        result = super().write(vals)
        if vals.get('appointment_state') == 'no_show':
            self.env['retail.care.rule']._plan_at_once('no_show', self.partner_id)
        return result
