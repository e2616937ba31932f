from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools import SQL

from ..service.retail_ticket_stage import OPEN_CATEGORIES
from ._sending import USUAL_LATE_DAYS, Verdict, skip, wait

#: Triggers whose anchor is a purchase: a purchase of that day is the cause, not yet the goal.
PURCHASE_TRIGGERS = ('purchase', 'delivery', 'second_purchase', 'refill')
PURCHASE_MOMENTS = ('purchase', 'purchase_changed', 'paid', 'delivered')


class RetailFollowupGates(models.Model):
    """What a follow-up passes before it leaves, one gate after another; the first that is shut decides.

    Each gate looks at any number of follow-ups in a fixed number of queries and changes nothing, so that whoever asks
    "why not" gets the answer that the sending would give. Gates that depend on what else leaves are in
    ``retail_followup_turn.py``.
    """

    _inherit = 'retail.followup'

    @api.model
    def _gates(self):
        """Hook: return the names of the gates, in their order.

        Each gets the ``Sending`` and returns ``{id: Verdict}`` of the follow-ups that do not pass.
        """
        return [
            '_gate_company',
            '_gate_rule',
            '_gate_goal',
            '_gate_late',
            '_gate_customer',
            '_gate_pause',
            '_gate_minor',
            '_gate_day',
            '_gate_store',
            '_gate_complaint',
        ]

    def _marketing(self):
        return self.filtered(lambda one: one.purpose == 'marketing')

    def _gate_company(self, sending):
        """The company, or the branch whose customer it is, is archived: nobody speaks for it any more."""
        verdicts = {}
        for followup in self:
            # sudo: companies of customers
            own = followup.partner_id.sudo().commercial_partner_id.company_id
            if not sending.company(followup.company_id).active or (own and not own.active):
                verdicts[followup.id] = skip('company_archived')
        return verdicts

    # === RULE AND GOAL ===#

    def _gate_rule(self, _sending):
        """The rule is off, archived or has failed; of a failed one the follow-ups wait until it is started again."""
        verdicts = {}
        for followup in self.filtered('rule_id'):
            rule = followup.rule_id
            if rule.state == 'failed':
                verdicts[followup.id] = wait('rule_failed', at=followup.try_at)
            elif rule.state != 'on' or not rule.active:
                verdicts[followup.id] = skip('rule_off')
        return verdicts

    def _gate_goal(self, _sending):
        """The customer has done since the anchor what the rule wants of him."""
        reached = set()
        for goal, followups in self.grouped(lambda one: one.rule_id.goal).items():
            if goal and goal != 'none':
                reached |= followups._goal_reached(goal)
        return {number: Verdict('stopped', 'goal') for number in reached}

    def _goal_reached(self, goal):
        """Hook: return the ids of follow-ups whose goal was reached since their anchor."""
        if goal == 'purchase':
            return self._goal_purchase()
        answer = {
            'reply': SQL("other.reaction = 'replied'"),
            'reached': SQL("other.result = 'reached'"),
        }
        if goal not in answer:
            return set()
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT followup.id FROM retail_followup AS followup
                 WHERE followup.id = ANY(%s)
                   AND EXISTS (SELECT FROM retail_followup AS other
                                WHERE other.rule_id = followup.rule_id AND other.partner_id = followup.partner_id
                                  AND other.id != followup.id AND other.anchor_on >= followup.anchor_on AND %s)
                """,
                self.ids,
                answer[goal],
            )
        )
        return {number for (number,) in rows}

    def _goal_purchase(self):
        """Return the ids of those whose customer bought after the anchor."""
        self.flush_model()
        self.env['retail.purchase'].flush_model()
        self.env['retail.care.rule'].flush_model(['trigger', 'moment_kind'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT followup.id
                  FROM retail_followup AS followup
                  LEFT JOIN retail_care_rule AS rule ON rule.id = followup.rule_id
                 WHERE followup.id = ANY(%(ids)s)
                   AND EXISTS (
                       SELECT FROM retail_purchase AS purchase
                        WHERE purchase.partner_id = followup.commercial_partner_id
                          AND purchase.company_id = followup.company_id AND purchase.counts
                          AND (purchase.date > followup.anchor_on
                               OR purchase.date = followup.anchor_on
                                  AND COALESCE(rule.trigger, '') NOT IN %(triggers)s
                                  AND COALESCE(rule.moment_kind, '') NOT IN %(moments)s))
                """,
                ids=self.ids,
                triggers=PURCHASE_TRIGGERS,
                moments=PURCHASE_MOMENTS,
            )
        )
        return {number for (number,) in rows}

    def _gate_late(self, sending):
        """Too many days have passed since the due day; what it has waited for is the reason."""
        verdicts = {}
        for followup in self.filtered('due_on'):
            rule = followup.rule_id
            late_days = rule.late_days if rule else USUAL_LATE_DAYS
            if followup.hard_date:
                late_days = 0
            last = followup.due_on + timedelta(days=late_days)
            if sending.day(followup.company_id) > last:
                verdicts[followup.id] = skip(followup.reason or 'late', followup.reason_text or '')
        return verdicts

    # === CUSTOMER ===#

    def _gate_customer(self, _sending):
        """The contact is archived, anonymised, no customer, one of the staff or a company of ours."""
        self.flush_recordset(['partner_id', 'commercial_partner_id', 'rule_id'])
        self.env['res.partner'].flush_model(['active', 'retail_customer', 'retail_anonymised_on'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT followup.id
                  FROM retail_followup AS followup
                  JOIN res_partner AS contact ON contact.id = followup.partner_id
                  JOIN res_partner AS customer ON customer.id = contact.commercial_partner_id
                 WHERE followup.id = ANY(%s)
                   AND (contact.active IS NOT TRUE OR contact.retail_anonymised_on IS NOT NULL
                        OR followup.rule_id IS NOT NULL
                           AND (customer.active IS NOT TRUE OR customer.retail_customer IS NOT TRUE
                                OR EXISTS (SELECT FROM res_users AS employee
                                            WHERE employee.partner_id = contact.id
                                              AND employee.active AND employee.share IS NOT TRUE)
                                OR EXISTS (SELECT FROM res_company AS own WHERE own.partner_id = customer.id)))
                """,
                self.ids,
            )
        )
        return {number: skip('not_customer') for (number,) in rows}

    def _gate_pause(self, _sending):
        """Hook: contacts are paused for the customer."""
        return {}

    def _gate_minor(self, sending):
        """Marketing: the customer is too young by his date of birth, where the whole of it is known."""
        verdicts = {}
        for followup in self._marketing():
            # sudo: the date of birth decides, nobody is told it
            born_on = followup.partner_id.sudo().birthday
            age = sending.company(followup.company_id).retail_care_minor_age
            if born_on and born_on > sending.day(followup.company_id) - relativedelta(years=age):
                verdicts[followup.id] = skip('minor')
        return verdicts

    # === DAYS, STORES, COMPLAINTS ===#

    def _gate_day(self, sending):
        """Marketing: nobody is contacted today (occasions of the kind ``no_contact``)."""
        verdicts = {}
        for company, followups in self._marketing().grouped('company_id').items():
            if name := self._no_contact_day(company, sending.day(company)):
                verdicts.update({number: wait('no_contact_day', name) for number in followups.ids})
        return verdicts

    @api.model
    def _no_contact_day(self, _company, _day):
        """Hook: return the name of the occasion for which nobody is contacted on a day, or nothing."""
        return ''

    def _gate_store(self, _sending):
        """Marketing: a major case of the customer's store is open."""
        followups = self._marketing().filtered('store_id')
        if not followups:
            return {}
        # sudo: restricted tickets stop contacts too, without being shown
        tickets_sudo = self.env['retail.ticket'].sudo()
        rows = tickets_sudo._read_group(
            [
                ('store_id', 'in', followups.store_id.ids),
                ('is_major', '=', True),
                ('category', 'in', OPEN_CATEGORIES),
            ],
            ['store_id'],
        )
        closed = {store.id for (store,) in rows}
        return {one.id: wait('store_closed') for one in followups if one.store_id.id in closed}

    def _gate_complaint(self, _sending):
        """Nothing but service while a complaint, a recovery or a major case of the customer is open."""
        followups = self.filtered(lambda one: one.purpose != 'service')
        if not followups:
            return {}
        # sudo: as in _gate_store
        tickets_sudo = self.env['retail.ticket'].sudo()
        rows = tickets_sudo._read_group(
            [
                ('commercial_partner_id', 'in', followups.commercial_partner_id.ids),
                ('category', 'in', OPEN_CATEGORIES),
                '|',
                '|',
                ('is_complaint', '=', True),
                ('is_major', '=', True),
                ('type_id.code', '=', 'recovery'),
            ],
            ['commercial_partner_id', 'company_id'],
        )
        open_ones = {(partner.id, company.root_id.id) for partner, company in rows}
        return {
            one.id: wait('complaint')
            for one in followups
            if (one.commercial_partner_id.id, one.company_id.id) in open_ones
        }
