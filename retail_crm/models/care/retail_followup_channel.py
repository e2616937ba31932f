from typing import NamedTuple

from odoo import api, models

from ._sending import skip

#: Transports of which an employee does the contact himself; letters are printed together, by whoever does that.
BY_STAFF = ('phone', 'manual')


class Reach(NamedTuple):
    """How a customer could be reached: the channel, or the most telling reason why not."""

    channel: object
    reason: str | None = None
    text: str = ''


class RetailFollowupChannel(models.Model):
    """On which channel a follow-up leaves: the first in order with an address and the customer's consent (S-FUP-02).

    The order is that of the rule (``listed``), else the customer's preferred channel and then the fallbacks. A follow-up
    that names a channel already goes on from there: what came before has failed. What a person makes by hand leaves on
    the channel that he chose.
    """

    _inherit = 'retail.followup'

    @api.model
    def _transports(self):
        """Hook: return ``{transport: name of the method that lets follow-ups leave by it}`` of those that are possible."""
        return {
            'email': '_leave_email',
            'portal': '_leave_portal',
            'letter': '_leave_letter',
            'manual': '_leave_manual',
            'phone': '_leave_phone',
        }

    # === ORDER ===#

    @api.model
    def _fallback_channels(self):
        # sudo: labels, and which of them is tried first
        channels_sudo = self.env['retail.channel'].sudo()
        return channels_sudo.search([('fallback_sequence', '>', 0)], order='fallback_sequence, id')

    def _channel_orders(self):
        """Return ``{id: channels in the order in which they are tried}``."""
        fallback, orders = self._fallback_channels(), {}
        # sudo: rules and preferences decide, whoever asks
        for followup in self.sudo():
            rule = followup.rule_id
            if not rule:
                order = followup.channel_id
            elif rule.channel_mode == 'listed':
                order = rule.channel_line_ids.sorted('sequence').channel_id
            else:
                order = followup.partner_id.retail_preferred_channel_id | fallback
            if followup.channel_id in order:
                place = order.ids.index(followup.channel_id.id)
                order = order[place:]
            orders[followup.id] = order.filtered('active')
        return orders

    def _next_channel(self):
        """Return the channel on which one customer is tried after the present one; maybe none."""
        self.ensure_one()
        order = self._channel_orders()[self.id]
        return order[1:2] if self.channel_id == order[:1] else order[:1]

    # === GATE ===#

    def _gate_channel(self, _sending):
        """Return ``{id: Verdict}`` of those that can be sent on no channel."""
        return {
            number: skip(reach.reason, reach.text)
            for number, reach in self._reaches().items()
            if not reach.channel
        }

    def _reaches(self):
        """Return ``{id: Reach}``, in a fixed number of queries."""
        orders, possible = self._channel_orders(), self._transports()
        decisions = self._decisions()
        addresses = {
            transport: self._with_address(transport)
            for transport in {channel.transport for order in orders.values() for channel in order}
        }
        reaches = {}
        for followup in self:
            found = []
            for channel in orders[followup.id]:
                if channel.transport not in possible:
                    continue
                has_address, blocked = addresses[channel.transport]
                reason = 'no_address' if followup.id not in has_address else None
                reason = reason or followup._refusal(channel, decisions)
                if not reason and followup.id in blocked:
                    reason = 'refused'
                if not reason:
                    reaches[followup.id] = Reach(channel)
                    break
                found.append((reason, channel))
            else:
                reaches[followup.id] = followup._unreached(found)
        return reaches

    def _unreached(self, found):
        """Return why one customer can be reached on no channel; what he said himself tells most."""
        for reason in ('refused', 'no_consent', 'no_address'):
            names = [channel.name for why, channel in found if why == reason]
            if names:
                return Reach(None, reason, ', '.join(names))
        return Reach(None, 'no_channel')

    # === CONSENT ===#

    def _decisions(self):
        """Return ``{(contact, company, purpose, channel): state}`` of the decisions in force, in one query.

        Under ``(contact, company, purpose)``: whether anything was granted.
        """
        # sudo: whoever contacts customers must know whom not to, without reading the evidence
        rows = (
            self.env['retail.consent']
            .sudo()
            .search_fetch(
                [
                    ('partner_id', 'in', self.partner_id.ids),
                    ('company_id', 'in', self.company_id.ids),
                    ('is_current', '=', True),
                ],
                ['partner_id', 'company_id', 'purpose', 'channel_id', 'state'],
            )
        )
        decisions = {}
        for row in rows:
            key = row.partner_id.id, row.company_id.id, row.purpose
            decisions[*key, row.channel_id.id] = row.state
            decisions[key] = decisions.get(key) or row.state == 'granted'
        return decisions

    def _refusal(self, channel, decisions):
        """Return why one customer must not be contacted on a channel, as ``retail.consent._allowed`` has it, or None.

        For messages in the customer's own area nothing is asked channel by channel: there it is enough that he can be
        reached for the purpose at all.
        """
        contact, company, purpose = (
            self.partner_id.id,
            self.company_id.id,
            self.purpose or 'service',
        )
        state = decisions.get((contact, company, purpose, channel.id))
        if state == 'withdrawn':
            return 'refused'
        # sudo: a setting of the company
        if purpose == 'service' and not self.company_id.sudo().retail_service_consent:
            return None
        if state == 'granted':
            return None
        if channel.transport == 'portal' and decisions.get((contact, company, purpose)):
            return None
        return 'no_consent'

    # === ADDRESSES ===#

    def _with_address(self, transport):
        """Hook: return ``(ids of those whose customer has an address for a transport, ids of those who are blocked)``."""
        finder = {
            'email': self._with_email,
            'sms': self._with_number,
            'phone': self._with_number,
            'letter': self._with_street,
            'portal': self._with_login,
        }.get(transport)
        return finder() if finder else (set(self.ids), set())

    def _with_email(self):
        """Mails that came back say that there is no such address; the block list that nothing may go there."""
        # sudo: whether there is an address
        emails = {
            one.id: one.partner_id.email_normalized
            for one in self.sudo()
            if one.partner_id.email_normalized and not one.partner_id.message_bounce
        }
        blocked_sudo = self.env['mail.blacklist'].sudo()
        rows = blocked_sudo.search_fetch([('email', 'in', [*set(emails.values())])], ['email'])
        blocked = set(rows.mapped('email'))
        return set(emails), {number for number, email in emails.items() if email in blocked}

    def _with_number(self):
        # sudo: whether there is a number
        numbers = {
            one.id: one.partner_id.phone_sanitized or one.partner_id.phone
            for one in self.sudo()
            if one.partner_id.phone
        }
        blocked_sudo = self.env['phone.blacklist'].sudo()
        domain = [('number', 'in', [*set(numbers.values())])]
        blocked = set(blocked_sudo.search_fetch(domain, ['number']).mapped('number'))
        return set(numbers), {number for number, phone in numbers.items() if phone in blocked}

    def _with_street(self):
        # sudo: whether there is an address
        return {
            one.id
            for one in self.sudo()
            if one.partner_id.street and (one.partner_id.city or one.partner_id.zip)
        }, set()

    def _with_login(self):
        """Those who can sign in and read messages on the customer's pages."""
        # sudo: whether there is a login
        users_sudo = self.env['res.users'].sudo()
        rows = users_sudo._read_group(
            [
                ('partner_id', 'in', self.partner_id.ids),
                ('share', '=', True),
                ('active', '=', True),
            ],
            ['partner_id'],
        )
        contacts = {partner.id for (partner,) in rows}
        return {one.id for one in self if one.partner_id.id in contacts}, set()
