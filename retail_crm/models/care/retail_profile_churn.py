from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..service.retail_ticket_stage import OPEN_CATEGORIES

#: Contacts without any reaction after which a customer counts as silent, where the company says nothing.
SILENT_COUNT = 3


class RetailProfileChurn(models.Model):
    """What besides silence and falling amounts says that a customer may leave (S-CLV-01).

    An unsolved complaint lists a buyer on the churn list by itself. That he does not react to our contacts is a reason
    told beside others: who buys needs not answer mails. Restricted complaints say nothing here, for those complained
    about read the list. Whether a complaint is open is derived like the other figures; a night corrects what no moment
    told. A low score comes from later areas: see ``_churn_reasons``.
    """

    _inherit = 'retail.profile'

    has_complaint = fields.Boolean(
        string='Open Complaint',
        readonly=True,
        help='Has bought here, and a complaint is not solved yet. Restricted complaints are left out.',
    )
    is_silent = fields.Boolean(
        string='Does Not React',
        compute='_compute_is_silent',
        search='_search_is_silent',
        help='None of the last marketing contacts (3, see the settings of Customer Care) was answered in any way.',
    )

    _churn_idx = models.Index(
        '(company_id, clv_next_12m DESC, last_order_date) '
        "WHERE churn_level IN ('alert', 'watch') OR is_falling IS TRUE OR has_complaint IS TRUE"
    )

    # the night asks who of these has none any more
    _complaint_idx = models.Index('(partner_id) WHERE has_complaint')

    # === REASONS ===#

    @api.depends('has_complaint')
    def _compute_churn_reason(self):
        """Add the other reasons to the sentence; customers who are not listed cost no query."""
        result = super()._compute_churn_reason()
        listed = self.filtered(
            lambda profile: (
                profile.churn_level in ('watch', 'alert')
                or profile.is_falling
                or profile.has_complaint
            )
        )
        reasons = listed._churn_reasons() if listed else {}
        for profile in listed:
            profile.churn_reason = ' '.join(
                filter(None, [profile.churn_reason, *reasons.get(profile.id, ())])
            )
        return result

    def _churn_reasons(self):
        """Hook: return ``{profile id: [sentences]}`` of what else says that these customers may leave.

        Asked for customers of the churn list only, in a fixed number of queries whatever their number. Later areas
        add theirs, for example a low score.
        """
        reasons = {}
        since = self.filtered('has_complaint')._complaints_since()
        for profile in self:
            if day := since.get(profile.id):
                reasons.setdefault(profile.id, []).append(
                    self.env._('Complaint open since %(day)s.', day=format_date(self.env, day))
                )
        for profile_id, count in self._unanswered().items():
            reasons.setdefault(profile_id, []).append(
                self.env._('No reaction to the last %(count)s contacts.', count=count)
            )
        return reasons

    def _complaints_since(self):
        """Return ``{profile id: day of the oldest open complaint}``, in one query."""
        if not self.ids:
            return {}
        self._flush_sums()
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT sums.id, (SELECT min(ticket.received_at)::date %s)
                      FROM retail_profile AS sums WHERE sums.id = ANY(%s)
                    """,
                    self._sql_open_complaints(),
                    self.ids,
                )
            )
        )

    # === COMPLAINTS ===#

    @api.model
    def _sql_open_complaints(self):
        """Return FROM and WHERE of the unsolved complaints of the customer ``sums``."""
        return SQL(
            """FROM retail_ticket AS ticket
               JOIN res_company AS branch ON branch.id = ticket.company_id
                AND split_part(branch.parent_path, '/', 1)::int = sums.company_id
              WHERE ticket.commercial_partner_id = sums.partner_id
                AND ticket.active AND ticket.is_complaint AND ticket.category = ANY(%s)
                AND ticket.is_internal IS NOT TRUE AND ticket.is_restricted IS NOT TRUE""",
            list(OPEN_CATEGORIES),
        )

    @api.model
    def _layers(self):
        """Add whether a complaint is open: PostgreSQL looks one customer up, or hashes the open ones for all."""
        layers = super()._layers()
        layers[-1]['has_complaint'] = SQL(
            '(sums.order_count > 0 AND EXISTS (SELECT %s))', self._sql_open_complaints()
        )
        return layers

    def _flush_sums(self):
        result = super()._flush_sums()
        self.env['retail.ticket'].flush_model(['active', 'is_complaint', 'is_restricted'])
        return result

    def _due_partners(self, *args, **kwargs):
        """Add customers whose complaint is solved, or opened, without a moment that says so (a changed type)."""
        due = super()._due_partners(*args, **kwargs)
        self._flush_sums()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT sums.partner_id FROM retail_profile AS sums
                 WHERE sums.has_complaint AND NOT EXISTS (SELECT %(open)s)
                 UNION
                SELECT sums.partner_id
                  FROM retail_ticket AS complaint
                  JOIN retail_profile AS sums ON sums.partner_id = complaint.commercial_partner_id
                   AND sums.has_complaint IS NOT TRUE AND sums.order_count > 0
                 WHERE complaint.is_complaint AND complaint.category = ANY(%(categories)s)
                   AND EXISTS (SELECT %(open)s)
                """,
                open=self._sql_open_complaints(),
                categories=list(OPEN_CATEGORIES),
            )
        )
        return due | due.browse(partner_id for (partner_id,) in rows)

    def _on_ticket_solved(self, moments):
        """Have the warning follow when a complaint is over, or begins again."""
        self._on_ticket_opened(moments)

    _on_ticket_reopened = _on_ticket_solved
    _on_ticket_archived = _on_ticket_solved

    # === REACTIONS ===#

    @api.depends('partner_id', 'company_id')
    def _compute_is_silent(self):
        unanswered = self._unanswered()
        for profile in self:
            profile.is_silent = profile.id in unanswered

    def _unanswered(self):
        """Return ``{profile id: number of contacts}`` of those who reacted to none of the last ones, in one query."""
        if not self.ids:
            return {}
        self.env['retail.followup'].flush_model()
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT profile.id, %(count)s
                      FROM retail_profile AS profile
                     WHERE profile.id = ANY(%(ids)s)
                       AND %(silent)s
                    """,
                    count=self._sql_silent_count(),
                    ids=self.ids,
                    silent=self._sql_silent(),
                )
            )
        )

    @api.model
    def _sql_silent_count(self):
        """Return how many contacts of ``profile``'s company in a row go without reaction before it is said."""
        return SQL(
            """(SELECT COALESCE(home.retail_care_silent_count, %s)
                  FROM res_company AS home WHERE home.id = profile.company_id)""",
            SILENT_COUNT,
        )

    @api.model
    def _sql_silent(self):
        """Return whether ``profile`` had that many counted marketing contacts and none of the last ones a reaction."""
        return SQL(
            """(SELECT count(*) = %(count)s AND bool_and(COALESCE(contact.reaction, 'none') = 'none')
                  FROM (SELECT followup.reaction
                          FROM retail_followup AS followup
                         WHERE followup.commercial_partner_id = profile.partner_id
                           AND followup.company_id = profile.company_id
                           AND followup.purpose = 'marketing' AND followup.counted_on IS NOT NULL
                         ORDER BY followup.counted_on DESC, followup.id DESC
                         LIMIT %(count)s) AS contact)""",
            count=self._sql_silent_count(),
        )

    def _search_is_silent(self, operator, value):
        if operator != 'in':
            return NotImplemented

        def to_sql(_model, alias, _query):
            self.env['retail.followup'].flush_model()
            found = SQL(
                """%s IN (SELECT profile.id
                            FROM (SELECT contact.commercial_partner_id, contact.company_id
                                    FROM retail_followup AS contact JOIN res_company AS home ON home.id = contact.company_id
                                   WHERE contact.purpose = 'marketing' AND contact.counted_on IS NOT NULL
                                   GROUP BY contact.commercial_partner_id, contact.company_id
                                  HAVING count(*) >= min(COALESCE(home.retail_care_silent_count, %s))) AS contacted
                            JOIN retail_profile AS profile ON profile.partner_id = contacted.commercial_partner_id
                                                          AND profile.company_id = contacted.company_id
                           WHERE %s)""",
                SQL.identifier(alias, 'id'),
                # the last contacts are looked up only of those who had as many
                SILENT_COUNT,
                self._sql_silent(),
            )
            return found if True in value else SQL('NOT %s', found)

        return Domain.custom(to_sql=to_sql)
