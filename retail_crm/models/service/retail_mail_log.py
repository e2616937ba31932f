from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ._mail_door import Counts

RESULTS = [
    ('normal', 'Ticket or answer'),
    ('silent', 'Attached silently'),
    ('quarantine', 'Held'),
    ('drop', 'Dropped'),
    ('failed', 'Kept after an error'),
]
REASONS = [
    ('normal', 'Nothing unusual'),
    ('duplicate', 'Received before'),
    ('own', 'Sent by ourselves'),
    ('loop', 'Answer to a loop notice'),
    ('bounce', 'Not delivered'),
    ('automatic', 'Written by a program'),
    ('bulk', 'Bulk mail or list'),
    ('limit_sender', 'Too many from one sender'),
    ('limit_domain', 'Too many from one domain'),
    ('limit_body', 'Too many with the same text'),
    ('limit_reopen', 'Reopens the ticket too often'),
    ('blocked', 'Blocked sender'),
    ('forged', 'Sender not confirmed'),
    ('released', 'Released by staff'),
    ('error', 'Could not be read'),
]
GC_LIMIT = 10_000


class RetailMailLog(models.Model):
    """A mail that came to a service address, and what became of it: nothing that came in is unaccounted for.

    Written only by the mail door, one row per mail; its counters (per sender, domain, same text) are read from here, so that
    loops are seen whatever became of the mails. Never changed, except that an acknowledgement is noted; purged after
    as many days as held mails.
    """

    _name = 'retail.mail.log'
    _description = 'Mail Received'
    _order = 'date desc, id desc'
    _rec_name = 'subject'

    date = fields.Datetime(
        string='Received',
        required=True,
        default=fields.Datetime.now,
        help='When the mail came through the door.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, default=lambda self: self.env.company
    )
    sender = fields.Char(help='Address in the From line, in small letters.')
    domain = fields.Char(
        help='Domain of the sender; empty for providers where everybody has an address.'
    )
    subject = fields.Char(help='Subject of the mail.')
    message_id = fields.Char(
        string='Message-ID', help='What the sender calls this mail; a second one is the same mail.'
    )
    body_hash = fields.Char(
        string='Same Text',
        help='Equal for mails that say the same apart from numbers, addresses and dates. Empty for short texts.',
    )
    result = fields.Selection(selection=RESULTS, required=True, help='What became of the mail.')
    reason = fields.Selection(
        selection=REASONS, required=True, help='The rule that decided, the first that fitted.'
    )
    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        ondelete='set null',
        index='btree_not_null',
        help='Ticket that the mail made or was attached to.',
    )
    is_reply = fields.Boolean(string='Answer', help='The mail belongs to a ticket that was there.')
    reopened = fields.Boolean(help='The mail opened its ticket again.')
    acknowledged_at = fields.Datetime(
        string='Acknowledged', help='When the sender got the notice that his mail arrived.'
    )

    _sender_idx = models.Index('(sender, date)')
    _domain_idx = models.Index("(domain, date) WHERE domain <> ''")
    _body_idx = models.Index("(body_hash, date) WHERE body_hash <> ''")
    _message_idx = models.Index('(message_id)')
    _date_idx = models.Index('(date)')

    @api.model
    def _sql_facts(self, sender, domain, body_hash, message_id, since, most):
        """Return the one query for all that the door asks about a sender and a mail: see ``_facts``.

        No count goes further than ``most``: a loop must not get more expensive the longer it runs.
        """

        def count(column, value):
            return SQL(
                '(SELECT count(*) FROM (SELECT 1 FROM retail_mail_log WHERE %s = %s AND date >= %s LIMIT %s) AS few)',
                SQL.identifier(column),
                value or None,
                since,
                most,
            )

        return SQL(
            """
            SELECT %s, %s, %s,
                   EXISTS (SELECT 1 FROM retail_mail_block WHERE active AND name IN (%s, %s)),
                   EXISTS (SELECT 1 FROM retail_mail_log WHERE message_id = %s),
                   EXISTS (SELECT 1 FROM mail_gateway_allowed WHERE email_normalized = %s),
                   EXISTS (SELECT 1 FROM mail_alias WHERE alias_full_name = %s)
                   OR EXISTS (SELECT 1 FROM mail_alias_domain
                               WHERE %s IN (bounce_alias || '@' || name, catchall_alias || '@' || name))
            """,
            count('sender', sender),
            count('domain', domain),
            count('body_hash', body_hash),
            sender or '',
            sender.rpartition('@')[2],
            message_id or None,
            sender or None,
            sender or None,
            sender or '',
        )

    @api.model
    def _facts(self, sender, domain, body_hash, message_id, minutes, most):
        """Return what is known of a sender and a mail.

        :return: ``(Counts, mail was here before, sender is trusted, sender is an address of ours)``
        """
        for name in (self._name, 'retail.mail.block', 'mail.gateway.allowed', 'mail.alias'):
            self.env[name].flush_model()
        self.env['mail.alias.domain'].flush_model()
        since = fields.Datetime.now() - timedelta(minutes=minutes)
        query = self._sql_facts(sender, domain, body_hash, message_id, since, most)
        [(*numbers, known, trusted, own)] = self.env.execute_query(query)
        return Counts(*numbers), known, trusted, own

    @api.model
    def _reopens_today(self, ticket):
        """Return how often mails opened a ticket again in the last 24 hours."""
        since = fields.Datetime.now() - timedelta(days=1)
        return self.search_count(
            [('ticket_id', '=', ticket.id), ('reopened', '=', True), ('date', '>=', since)]
        )

    @api.autovacuum
    def _gc_old(self):
        """Forget what came long ago."""
        for company in self.env['res.company'].search([('retail_quarantine_days', '>', 0)]):
            limit = fields.Datetime.now() - timedelta(days=company.retail_quarantine_days)
            old = self.search(
                [('company_id', '=', company.id), ('date', '<', limit)],
                limit=GC_LIMIT,
                order='date',
            )
            old.unlink()

    @api.model
    def _retail_contact_columns(self):
        """Addresses of customers leave in no export unmasked (S-SEC-09)."""
        return (*super()._retail_contact_columns(), 'sender')
