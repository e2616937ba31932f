from collections import Counter, defaultdict
from datetime import timedelta

from odoo import models
from odoo.fields import Datetime
from odoo.tools import SQL

from ._hours import day_of, opening, zone_of
from ._ledger import MONTH, Contact, Ledger
from ._sending import Sending, Verdict, skip, wait
from .retail_followup_channel import BY_STAFF


class RetailFollowupTurn(models.Model):
    """Gates that ask what left before: silence, contact limits, quiet hours, capacity.

    Follow-ups are judged one after another in the order of the run, with what was read for all of them at once: what
    passes counts for those behind it, so limits hold within one run too.
    """

    _inherit = 'retail.followup'

    def _judge(self, sending=None):
        """Return ``{id: Verdict}`` of what the sending would do with each of these now, in this order. Writes nothing."""
        sending = sending or Sending(self.env, Datetime.now())
        verdicts, rest = {}, self
        for name in self._gates():
            found = getattr(rest, name)(sending) if rest else {}
            if found:
                verdicts.update(found)
                rest = rest.filtered(lambda one, found=found: one.id not in found)
        if rest:
            verdicts.update(rest._judge_in_turn(sending))
        return {one.id: one._or_never(verdicts[one.id], sending) for one in self}

    def _or_never(self, verdict, sending):
        """Return the verdict of one follow-up with the moment until which it waits; for some that would be too late."""
        if verdict.state != 'planned' or verdict.reason == 'rule_failed':
            return verdict
        at = verdict.at or sending.tomorrow(self)
        if self.hard_date and day_of(at, sending.zone(self.company_id)) > self.due_on:
            return skip(verdict.reason, verdict.text)
        return verdict._replace(at=at)

    def _judge_in_turn(self, sending):
        """Return the verdicts of those that have passed the gates that look at each one alone."""
        reaches = self._reaches()
        by_staff = self.filtered(
            lambda one: reaches[one.id].channel and reaches[one.id].channel.transport in BY_STAFF
        )
        turn = Turn(sending, self, by_staff._owners(sending))
        verdicts = {}
        for followup in self:
            verdict = turn.verdict(followup, reaches[followup.id])
            if verdict.is_go and followup.is_control:
                # not before: who would not have been contacted anyway is nobody to compare with
                verdict = Verdict('held', 'control', at=sending.now)
            if verdict.is_go:
                turn.enter(followup, verdict)
            verdicts[followup.id] = verdict
        return verdicts

    # === WHAT WAS SENT ===#

    def _contact_keys(self):
        """Return the keys of one follow-up's customer in the ledger: the customer, and the address."""
        # sudo: whether two contacts share an address
        email = self.partner_id.sudo().email_normalized
        company = self.company_id.id
        keys = [(company, 'customer', self.commercial_partner_id.id)]
        return [*keys, (company, 'email', email)] if email else keys

    def _ledger(self, sending):
        """Return the contacts that count of these customers and of those who share their addresses, in one query."""
        ledger = Ledger()
        self.flush_model()
        for company, followups in self.grouped('company_id').items():
            day = sending.day(company)
            days = max([MONTH, *sending.limits(company).gaps.values()])
            # sudo: addresses decide, they are not shown
            emails = [*filter(None, followups.sudo().partner_id.mapped('email_normalized'))]
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT id, commercial_partner_id, email_normalized, counted_on, purpose, family
                      FROM retail_followup
                     WHERE counted_on > %(first)s AND counted_on <= %(day)s AND is_expected IS NOT TRUE
                       AND company_id = %(company)s
                       AND (commercial_partner_id = ANY(%(customers)s) OR email_normalized = ANY(%(emails)s))
                    """,
                    first=day - timedelta(days=days),
                    day=day,
                    company=company.id,
                    customers=followups.commercial_partner_id.ids,
                    emails=emails,
                )
            )
            for number, customer, email, counted_on, purpose, family in rows:
                contact = Contact(number, counted_on, purpose, family)
                keys = [(company.id, 'customer', customer)]
                ledger.add([*keys, (company.id, 'email', email)] if email else keys, contact)
        return ledger

    def _silences(self, sending):
        """Return ``{(company, customer): [(day, whether there was a reaction)]}`` of the last marketing contacts."""
        found = defaultdict(list)
        self.flush_model()
        for company, followups in self._marketing().grouped('company_id').items():
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT customer.id, contact.counted_on, contact.reaction
                      FROM unnest(%(customers)s) AS customer(id)
                     CROSS JOIN LATERAL (
                           SELECT counted_on, reaction, id FROM retail_followup
                            WHERE commercial_partner_id = customer.id AND counted_on IS NOT NULL
                              AND purpose = 'marketing' AND company_id = %(company)s
                            ORDER BY counted_on DESC, id DESC LIMIT %(count)s) AS contact
                     ORDER BY customer.id, contact.counted_on DESC, contact.id DESC
                    """,
                    customers=followups.commercial_partner_id.ids,
                    company=company.id,
                    count=sending.company(company).retail_care_silent_count,
                )
            )
            for customer, day, reaction in rows:
                found[company.id, customer].append((day, reaction not in (None, 'none')))
        return found

    def _opened_by_rule(self, sending):
        """Return how many contacts of limited rules there were today: ``{rule: count}``."""
        rules = self.rule_id.filtered('day_limit')
        return self._opened_counts(sending, 'rule_id', rules.ids, [])

    def _opened_calls(self, sending, users):
        """Return how many calls employees got today: ``{employee: count}``."""
        return self._opened_counts(
            sending, 'user_id', users.ids, [('channel_id.transport', '=', 'phone')]
        )

    def _opened_counts(self, sending, name, numbers, domain):
        if not numbers:
            return Counter()
        days = {sending.day(company) for company in self.company_id}
        # sudo: what all did counts
        rows = self.sudo()._read_group(
            [(name, 'in', numbers), ('opened_on', 'in', [*days]), *domain], [name], ['__count']
        )
        return Counter({record.id: count for record, count in rows})


class Turn:
    """What counts while follow-ups are judged in their order: contacts of the past and of this very run.

    :param followups: all that are judged
    :param owners: ``{id: [employees in the order in which they are asked]}``
    """

    def __init__(self, sending, followups, owners):
        self.sending, self.owners = sending, owners
        self.ledger = followups._ledger(sending)
        self.silences = followups._silences(sending)
        self.by_rule = followups._opened_by_rule(sending)
        users = followups.env['res.users'].union(*[one for row in owners.values() for one in row])
        self.calls = followups._opened_calls(sending, users)
        self.limits = {one: sending.limits(one) for one in followups.company_id}

    def verdict(self, followup, reach):
        """Return what becomes of one follow-up, given all that left before it."""
        if self._is_silent(followup):
            return skip('no_reaction')
        if reason := self._limit(followup):
            return wait(reason)
        if not reach.channel:
            return skip(reach.reason, reach.text)
        if at := self._quiet_until(followup, reach.channel):
            return wait('quiet_hours', at=at)
        return self._capacity(followup, reach.channel)

    def enter(self, followup, verdict):
        """Count one that leaves."""
        day = self.sending.day(followup.company_id)
        self.by_rule[followup.rule_id.id] += 1
        if verdict.channel.transport == 'phone' and verdict.owner:
            self.calls[verdict.owner.id] += 1
        if followup.is_expected:
            return
        contact = Contact(followup.id, day, followup.purpose, followup.family)
        keys = followup._contact_keys()
        # an address counts where a mail went to it
        self.ledger.add(keys if verdict.channel.transport == 'email' else keys[:1], contact)
        if followup.purpose == 'marketing':
            key = followup.company_id.id, followup.commercial_partner_id.id
            self.silences[key].insert(0, (day, False))

    def _is_silent(self, followup):
        """Marketing: the last contacts brought no reaction, and the last of them is not long ago (S-FUP-13)."""
        if followup.purpose != 'marketing':
            return False
        settings = self.sending.company(followup.company_id)
        count = settings.retail_care_silent_count
        key = followup.company_id.id, followup.commercial_partner_id.id
        last = self.silences[key][:count]
        if not count or len(last) < count or any(reacted for _day, reacted in last):
            return False
        until = last[0][0] + timedelta(days=settings.retail_care_pause_days)
        return self.sending.day(followup.company_id) < until

    def _limit(self, followup):
        if followup.is_expected:
            return None
        company = followup.company_id
        return self.ledger.exceeded(
            followup._contact_keys(),
            self.sending.day(company),
            followup.purpose,
            followup.family,
            self.limits[company],
        )

    def _quiet_until(self, followup, channel):
        """Return when the customer may be disturbed next, or None: now.

        Nobody is disturbed by what is printed; by hand it is sent by somebody who knows when.
        """
        if channel.transport in ('letter', 'manual'):
            return None
        settings = self.sending.company(followup.company_id)
        kind = 'call' if channel.transport == 'phone' else 'message'
        # sudo: where the customer lives
        zone = zone_of(followup.partner_id.sudo().tz, settings._retail_timezone())
        first, last = settings[f'retail_care_{kind}_from'], settings[f'retail_care_{kind}_to']
        at = opening(self.sending.now, zone, first, last)
        return None if at == self.sending.now else at

    def _capacity(self, followup, channel):
        """Return the last verdict: whether the rule and the employee have room for one more today."""
        rule = followup.rule_id
        if rule.day_limit and self.by_rule[rule.id] >= rule.day_limit:
            return wait('capacity')
        owner = self.owners.get(followup.id, followup.env['res.users'])[:1]
        if channel.transport == 'phone':
            capacity = self.sending.company(followup.company_id).retail_care_call_capacity
            free = [
                user
                for user in self.owners.get(followup.id, ())
                if not capacity or self.calls[user.id] < capacity
            ]
            if owner and owner[0] not in free:
                if not followup.hard_date:
                    return wait('capacity', owner[0].name)
                # another one, else over the capacity: the day cannot be changed
                owner = free[:1] or owner
        return Verdict('go', channel=channel, owner=owner[0] if owner else None)
