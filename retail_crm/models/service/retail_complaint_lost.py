from datetime import timedelta

from odoo import fields, models
from odoo.tools import SQL

from ..customer._classes import ABC


class RetailComplaintLost(models.Model):
    """Customers lost after complaints, compared with customers of the same class who had none (S-TKT-39).

    One row per customer and company, computed when asked. Looked at from a day: that of his last complaint which is
    long enough ago, or, without a complaint, so many days ago (``retail_lost_days``). Only who bought in the 12 months
    before that day can be lost; lost is who then bought nothing for so many days. Restricted complaints count, and the
    person complained about does not see the row.
    """

    _name = 'retail.complaint.lost'
    _description = 'Customer Kept or Lost'
    _auto = False
    _order = 'is_lost desc, revenue_before desc, id'
    _rec_name = 'partner_id'

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    partner_id = fields.Many2one(
        comodel_name='res.partner', string='Customer', readonly=True, help='Who it is.'
    )
    abc_class = fields.Selection(
        selection=ABC,
        string='ABC Class',
        readonly=True,
        help="The customer's class today.",
    )
    has_complained = fields.Selection(
        selection=[('yes', 'After a complaint'), ('no', 'Without complaint')],
        string='Complaint',
        readonly=True,
        help='Whether there was a complaint in the last two years that is long enough ago.',
    )
    class_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Main Class',
        readonly=True,
        help='Class of the complaint.',
    )
    store_id = fields.Many2one(
        comodel_name='crm.team', readonly=True, help='Store that the complaint was about.'
    )
    date = fields.Date(
        string='Looked at From',
        readonly=True,
        help='Day of the complaint, or the day of comparison.',
    )
    customers = fields.Integer(readonly=True, help='Number of customers.')
    lost = fields.Integer(readonly=True, help='Customers who bought nothing any more.')
    is_lost = fields.Boolean(
        string='Did Not Come Back', readonly=True, help='Bought before, and nothing since that day.'
    )
    lost_share = fields.Float(
        string='Share Lost', readonly=True, aggregator='avg', help='Lost customers of all.'
    )
    revenue_before = fields.Monetary(
        string='Revenue 12 Months Before', readonly=True, help='Net of tax and returns.'
    )
    revenue_after = fields.Monetary(
        string='Revenue 12 Months After',
        readonly=True,
        help='Net of tax and returns; up to today when 12 months are not over.',
    )
    blocked_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Person Complained About',
        readonly=True,
        groups='retail_crm.group_complaint,retail_crm.group_manager',
        help='Does not see the row.',
    )

    @property
    def _table_query(self):
        return self._sql_rows()

    def _sql_rows(self):
        """Return the rows: one pass over the purchases of three years."""
        self.env['retail.complaint.rate']._flush_rows()
        today = fields.Date.context_today(self)
        # sudo: settings of all companies
        roots = self.env['res.company'].sudo().search([('parent_id', '=', False)])
        rows = [
            SQL('(%s, %s, %s::date)', root.id, days, today - timedelta(days=days))
            for root in roots
            for days in [root.retail_lost_days]
        ]
        return SQL(
            """
            WITH setting (company_id, days, day) AS (VALUES %(settings)s),
            complaint AS MATERIALIZED (
                SELECT DISTINCT ON (root.id, t.commercial_partner_id)
                       root.id AS company_id, t.commercial_partner_id AS partner_id, local.date,
                       CASE WHEN t.is_restricted IS NOT TRUE THEN t.class_id END AS class_id,
                       CASE WHEN t.is_restricted IS NOT TRUE THEN t.store_id END AS store_id, t.blocked_user_id,
                       local.date <= setting.day AS is_due
                  FROM retail_ticket t
                  JOIN retail_ticket_type kind ON kind.id = t.type_id
                  JOIN res_company c ON c.id = t.company_id
                  JOIN res_company root ON root.id = split_part(c.parent_path, '/', 1)::int
                  JOIN setting ON setting.company_id = root.id
             LEFT JOIN resource_calendar calendar ON calendar.id = root.resource_calendar_id
            CROSS JOIN LATERAL (
                           SELECT timezone(COALESCE(calendar.tz, 'UTC'), timezone('UTC', t.received_at))::date AS date
                       ) local  -- purchases have the day where the company is, too
                 WHERE t.active AND t.is_complaint AND t.is_internal IS NOT TRUE AND t.category <> 'cancelled'
                   AND t.merged_into_id IS NULL AND kind.code IS DISTINCT FROM 'recovery'
                   AND t.commercial_partner_id IS NOT NULL
                   AND t.received_at >= %(today)s::date - 730
                 ORDER BY root.id, t.commercial_partner_id, is_due DESC, t.received_at DESC, t.id DESC
            ), seen AS (
                SELECT p.company_id, p.partner_id, setting.days, COALESCE(complaint.date, setting.day) AS day,
                       complaint.partner_id IS NOT NULL AS has_complained, complaint.class_id, complaint.store_id,
                       complaint.blocked_user_id,
                       p.date AS bought, p.amount
                  FROM retail_purchase p
                  JOIN setting ON setting.company_id = p.company_id
             LEFT JOIN complaint ON complaint.company_id = p.company_id AND complaint.partner_id = p.partner_id
                 WHERE p.counts AND p.date >= %(today)s::date - 1096
                   AND (complaint.partner_id IS NULL OR complaint.is_due)
            ), customer AS (
                SELECT company_id, partner_id, day, has_complained, class_id, store_id, blocked_user_id,
                       SUM(amount) FILTER (WHERE bought <= day AND bought > day - 365) AS revenue_before,
                       COALESCE(SUM(amount) FILTER (WHERE bought > day AND bought <= day + 365), 0) AS revenue_after,
                       COUNT(*) FILTER (WHERE bought > day AND bought <= day + days) = 0 AS is_lost
                  FROM seen
                 GROUP BY company_id, partner_id, day, days, has_complained, class_id, store_id, blocked_user_id
                HAVING COUNT(*) FILTER (WHERE bought <= day AND bought > day - 365) > 0
            )
            SELECT customer.company_id::bigint * 1000000000 + customer.partner_id AS id,
                   customer.company_id, customer.partner_id, profile.abc_class,
                   CASE WHEN has_complained THEN 'yes' ELSE 'no' END AS has_complained,
                   class_id, store_id, blocked_user_id, day AS date, 1 AS customers, is_lost::int AS lost, is_lost,
                   is_lost::int::float AS lost_share, revenue_before, revenue_after
              FROM customer
         LEFT JOIN retail_profile profile ON profile.company_id = customer.company_id
                                         AND profile.partner_id = customer.partner_id
            """,
            settings=SQL(', ').join(rows),
            today=today,
        )

    def action_open_tickets(self):
        """Open the complaints of a customer that the user may read."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Complaints'),
            'res_model': 'retail.ticket',
            'view_mode': 'list,form',
            'domain': [
                ('commercial_partner_id', '=', self.partner_id.id),
                ('is_complaint', '=', True),
            ],
        }
