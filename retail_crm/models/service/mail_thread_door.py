import logging
from contextvars import ContextVar
from xmlrpc import client as xmlrpclib

from odoo import api, models
from odoo.exceptions import AccessError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools.mail import decode_message_header, email_normalize_all

from . import _mail_door as door
from .mail_alias_door import KNOWN_ALIASES, SENDERS

_logger = logging.getLogger(__name__)

#: The mail that the gateway is working on, as it came.
RAW_MAIL = ContextVar('retail_crm_raw_mail', default=b'')

TICKET = 'retail.ticket'


class MailThread(models.AbstractModel):
    """The gateway's way to the mail door. Whatever is not for a ticket goes on as Odoo has it."""

    _inherit = 'mail.thread'

    @api.model
    def message_process(
        self,
        model,
        message,
        custom_values=None,
        save_original=False,
        strip_attachments=False,
        thread_id=None,
    ):
        """Nothing that is for a ticket may raise: the mail server counts the mail as fetched (R-svc C.6)."""
        self._retail_check_gateway(model, thread_id)
        raw = bytes(message.data) if isinstance(message, xmlrpclib.Binary) else message
        raw = raw.encode('utf-8', 'surrogateescape') if isinstance(raw, str) else raw
        token, aliases = RAW_MAIL.set(raw), KNOWN_ALIASES.set({})
        try:
            with self.env.cr.savepoint():
                return super().message_process(
                    model,
                    raw,
                    custom_values=custom_values,
                    save_original=save_original,
                    strip_attachments=strip_attachments,
                    thread_id=thread_id,
                )
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as error:
            # a mail gateway is called again by Odoo's retry; fetching goes on to the next mail
            if 'default_fetchmail_server_id' not in self.env.context:
                raise
            return self._retail_rescue(model, raw, custom_values, error)
        except Exception as error:  # whatever a mail can do to a program
            return self._retail_rescue(model, raw, custom_values, error)
        finally:
            RAW_MAIL.reset(token)
            KNOWN_ALIASES.reset(aliases)

    @api.model
    def _retail_check_gateway(self, model, thread_id):
        """Core lets everybody with a login hand in mails by a call, in whosever name and to any record.

        Customers have none to hand in; whoever does so for a mail server names tickets that he may read.
        """
        if self.env.su:
            return
        if self.env.user.share:
            raise AccessError(self.env._('Please write on the page of your request.'))
        if thread_id and model == TICKET:
            self.env[TICKET].browse(thread_id).check_access('read')

    @api.model
    def _retail_rescue(self, model, raw, custom_values, error):
        """Keep a mail for a ticket that could not be processed, and return its ticket; others raise as before.

        :raise Exception: ``error`` itself, when the mail is not for a ticket
        """
        tickets = self.env[TICKET].sudo()
        team = tickets._door_team(raw)
        if not team and model != TICKET:
            raise error
        clean = door.readable(raw)
        if clean != raw:
            return self.message_process(model, clean, custom_values=custom_values)
        _logger.warning('A mail could not be processed and is kept as it came', exc_info=error)
        return tickets._door_keep(raw, team, custom_values, error)

    @api.model
    def message_parse(self, message, save_original=False):
        if KNOWN_ALIASES.get() is None:
            return super().message_parse(message, save_original=save_original)
        senders = email_normalize_all(decode_message_header(message, 'From', separator=','))
        token = SENDERS.set(tuple(senders))
        try:
            return super().message_parse(message, save_original=save_original)
        finally:
            SENDERS.reset(token)

    @api.model
    def message_route(self, message, message_dict, model=None, thread_id=None, custom_values=None):
        """Mails for tickets pass the door; it may change their ticket, hold or drop them."""
        routes = super().message_route(message, message_dict, model, thread_id, custom_values)
        if not message_dict.get('is_bounce') and all(route[0] != TICKET for route in routes):
            return routes
        return self.env[TICKET]._door_route(message, message_dict, routes)

    @api.model
    def _routing_handle_bounce(self, email_message, message_dict):
        """A read receipt of a ticket's mail says that it arrived, not that the address is wrong."""
        bounced = message_dict.get('bounced_message')
        if bounced and bounced.model == TICKET:
            if self.env[TICKET]._door_is_receipt(email_message):
                return None
        return super()._routing_handle_bounce(email_message, message_dict)

    @api.model
    def _detect_loop_sender(self, message, message_dict, routes):
        """The door has counted already, and holds where core would drop and answer."""
        others = [route for route in routes or [] if route[0] != TICKET]
        if routes and not others:
            return False
        return super()._detect_loop_sender(message, message_dict, others)

    def _message_parse_post_process(self, message, message_dict, routes):
        """The author is known, and those in copy are addresses on the ticket, not partners who would follow it.

        A partner of another company on a message makes the thread unreadable (OCA/multi-company 944).
        """
        if routes and all(route[0] == TICKET for route in routes):
            return {'author_id': message_dict.get('author_id'), 'partner_ids': []}
        return super()._message_parse_post_process(message, message_dict, routes)
