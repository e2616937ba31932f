from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from .retail_ticket_look_up import _literal

#: Texts of tickets that tell nothing about anybody.
_KEPT = {'name'}
#: Texts of what belongs to tickets that tell nothing about anybody: product, step, what the clock did.
_KEPT_OF_CHILDREN = {'lot', 'code', 'kind', 'name', 'display_name', 'res_model'}
#: Tickets that are forgotten between two commits.
_BATCH = 500


class RetailTicketForget(models.Model):
    """What stays of a ticket when its customer is forgotten: that there was one, what about, how long it took.

    Tickets are never deleted and never change their company. Words, names, addresses, messages and files go when the
    customer is anonymised, and after some years (defaults 25); class, cause, dates and counts stay.
    """

    _inherit = 'retail.ticket'

    anonymised_on = fields.Date(
        readonly=True,
        copy=False,
        help='Since when nothing on it tells any more who asked and what was said.',
    )

    _forget_idx = models.Index(
        "(stage_since) WHERE anonymised_on IS NULL AND category IN ('solved', 'archived', 'cancelled')"
    )

    def write(self, vals):
        """Keep tickets in their company: number, rules and deadlines are those of it.

        :raise UserError: when a ticket would change its company
        """
        if 'company_id' in vals and any(
            ticket.company_id.id != vals['company_id'] for ticket in self
        ):
            raise UserError(
                self.env._(
                    'A ticket stays in its company. Open one in the other company and refer to this one.'
                )
            )
        return super().write(vals)

    @api.model
    def _of_customers(self, partners):
        """Return all tickets of contacts, also those that were opened from their address before they were known."""
        addresses = partners._retail_ticket_contacts()[0]
        return self.with_context(active_test=False).search(
            Domain('partner_id', 'in', partners.ids)
            | Domain.OR(
                # literally: with "_" and "%" it would find others, whose tickets would be emptied
                Domain('partner_id', '=', False)
                & Domain('partner_email', '=ilike', _literal(email))
                for email in addresses
            )
        )

    def _forget(self, keep_customer=True):
        """Empty what tells who asked and what was said; the caller has checked rights.

        :param keep_customer: whether the tickets stay with their customer, who is anonymous himself
        """
        if not self:
            return
        # sudo: the system's work; the callers checked rights
        tickets_sudo = self.sudo()
        env = tickets_sudo.env
        env.flush_all()
        self._forget_texts(tickets_sudo, keep_customer)
        self._forget_children(tickets_sudo)
        messages = SQL("model = 'retail.ticket' AND res_id = ANY(%s)", self.ids)
        env['res.partner']._retail_empty_messages(messages)
        on_tickets = [('res_model', '=', 'retail.ticket'), ('res_id', 'in', self.ids)]
        env.invalidate_all()
        env['ir.attachment'].search([*on_tickets, ('res_field', '=', False)]).unlink()
        env['mail.activity'].with_context(active_test=False).search(on_tickets).unlink()
        self._forget_mails(Domain('ticket_id', 'in', self.ids))
        env.invalidate_all()

    @api.model
    def _forget_mails(self, domain):
        """Remove held mails with their files, and what the list of mails tells of a sender."""
        # sudo: as above
        self.env['retail.quarantine'].sudo().search(domain).unlink()
        self.env['retail.mail.log'].sudo().search(domain).write(
            {'sender': False, 'domain': False, 'subject': False, 'message_id': False}
        )

    @api.model
    def _forget_copies(self, emails):
        """Take addresses out of the tickets of others, on which their owner was in copy or answered."""
        if not emails:
            return
        named = Domain.OR(Domain('email_cc', 'ilike', _literal(email)) for email in emails)
        tickets = self.with_context(active_test=False).search(
            named | Domain('unknown_sender', 'in', list(emails))
        )
        for ticket in tickets:
            copies = ticket._mail_cc_sanitized_raw_dict(ticket.email_cc)
            kept = [text for address, text in copies.items() if address not in emails]
            ticket._stamp(
                {
                    'email_cc': ', '.join(kept) or False,
                    **({'unknown_sender': False} if ticket.unknown_sender in emails else {}),
                }
            )

    @api.model
    def _forget_texts(self, tickets, keep_customer):
        """Empty all texts of tickets themselves, whichever file defines them."""
        gone = [
            field.name
            for field in self._fields.values()
            if field.store
            and field.column_type
            and field.type in ('char', 'text', 'html')
            and not field.required
            and field.name not in _KEPT
        ]
        if not keep_customer:
            gone += ['partner_id', 'commercial_partner_id']
        self.env.cr.execute(
            SQL(
                'UPDATE retail_ticket SET %s, subject = %s, anonymised_on = %s WHERE id = ANY(%s)',
                SQL(', ').join(SQL('%s = NULL', SQL.identifier(name)) for name in gone),
                self.env._('Anonymised'),
                fields.Date.context_today(self),
                tickets.ids,
            )
        )

    @api.model
    def _forget_children(self, tickets):
        """Empty the texts of all our records that belong to a ticket, whichever file defines them."""
        kept = self._forget_keeps()
        for name in sorted(self.env.registry):
            model = self.env[name]
            if name.startswith('retail.') and model._auto and not model._transient:
                links, texts = self._texts_about_tickets(model)
                if name not in kept and links and texts:
                    self.env.cr.execute(
                        SQL(
                            'UPDATE %s SET %s WHERE %s',
                            SQL.identifier(model._table),
                            SQL(', ').join(
                                SQL('%s = %s', SQL.identifier(field), '' if required else None)
                                for field, required in texts.items()
                            ),
                            SQL(' OR ').join(
                                SQL('%s = ANY(%s)', SQL.identifier(link), tickets.ids)
                                for link in links
                            ),
                        )
                    )

    @api.model
    def _texts_about_tickets(self, model):
        """Return by which fields a model belongs to tickets, and its texts: ``{field: whether it is required}``."""
        stored = [field for field in model._fields.values() if field.store and field.column_type]
        links = [
            field.name
            for field in stored
            if field.type == 'many2one' and field.comodel_name == self._name
        ]
        texts = {
            field.name: field.required
            for field in stored
            if field.type in ('text', 'html')
            or (field.type == 'char' and not field.required and field.name not in _KEPT_OF_CHILDREN)
        }
        return links, {
            name: required for name, required in texts.items() if not model._fields[name].translate
        }

    @api.model
    def _forget_keeps(self):
        """Hook: return models whose texts are about more than one customer, and stay."""
        return {self._name, 'retail.incident'}

    # === AFTER YEARS ===#

    @api.model
    def _to_forget(self, limit=None):
        """Return tickets that were closed longer ago than their company keeps them."""
        found = self.browse()
        for company in self.env['res.company'].sudo().search([('retail_keep_years', '>', 0)]):
            since = fields.Datetime.now() - relativedelta(years=company.retail_keep_years)
            found += self.with_context(active_test=False).search(
                [
                    ('company_id', '=', company.id),
                    ('category', 'in', ('solved', 'archived', 'cancelled')),
                    ('stage_since', '<', since),
                    ('anonymised_on', '=', False),
                ],
                limit=limit,
                order='stage_since',
            )
            if limit and len(found) >= limit:
                break
        return found[:limit] if limit else found

    @api.model
    def _cron_forget(self):
        """Forget who asked for what in old tickets, batch by batch."""
        while tickets := self.sudo()._to_forget(_BATCH):  # sudo: the system's work
            tickets._forget(keep_customer=False)
            if not self.env['ir.cron']._commit_progress(len(tickets)):
                break

    # === DATA REPORT ===#

    @api.model
    def _retail_report_fields(self):
        """Leave out of the report to the customer what staff thought of him, and what is technical."""
        hidden = {
            'intake_7',
            'color',
            'priority',
            'next_event_at',
            'is_restricted',
            'blocked_user_id',
            'round',
        }
        return [field for field in super()._retail_report_fields() if field.name not in hidden]
