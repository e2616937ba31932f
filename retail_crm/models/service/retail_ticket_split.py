from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import html2plaintext

from . import _mail_door as door


class RetailTicketSplit(models.Model):
    """One ticket becomes two: some of its messages go to a new one, whose clock begins with the first of them.

    The two are related; a merge of the new one into the old one brings everything back.
    """

    _inherit = 'retail.ticket'

    def _split_messages(self):
        """Return the messages of one ticket that can be split off."""
        return self.message_ids.filtered(
            lambda message: message.message_type in ('comment', 'email', 'email_outgoing')
        )

    def _split(self, messages, subject, partner=None, kind=None):
        """Return a new ticket with some of the messages of this one (R-svc C.1).

        :param messages: messages of this ticket
        :param str subject: what the new ticket is about
        :param partner: customer of the new ticket; default: that of this one
        :param kind: type of the new ticket; default: that of this one
        :raise UserError: when there is nothing to split off
        """
        self.ensure_one()
        self._merge_lock()
        messages = (messages & self._split_messages()).sorted(lambda item: (item.date, item.id))
        if not messages:
            raise UserError(self.env._('Choose the messages that are about something else.'))
        if self.merged_into_id or (self.is_complaint and self.category == 'archived'):
            raise UserError(self.env._('%(ticket)s can only be read.', ticket=self.name))
        partner = self.partner_id if partner is None else partner
        values = self._prepare_split_values(messages, subject, partner, kind or self.type_id)
        ticket = self.with_context(retail_crm_quiet=True).create(values).with_env(self.env)
        # sudo: messages, files and log are the system's; both tickets are the user's
        ticket_sudo, messages_sudo = ticket.sudo(), messages.sudo()
        if partner != self.partner_id:
            # neither customer reads what the other one wrote
            others = messages_sudo.filtered(
                lambda item: (
                    item.author_id.partner_share
                    and item.author_id != partner
                    or item.author_id == self.partner_id
                )
            )
            models.Model.write(others, {'is_internal': True})
        models.Model.write(messages_sudo, {'res_id': ticket.id})
        files = messages_sudo.attachment_ids.filtered(
            lambda file: file.res_model == self._name and file.res_id == self.id
        )
        models.Model.write(files, {'res_id': ticket.id})
        self.env.flush_all()
        self.env.invalidate_all()
        ticket_sudo._split_clock(messages_sudo)
        words = self.env._('Split off from %(ticket)s.', ticket=self.name)
        ticket_sudo._merge_note(words)
        words = self.env._(
            '%(count)s messages were split off into %(ticket)s.',
            count=len(messages),
            ticket=ticket.name,
        )
        self.sudo()._merge_note(words)
        return ticket

    def _prepare_split_values(self, messages, subject, partner, kind):
        """Hook: return the values of a ticket that is split off from this one."""
        is_same = partner == self.partner_id
        if self.is_restricted and self.is_complaint:
            kind = self.type_id  # the complaint unit reads complaints only
        return {
            'subject': subject,
            'description': messages[0].body,
            'partner_id': partner.id,
            **(
                {
                    'partner_name': self.partner_name,
                    'partner_email': self.partner_email,
                    'partner_phone': self.partner_phone,
                }
                if is_same
                else {}
            ),
            'company_id': self.company_id.id,
            'channel_id': self.channel_id.id,
            'type_id': kind.id,
            'store_id': self.store_id.id,
            'team_id': self.team_id.id,
            'user_id': self.user_id.id,
            'order_id': is_same and self.order_id.id,
            'received_at': messages[0].date,
            'related_ids': [Command.link(self.id)],
            'is_restricted': self.is_restricted,
            **(
                {
                    'blocked_user_id': self.blocked_user_id.id,
                    'involved_user_ids': [Command.set(self.involved_user_ids.ids)],
                }
                if self.is_restricted
                else {}
            ),
        }

    def _split_clock(self, messages):
        """Tell the clock of a new ticket what was said in the messages it was made of."""
        counts = {'customer': 0, 'agent': 0}
        dates = {'customer': [], 'agent': []}
        rows = []
        for message in messages:
            if message.subtype_id.internal or not message.subtype_id:
                continue
            side = (
                'customer' if message.author_id.partner_share or not message.author_id else 'agent'
            )
            counts[side] += 1
            dates[side].append(message.date)
            thanks = door.is_thanks(
                html2plaintext(message.body or ''), bool(message.attachment_ids)
            )
            ticket = self.with_context(retail_crm_thanks=thanks)
            rows.append(ticket._prepare_log(message.date, self.user_id, side=side))
        self._clock_log(rows)
        asked = [date for date in dates['customer'] if date > max(dates['agent'], default=date.min)]
        self._stamp(
            {
                'customer_message_count': counts['customer'],
                'agent_message_count': counts['agent'],
                'last_customer_at': max(dates['customer'], default=False),
                'last_agent_at': max(dates['agent'], default=self.last_agent_at),
                'first_response_at': min(dates['agent'], default=self.first_response_at),
                'waiting_since': min(asked, default=False),
            }
        )
        self._clock_derive()

    def action_split(self):
        """Ask which messages are about something else."""
        self.ensure_one()
        self.check_access('write')
        # what is about something else is mostly what the customer wrote last
        said = self._split_messages().filtered(
            lambda item: item.author_id.partner_share or not item.author_id
        )
        last = said.sorted('id')[1:][-1:]
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Split'),
            'res_model': 'retail.ticket.split',
            'view_mode': 'form',
            'target': 'new',
            'context': {
                'default_ticket_id': self.id,
                'default_message_ids': last.ids,
                'default_subject': html2plaintext(last.body or '').strip()[:80] or self.subject,
                'default_partner_id': self.partner_id.id,
                'default_type_id': self.type_id.id,
            },
        }
