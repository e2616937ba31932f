import hashlib
import logging
import re
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import email_normalize

from . import _mail_door as door
from .mail_thread_door import RAW_MAIL, TICKET

_logger = logging.getLogger(__name__)

#: What the door knows of a mail, in the dictionary that the gateway hands on; taken out before the message is posted.
DOOR = 'retail_door'
LONGEST = 250


class RetailTicketDoor(models.Model):
    """Which mail becomes what: the door's decision (R-svc C.6), the ticket a mail belongs to, and what to do when all fails.

    ``_door_route`` is asked by the gateway after core found its routes. Every mail ends as a row of ``retail.mail.log``.
    """

    _inherit = 'retail.ticket'

    # === DECISION ===#

    @api.model
    def _door_route(self, message, message_dict, routes):
        """Return the routes of a mail after the door's decision: one for tickets at most, the others as they were."""
        self = self.sudo()  # the gateway's work: senders have no rights
        others = [route for route in routes if route[0] != TICKET]
        route = next((route for route in routes if route[0] == TICKET), None)
        if not route:
            route = self._door_bounce_route(message_dict)
            if not route:
                return routes
        came_to = self.browse(route[1] or ()) or self._door_by_number(message_dict)
        ticket, follows = self._door_survivor(came_to)
        if follows and follows != came_to and follows._merge_is_apart(came_to):
            follows = came_to  # what another customer wrote is not followed
        mail = self._door_read(message, message_dict, route, ticket, follows)
        outcome = self._door_classify(message, message_dict, mail)
        mail['log'].update(result=outcome.result, reason=outcome.reason)
        if outcome.result == door.DROP:
            self.env['retail.mail.log'].create(mail['log'])
            return others
        if outcome.result == door.QUARANTINE:
            self._door_hold(mail, message_dict)
            return others
        if outcome.reason == 'bounce' and not message_dict.get('bounced_email'):
            self._door_mark_bounce(message, mail)
        mail['silent'] = outcome.result == door.SILENT
        if mail['silent']:
            # an internal note that tells nobody: also its parent's author is not told
            message_dict['is_internal'] = True
            message_dict.pop('parent_id', None)
            if not ticket:
                ticket = follows
                mail['log']['ticket_id'] = ticket.id
        elif ticket and not route[1] and mail['colleague']:
            # an employee who only names the ticket did not answer the customer: it stays inside
            message_dict['is_internal'] = True
        if ticket and not mail['silent'] and (apart := ticket._door_is_apart(came_to, mail)):
            # the customer of the ticket that this one goes on for must not read it
            message_dict['is_internal'] = True
            mail['apart'] = apart
        message_dict[DOOR] = mail
        # Ours first: it takes what the door knows out of the dictionary before others see it. Without its alias: core would
        # tell the sender of an error in ours that the address does not work.
        return [(TICKET, ticket.id, *route[2:4], None), *others]

    def _door_bounce_route(self, message_dict):
        """Return a route for a report that core does not route: to the ticket it is about, or to the team it came to."""
        bounced = message_dict.get('bounced_message') or self.env['mail.message'].browse(
            message_dict.get('parent_id') or ()
        )
        if bounced and bounced.model == TICKET:
            ticket = self.browse(bounced.res_id).exists()
            return (TICKET, ticket.id, {}, self.env.uid, self.env['mail.alias'])
        team = self._door_team(message_dict.get('recipients') or '')
        if not team:
            return None
        return (TICKET, 0, {'team_id': team.id}, self.env.uid, team.alias_id)

    def _door_mark_bounce(self, message, mail):
        """Count a bounce whose report core cannot read: the failed address is in a header, or in the text and the ticket's."""
        failed = {door.address_of(value) for value in door.headers(message, 'X-Failed-Recipients')}
        ticket = mail['ticket'] or mail['follows']
        if ticket:
            text = mail['text'].lower()
            failed |= {address for address in ticket._door_addresses() if address in text}
        partners = self.env['res.partner'].search(
            [('email_normalized', 'in', [address for address in failed if address])]
        )
        for partner in partners:
            partner._message_receive_bounce(partner.email_normalized, partner)

    def _door_classify(self, message, message_dict, mail):
        if self.env.context.get('retail_crm_released'):
            return door.Outcome(door.NORMAL, 'released')
        company, log = mail['company'], mail['log']
        company._retail_fetch()
        counts, known, trusted, own = self.env['retail.mail.log']._facts(
            log['sender'],
            log['domain'],
            log['body_hash'],
            log['message_id'],
            company.retail_mail_limit_minutes,
            max(company.retail_mail_limit_domain, company.retail_mail_limit_sender, 100),
        )
        ticket = mail['ticket']
        facts = door.Facts(
            known_message=known,
            own_addresses=frozenset([log['sender']] if own else ()),
            own_mark=self._door_mark(),
            is_bounce=bool(message_dict.get('is_bounce')),
            is_reply=bool(ticket or mail['follows']),
            would_reopen=ticket.category == 'solved',
            trusted=trusted,
            counts=lambda: counts._replace(sender=0, domain=0) if mail['colleague'] else counts,
            reopens=lambda: self.env['retail.mail.log']._reopens_today(ticket),
            limits=door.Limits(
                sender=company.retail_mail_limit_sender,
                domain=company.retail_mail_limit_domain,
                body=company.retail_mail_limit_body,
                reopens=company.retail_mail_limit_reopens,
            ),
        )
        return door.classify(message, facts)

    def _door_read(self, message, message_dict, route, ticket, follows):
        """Return what the door knows of a mail: ticket, team, company, sender, and the row for the log."""
        team = self.env['retail.ticket.team'].browse((route[2] or {}).get('team_id') or ())
        for text in ('subject', 'email_from', 'cc', 'to'):
            message_dict[text] = (message_dict.get(text) or '').replace('\x00', '')
        known = ticket or follows
        company = known.company_id or team.company_id or self.env.company
        sender = email_normalize(message_dict['email_from']) or door.address_of(
            message_dict['email_from']
        )
        text = door.text_of(message_dict.get('body'))
        return {
            'ticket': ticket,
            'follows': follows,
            'team': known.team_id or team,
            'company': company,
            'sender': sender,
            'text': text,
            'colleague': self._door_is_colleague(message_dict, sender),
            'received_at': door.received_at(message, fields.Datetime.now()),
            'log': {
                'company_id': company.id,
                'sender': sender[:LONGEST],
                'domain': door.domain_of(sender)[:LONGEST],
                'subject': message_dict['subject'][:LONGEST],
                'message_id': (message_dict.get('message_id') or '')[:1000],
                'body_hash': door.body_hash(text),
                'ticket_id': known.id,
                'is_reply': bool(known),
            },
        }

    def _door_hold(self, mail, message_dict):
        """Put a mail into quarantine. Nobody is answered."""
        self.env['retail.mail.log'].create(mail['log'])
        log = mail['log']
        self.env['retail.quarantine']._hold(
            RAW_MAIL.get(),
            {
                'company_id': mail['company'].id,
                'email_from': message_dict['email_from'][:LONGEST],
                'sender': log['sender'],
                'subject': log['subject'],
                'excerpt': ' '.join(mail['text'].split())[:500],
                'reason': log['reason'],
                'team_id': mail['team'].id,
                'ticket_id': log['ticket_id'],
                'message_id': log['message_id'],
            },
        )

    # === FACTS ===#

    @api.model
    def _door_mark(self):
        """Return what tells mails of this database from those of others with this add-on."""
        # sudo: the parameter is read by administrators; only a hash of it goes out
        uuid = self.env['ir.config_parameter'].sudo().get_param('database.uuid') or ''
        return hashlib.sha256(f'retail_crm {uuid}'.encode()).hexdigest()[:20]

    @api.model
    def _door_ref(self, name):
        """Return the id of a record that we ship, or False when it was deleted; usually without a query."""
        return self.env['ir.model.data']._xmlid_to_res_id(f'retail_crm.{name}') or False

    def _door_is_colleague(self, message_dict, sender):
        """Return whether the sender is an employee with a login."""
        author = self.env['res.partner'].browse(message_dict.get('author_id') or ())
        if not author and sender:
            author = self.env['mail.thread']._partner_find_from_emails_single(
                [sender], no_create=True
            )[:1]
            if author:
                message_dict['author_id'] = author.id
        return bool(author) and not author.partner_share

    @api.model
    def _door_is_receipt(self, message):
        return door.report_type(message) not in ('', 'delivery-status')

    @api.model
    def _door_team(self, mail):
        """Return the team to whose address a mail goes, by its raw headers or by a text with addresses."""
        if isinstance(mail, bytes):
            head = re.split(rb'\r?\n\r?\n', mail, maxsplit=1)[0].decode('utf-8', 'replace')
            mail = ' '.join(
                re.findall(
                    r'(?ims)^(?:to|cc|delivered-to|x-original-to|resent-to|resent-cc):(.*?)(?=^\S|\Z)',
                    head,
                )
            )
        addresses = {found.lower() for found in re.findall(r'[^\s<>"\',;:]+@[^\s<>"\',;]+', mail)}
        if not addresses:
            return self.env['retail.ticket.team']
        return (
            self.env['retail.ticket.team']
            .sudo()
            .search([('alias_id.alias_full_name', 'in', list(addresses)[:100])], limit=1)
        )

    # === THREADS ===#

    def _door_by_number(self, message_dict):
        """Return the ticket whose number stands in the subject, when the sender is one of those it concerns.

        Anybody can guess a number (zammad#5064): of strangers only the mention is kept, see ``_door_mentioned``.
        """
        ticket = self._door_mentioned(message_dict)
        sender = email_normalize(message_dict.get('email_from') or '')
        return ticket if ticket and ticket._door_concerns(sender) else self.browse()

    def _door_mentioned(self, message_dict):
        numbers = door.ticket_numbers(message_dict.get('subject'))
        if not numbers:
            return self.browse()
        return self.with_context(active_test=False).search([('name', 'in', numbers)], limit=1)

    def _door_concerns(self, sender):
        """Return whether an address is the customer's, of the household, in copy, or of an employee who may read the ticket."""
        self.ensure_one()
        if not sender:
            return False
        if sender in self._door_addresses():
            return True
        users = self.env['res.users'].search(
            [('partner_id.email_normalized', '=', sender), ('share', '=', False)]
        )
        return any(self.with_user(user).sudo(False).has_access('read') for user in users)

    def _door_addresses(self):
        """Return the addresses of those whom a ticket concerns: the customer, his household, those in copy."""
        self.ensure_one()
        partner = self.partner_id
        return {
            email_normalize(self.partner_email or ''),
            partner.email_normalized,
            *partner.retail_address_ids.mapped('email'),
            *self._mail_cc_sanitized_raw_dict(self.email_cc),
        } - {False, None, ''}

    def _door_survivor(self, ticket):
        """Return where mail to a ticket goes: ``(ticket, none)`` or ``(none, ticket that a new one follows)``.

        Merged tickets go on in their survivor, however long the chain; filed, cancelled ones and those solved longer ago
        than the grace time are followed by a new one (frappe#3465).
        """
        if ticket := ticket.exists():
            ticket = ticket._merged_into()
        if ticket and ticket._door_is_over():
            return self.browse(), ticket
        return ticket, self.browse()

    def _door_is_over(self):
        self.ensure_one()
        if not self.active or self.category in ('archived', 'cancelled'):
            return True
        if self.category != 'solved' or self.is_complaint or not self.solved_at:
            return False
        return self.solved_at < fields.Datetime.now() - timedelta(
            days=self.company_id.retail_reopen_days
        )

    # === WHEN ALL FAILS ===#

    @api.model
    def _door_keep(self, raw, team, custom_values, error):
        """Make a ticket of a mail that nothing else could be made of, with the mail as a file; else hold it.

        :return: id of the ticket, or False when it could only be held
        """
        if not team and custom_values and custom_values.get('team_id'):
            team = self.env['retail.ticket.team'].browse(custom_values['team_id'])
        head = re.split(rb'\r?\n\r?\n', raw, maxsplit=1)[0].decode('utf-8', 'replace')
        head = head.replace('\x00', '')
        found = {
            name: ' '.join(text.split())[:LONGEST]
            for name, text in re.findall(r'(?ims)^(from|subject|message-id):(.*?)(?=^\S|\Z)', head)
        }
        found = {name.lower(): text for name, text in found.items()}
        vals = self._door_keep_values(team, found)
        for attempt in (self._door_keep_ticket, self._door_keep_bare, self._door_keep_held):
            try:
                with self.env.cr.savepoint():
                    return attempt(raw, vals, error)
            except Exception:
                _logger.warning('Keeping a mail failed: %s', attempt.__name__, exc_info=True)
        raise error

    def _door_keep_values(self, team, found):
        company = team.company_id or self.env.company
        channel_id = self._door_ref('retail_channel_email')
        return {
            'subject': found.get('subject') or self.env._('Mail that could not be read'),
            'partner_email': found.get('from'),
            'team_id': team.id,
            'company_id': company.id,
            **({'channel_id': channel_id} if channel_id else {}),
        }

    def _door_keep_ticket(self, raw, vals, error):
        ticket = self.with_context(mail_create_nosubscribe=True).create(dict(vals))
        ticket._door_keep_file(raw, error)
        return ticket.id

    def _door_keep_bare(self, raw, vals, error):
        """Make the ticket past everything that is hung on creating one."""
        ticket = models.BaseModel.create(
            self.with_context(tracking_disable=True), self._prepare_ticket_values([vals])
        )
        ticket._door_keep_file(raw, error)
        return ticket.id

    def _door_keep_file(self, raw, error):
        """Attach the mail to the ticket, tell staff, and log it."""
        self._message_log(
            body=self.env._(
                'The mail could not be read (%(error)s). It is attached as it came.',
                error=type(error).__name__,
            ),
            attachment_ids=self._door_file(raw).ids,
        )
        self.env['retail.mail.log'].create(
            {
                'company_id': self.company_id.id,
                'sender': door.address_of(self.partner_email),
                'subject': self.subject,
                'result': 'failed',
                'reason': 'error',
                'ticket_id': self.id,
            }
        )

    def _door_file(self, raw):
        return self.env['ir.attachment'].create(
            {
                'name': 'mail.eml',
                'raw': raw,
                'mimetype': 'message/rfc822',
                'res_model': self._name,
                'res_id': self.id,
            }
        )

    def _door_keep_held(self, raw, vals, error):
        values = {
            'company_id': vals['company_id'],
            'email_from': vals['partner_email'],
            'sender': door.address_of(vals['partner_email']),
            'subject': vals['subject'],
            'team_id': vals['team_id'],
            'reason': 'error',
        }
        self.env['retail.quarantine']._hold(raw, values)
        self.env['retail.mail.log'].create(
            {
                'company_id': vals['company_id'],
                'sender': values['sender'],
                'subject': vals['subject'],
                'result': 'quarantine',
                'reason': 'error',
            }
        )
        return False
