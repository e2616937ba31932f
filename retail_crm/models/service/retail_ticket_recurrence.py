from odoo import fields, models
from odoo.tools import SQL


class RetailTicketRecurrence(models.Model):
    """A complaint that comes back: same customer, same product or class, soon after the last one was solved (S-TKT-26)."""

    _inherit = 'retail.ticket'

    recurrence_of_id = fields.Many2one(
        comodel_name='retail.ticket',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        help='Earlier complaint of the same customer about the same product or class, which was solved shortly before.',
    )
    is_recurrence = fields.Boolean(
        string='Comes Back',
        readonly=True,
        copy=False,
        help='The same complaint was solved shortly before: it was not solved for good.',
    )

    _solved_complaint_idx = models.Index(
        '(commercial_partner_id, solved_at) WHERE is_complaint AND solved_at IS NOT NULL'
    )

    def _sql_recurrence(self):
        """Return the query of ``(complaint, the one that it repeats or NULL)``.

        It counts from filing, or from solving where it was not filed yet, through the last second of the window.
        """
        return SQL(
            """
            SELECT ticket.id, (
                SELECT earlier.id
                  FROM retail_ticket earlier
                  JOIN res_company company ON company.id = earlier.company_id
                 WHERE earlier.commercial_partner_id = ticket.commercial_partner_id
                   AND earlier.is_complaint
                   AND earlier.solved_at IS NOT NULL
                   AND earlier.category IN ('solved', 'archived')
                   AND earlier.merged_into_id IS NULL
                   AND earlier.id <> ticket.id
                   AND earlier.solved_at <= ticket.received_at
                   AND ticket.received_at <= COALESCE(earlier.archived_at, earlier.solved_at)
                                             + make_interval(days => root.retail_recurrence_days)
                   AND (earlier.product_id = ticket.product_id OR earlier.class_id = ticket.class_id)
                   AND split_part(company.parent_path, '/', 1) = root.id::text
                   AND root.retail_recurrence_days > 0
                 ORDER BY earlier.solved_at DESC, earlier.id DESC
                 LIMIT 1
            )
              FROM retail_ticket ticket
              JOIN res_company own ON own.id = ticket.company_id
              JOIN res_company root ON root.id = split_part(own.parent_path, '/', 1)::integer
             WHERE ticket.id = ANY(%s)
            """,
            list(self.ids),
        )

    def _seek_recurrence(self):
        """Link complaints to those that they repeat, raise their priority and alert the team leaders."""
        wanted = self.filtered(
            lambda ticket: (
                ticket.is_complaint and ticket.commercial_partner_id and ticket._is_open()
            )
        )
        if not wanted:
            return
        self.flush_model()
        self.env['res.company'].flush_model(['retail_recurrence_days', 'parent_path'])
        found = dict(self.env.execute_query(wanted._sql_recurrence()))
        changed = wanted.filtered(
            lambda ticket: ticket.recurrence_of_id.id != (found[ticket.id] or False)
        )
        alerted = changed.filtered(lambda ticket: found[ticket.id] and not ticket.recurrence_of_id)
        for earlier, tickets in changed.grouped(lambda ticket: found[ticket.id]).items():
            tickets._stamp({'recurrence_of_id': earlier, 'is_recurrence': bool(earlier)})
        alerted._raise_priority('2')
        self._plan_tasks(
            [
                # not to the leader whom the earlier one was about
                (ticket, ticket.team_id._leader() - ticket.recurrence_of_id.blocked_user_id)
                for ticket in alerted
            ],
            lambda ticket: self.env._(
                'Comes back: %(ticket)s repeats %(earlier)s',
                ticket=ticket.display_name,
                earlier=ticket.recurrence_of_id.name,
            ),
        )
