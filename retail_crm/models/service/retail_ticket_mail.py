from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import email_normalize, formataddr
from odoo.tools.mail import email_split_tuples

from . import _mail_door as door
from .retail_ticket_door import DOOR, LONGEST

MAX_DESCRIPTION = 100_000


class RetailTicketMail(models.Model):
    """Mails that come in: the new ticket, the customer's answer, and what an answer does to the stage."""

    _inherit = 'retail.ticket'

    is_possibly_thanks = fields.Boolean(
        string='Possibly Thanks',
        readonly=True,
        copy=False,
        help='The customer answered the solved ticket with what looks like a thank-you only: it stayed solved. Reopen it '
        'when there is more in it.',
    )

    resume_stage_id = fields.Many2one(
        comodel_name='retail.ticket.stage',
        string='Goes On In',
        readonly=True,
        copy=False,
        ondelete='set null',
        help='Stage in which the ticket was before it waited for the customer; his answer brings it back there.',
    )

    # === NEW ===#

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        """A mail becomes a ticket of the team it was sent to."""
        mail = msg_dict.pop(DOOR, None)
        if not mail:  # not by the gateway; core would take the subject for the number
            subject = (msg_dict.get('subject') or '').strip()[:LONGEST]
            own = {'name': '/', 'subject': subject or self.env._('Mail without subject')}
            return super().message_new(msg_dict, {**own, **(custom_values or {})})
        self._door_author(msg_dict, mail)
        msg_dict['cc'] = ', '.join(self._door_copies(msg_dict, mail).values())
        values = {**(custom_values or {}), **self._door_values(msg_dict, mail)}
        email_from = msg_dict['email_from']
        msg_dict['email_from'] = False  # core would put the whole From line into the address
        context = {
            'mail_create_nolog': True,
            'default_channel_id': values.get('channel_id'),
            'retail_crm_names_only': True,  # see fields_get
        }
        gateway = self.with_company(mail['company']).with_context(**context)
        ticket = super(RetailTicketMail, gateway).message_new(msg_dict, values).with_env(self.env)
        msg_dict['email_from'] = email_from
        # also an employee who writes first stands for a customer
        ticket._clock_contact('customer', mail['received_at'])
        self.env['retail.mail.log'].create(
            {**mail['log'], 'ticket_id': ticket.id, 'is_reply': False}
        )
        return ticket

    @api.model
    def fields_get(self, allfields=None, attributes=None):
        """For each mail core asks for all that is to know of 200 fields, to see whether two names are among them."""
        if self.env.context.get('retail_crm_names_only') and not allfields and attributes is None:
            attributes = ['type']
        return super().fields_get(allfields, attributes)

    def _door_values(self, msg_dict, mail):
        """Return the values of a ticket from a mail."""
        team, follows = mail['team'], mail['follows'] or self._door_mentioned(msg_dict)
        partner = self._door_partner(msg_dict, mail)
        channel_id = self._door_ref('retail_channel_email')
        values = {
            'name': '/',  # core would take the subject
            'subject': msg_dict['subject'].strip()[:LONGEST] or self.env._('Mail without subject'),
            'company_id': mail['company'].id,
            'partner_id': partner.id,
            'partner_email': mail['sender'] or msg_dict['email_from'][:LONGEST],
            'received_at': mail['received_at'],
            'description': (msg_dict.get('body') or '')[:MAX_DESCRIPTION],
        }
        if team:
            values['team_id'] = team.id
        if channel_id:
            values['channel_id'] = channel_id
        if follows and follows.company_id == mail['company']:
            values['follow_up_of_id'] = follows.id
            if mail['follows']:
                values['type_id'] = follows.type_id.id
        if team.kind == 'complaint' and 'type_id' not in values:
            # the address of the complaint unit: who writes there complains
            kind = self.env['retail.ticket.type'].search([('is_complaint', '=', True)], limit=1)
            if kind:
                values['type_id'] = kind.id
        if not partner:
            values['partner_name'] = self._door_name(msg_dict)
        return values

    def _door_author(self, msg_dict, mail):
        """Take nobody of another company for the author: staff could not read the message (OCA/multi-company 944)."""
        author = self.env['res.partner'].browse(msg_dict.get('author_id') or ())
        if author.company_id and author.company_id not in mail['company'].parent_ids:
            msg_dict['author_id'] = False

    def _door_partner(self, msg_dict, mail):
        """Return the customer who writes: known by the address, by an additional one, or made as a potential customer."""
        Partner = self.env['res.partner']
        if mail['colleague'] or not mail['sender']:
            return mail['follows'].partner_id
        known = Partner.browse(msg_dict.get('author_id') or ())
        if not known:
            known = self.env['retail.partner.address']._find(mail['sender'], mail['company'])
        if not known and mail['follows'] and mail['sender'] in mail['follows']._door_addresses():
            known = mail['follows'].partner_id
        if known or not mail['company'].retail_mail_new_customer:
            return known
        if not email_normalize(mail['sender']):
            return known
        partner = Partner.create(
            {
                'name': self._door_name(msg_dict) or mail['sender'],
                'email': mail['sender'],
                'company_id': False,
                'retail_customer': True,
                'retail_source_id': self._door_ref('utm_source_email'),
            }
        )
        msg_dict['author_id'] = partner.id
        return partner

    def _door_name(self, msg_dict):
        """Return the name in the From line, unless it is an address (often somebody else's)."""
        name = next((name for name, _mail in email_split_tuples(msg_dict['email_from'])), '')
        return name[:LONGEST] if name and '@' not in name else False

    def _door_copies(self, msg_dict, mail):
        """Return ``{address: how to write it}`` of those who got the mail, too: not we, not the sender."""
        text = ','.join(filter(None, (msg_dict.get('cc_filtered'), msg_dict.get('to_filtered'))))
        copies = {}
        for name, address in email_split_tuples(text):
            normalized = email_normalize(address)
            if normalized and normalized != mail['sender'] and len(copies) < 20:
                copies[normalized] = formataddr((name.replace('\n', ' '), normalized))
        return copies

    # === ANSWER ===#

    def message_update(self, msg_dict, update_vals=None):
        """A mail is an answer to a ticket: the customer's ends waiting and opens it again, a program's does nothing."""
        mail = msg_dict.pop(DOOR, None)
        if not mail:
            return super().message_update(msg_dict, update_vals)
        self.ensure_one()
        self._door_author(msg_dict, mail)
        reopened = False
        if mail['silent']:
            msg_dict['cc'] = ''
            if mail['log']['reason'] == 'limit_reopen':
                self._door_tell_leader()
        elif mail['colleague']:
            msg_dict['cc'] = ', '.join(self._door_copies(msg_dict, mail).values())
            if not msg_dict.get('is_internal'):
                self._clock_contact('agent', mail['received_at'])
        elif mail.get('apart'):
            msg_dict['cc'] = ''
            files = bool(msg_dict.get('attachments'))
            reopened = self._customer_answered(mail['text'], files, mail['received_at'])
            self._door_heard_apart(mail['apart'])
        elif msg_dict.get('is_internal'):  # an answer to a note stays a note
            msg_dict['cc'] = ''
        else:
            msg_dict['cc'] = ', '.join(self._door_customer_copies(msg_dict, mail))
            files = bool(msg_dict.get('attachments'))
            reopened = self._customer_answered(mail['text'], files, mail['received_at'])
        result = super().message_update(msg_dict, update_vals)
        self.env['retail.mail.log'].create({**mail['log'], 'reopened': reopened})
        return result

    def _door_customer_copies(self, msg_dict, mail):
        """Return those in copy of a customer's answer; a stranger who answers brings nobody in."""
        if mail['sender'] not in self._door_addresses():
            self._door_write({'unknown_sender': mail['sender']})
            return []
        return list(self._door_copies(msg_dict, mail).values())

    def _customer_answered(self, text, has_files=False, date=None):
        """The customer has written, by mail or in the portal: move the ticket, tell the clock.

        :param str text: what he wrote
        :return: whether the ticket was opened again
        """
        self.ensure_one()
        reopened = False
        if self.category == 'solved':
            if door.is_thanks(text, has_files):
                self._door_write({'is_possibly_thanks': True})
                return False
            reopened = self._door_move()
        elif self.category == 'waiting':
            self._door_move(self.resume_stage_id)
        self._clock_contact('customer', date)
        return reopened

    def _on_stage_moved(self, before):
        """Remember where waiting tickets were."""
        for stage, tickets in self.grouped(before.get).items():
            waiting = tickets.filtered(lambda ticket: ticket.category == 'waiting')
            if stage.category in ('new', 'open'):
                waiting._door_write({'resume_stage_id': stage.id})
        return super()._on_stage_moved(before)

    def _working_category(self):
        """Return the category in which a ticket of this type is worked on."""
        return 'open' if self.type_id._stage_of(('open',)) else 'new'

    def _door_move(self, stage=None):
        """Have the ticket worked on again, in a stage or the first one, and return whether it worked.

        A refusal must not cost the mail.
        """
        try:
            with self.env.cr.savepoint():
                if stage and stage in self.type_id._stages() and stage.category == 'open':
                    self.write({'stage_id': stage.id, 'is_possibly_thanks': False})
                else:
                    self._set_stage(self._working_category(), is_possibly_thanks=False)
        except (UserError, ValidationError) as error:
            self._message_log(
                body=self.env._(
                    'The customer has answered, but the stage could not be changed: %(error)s',
                    error=str(error),
                )
            )
            return False
        return True

    def _door_write(self, vals):
        """Write what only the door writes, without the rules of a person's write."""
        models.Model.write(self, vals)

    def _door_tell_leader(self):
        """Remind the leader of the team, once, that mails open a ticket again and again."""
        leader = self.team_id.user_id
        if leader and not self.with_user(leader).sudo(False).has_access('read'):
            return
        summary = self.env._('Mails reopen this ticket again and again')
        if leader and not self.activity_ids.filtered(lambda item: item.summary == summary):
            self.activity_schedule(
                'mail.mail_activity_data_todo', user_id=leader.id, summary=summary
            )

    # === BUTTONS ===#

    def action_not_only_thanks(self):
        """Open again what stayed solved because the customer only seemed to say thank you."""
        self.check_access('write')
        for ticket in self.filtered('is_possibly_thanks'):
            ticket._set_stage(ticket._working_category(), is_possibly_thanks=False)
            ticket._clock_contact('customer')

    def action_only_thanks(self):
        """It was a thank-you only: the ticket stays solved."""
        self.check_access('write')
        self.write({'is_possibly_thanks': False})
