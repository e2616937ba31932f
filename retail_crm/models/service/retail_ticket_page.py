import contextlib

from odoo import api, models
from odoo.exceptions import AccessError, MissingError
from odoo.fields import Domain
from odoo.tools import SQL

from ._few import fetch_few

#: What record rules ask of a ticket (security/service_rules.xml): read together with what a page shows.
_OF_RULES = ('blocked_user_id', 'company_id', 'is_complaint', 'is_restricted', 'user_id')
#: Columns that creating, moving and answering ask for.
_USUAL = (
    'access_token',
    'active',
    'agent_message_count',
    'appointment_at',
    'appointment_state',
    'archived_at',
    'assign_after',
    'assigned_at',
    'back_reason',
    'blocked_user_id',
    'case_kind',
    'category',
    'cause_id',
    'channel_id',
    'claim_amount',
    'clock_calendar_id',
    'clock_kept',
    'commercial_partner_id',
    'company_id',
    'counter_wish',
    'customer_message_count',
    'customer_opinion',
    'data_request',
    'deadline',
    'dispute_date',
    'dispute_instance',
    'dispute_result',
    'dissatisfaction_id',
    'due_at',
    'email_cc',
    'escalation_level',
    'findings',
    'first_contact_until',
    'first_response_at',
    'first_response_deadline',
    'first_solved_at',
    'is_breached',
    'is_complaint',
    'is_dispute',
    'is_internal',
    'is_major',
    'is_possibly_thanks',
    'is_restricted',
    'last_agent_at',
    'last_customer_at',
    'merged_into_id',
    'name',
    'next_breach_count',
    'next_event_at',
    'next_response_deadline',
    'next_worst_hours',
    'order_id',
    'parent_id',
    'partner_email',
    'partner_id',
    'partner_name',
    'partner_phone',
    'plan',
    'priority',
    'problem_gone',
    'promised_at',
    'reason_id',
    'received_at',
    'remedy_state',
    'remind_at',
    'reopen_count',
    'reopened_by',
    'result',
    'review_url',
    'satisfied',
    'sla_policy_id',
    'solution',
    'solution_amount',
    'solve_deadline',
    'solved_at',
    'solved_by',
    'stage_id',
    'stage_since',
    'step',
    'store_id',
    'subject',
    'team_id',
    'tell_stage_id',
    'tend_at',
    'type_id',
    'unassigned_minutes',
    'unassigned_since',
    'unknown_sender',
    'user_id',
    'verdict',
    'waiting_since',
)
#: Columns from which the name of a contact is made.
_OF_NAMES = (
    'commercial_company_name',
    'company_name',
    'complete_name',
    'is_company',
    'name',
    'parent_id',
    'type',
)


class RetailTicketPage(models.Model):
    """Lists and forms of tickets in few queries. What they show is what Odoo would read without this file.

    Only the cache is filled here, in larger steps; who may read what is decided afterwards, as always.
    """

    _inherit = 'retail.ticket'

    # counts of lists, with what record rules ask: read from here alone, not from 10,000 wide rows
    _count_idx = models.Index(
        """(company_id, category, deadline)
           INCLUDE (id, blocked_user_id, is_complaint, is_restricted, user_id) WHERE active IS TRUE"""
    )

    @api.model
    def search_fetch(self, domain, field_names=None, offset=0, limit=None, order=None):
        """Read what record rules ask with the page: else each page reads all columns of its tickets for them."""
        if field_names:
            fields = [self._fields[name] for name in _OF_RULES]
            may = [field.name for field in fields if self._has_field_access(field, 'read')]
            field_names = list(dict.fromkeys([*field_names, *may]))
            if limit and self._is_by_deadline(domain):
                # chosen from the narrow index first: sorting all that are late means reading them, and they are wide
                page = self.search(domain, offset=offset, limit=limit, order=order)
                domain, offset = [('id', 'in', page.ids)], 0
        return super().search_fetch(domain, field_names, offset=offset, limit=limit, order=order)

    def _fetch_field(self, field):
        """Read with a column those that are usually wanted with it; the other 90 when one of them is asked for."""
        if fetch_few(self, field, _USUAL):
            return None
        return super()._fetch_field(field)

    @staticmethod
    def _is_by_deadline(domain):
        """Return whether a domain asks for a deadline, of which an index knows and the order of the list does not."""
        return any(
            condition.field_expr in ('deadline', 'is_overdue')
            for condition in Domain(domain).iter_conditions()
        )

    @api.readonly
    def web_read(self, specification):
        with contextlib.suppress(MissingError):  # gone meanwhile: Odoo leaves it out
            if len(self) == 1:
                self._fetch_lists(specification)
            self._fetch_people(specification)
            self.env.companies._retail_fetch()
        return super().web_read(specification)

    def _fetch_lists(self, specification):
        """Ask once which lists of one ticket are empty: most are, and each would be asked for by itself.

        Rows of the others are read with all columns at once, as Odoo would in two steps.
        """
        ticket = self._origin
        if not ticket:
            return
        empty = {}
        # tasks are not shown themselves, but counted
        for name in ('child_ids', *specification):
            field = self._fields.get(name)
            if rows := field is not None and ticket._sql_rows_of(field):
                empty[name] = SQL('NOT EXISTS (%s)', rows)
        if not empty:
            return
        [answers] = self.env.execute_query(SQL('SELECT %s', SQL(', ').join(empty.values())))
        for name, is_empty in zip(empty, answers, strict=True):
            field = self._fields[name]
            if is_empty:
                field._insert_cache(ticket, [()])
            elif field.type == 'one2many' and specification.get(name, {}).get('fields'):
                ticket._fetch_rows(field)

    def _fetch_rows(self, field):
        """Read the rows of a stored list of one ticket, those that the user may see, in its order."""
        rows = self.env[field.comodel_name].with_context(active_test=False, **field.context)
        domain = field.get_comodel_domain(self) & Domain(field.inverse_name, 'in', self.ids)
        with contextlib.suppress(AccessError):  # Odoo tells, as always
            field._insert_cache(self, [rows.search_fetch(domain)._ids])

    def _sql_rows_of(self, field):
        """Return a query for the rows of a stored list of one ticket, or None for any other field."""
        if field.type == 'many2many' and field.store and not field.compute:
            table, column, flushed = field.relation, field.column1, field
        elif field.type == 'one2many' and not field.compute:
            flushed = self.env[field.comodel_name]._fields[field.inverse_name]
            if flushed.type != 'many2one' or not flushed.store:
                return None
            table, column = self.env[field.comodel_name]._table, flushed.name
        else:
            return None
        return SQL(
            'SELECT FROM %s WHERE %s = %s',
            SQL.identifier(table),
            SQL.identifier(column, to_flush=flushed),
            self.id,
        )

    def _fetch_people(self, specification):
        """Read the customers and colleagues of a page together; for a list, only what their names are made of."""
        tickets = self._origin
        # sudo: names only, which Odoo reads in the same way; the rest stays behind its own checks
        tickets_sudo, users = tickets.sudo(), self.env['res.users'].sudo()
        partners = self.env['res.partner'].sudo()
        stored = [
            name
            for name in specification
            if name in self._fields and self._fields[name].column_type
        ]
        tickets_sudo.fetch({*stored, *_OF_RULES})  # in one row, not the usual columns first
        for name, asked in specification.items():
            field = self._fields.get(name)
            if not (field and field.store and field.type == 'many2one' and asked.get('fields')):
                continue
            if field.comodel_name == 'res.users':
                users |= tickets_sudo[name]
            elif field.comodel_name == 'res.partner':
                partners |= tickets_sudo[name]
        users.fetch(['partner_id'])
        (partners | users.partner_id).fetch(_OF_NAMES if len(tickets) > 1 else None)
