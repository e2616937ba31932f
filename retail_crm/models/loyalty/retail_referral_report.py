from odoo import api, fields, models
from odoo.tools import SQL


class RetailReferralReport(models.Model):
    """Who referred whom, and what came of it: one row for each referred customer and company he belongs to or buys in.

    Read from contacts and figures when asked. Rights are those of the contacts: a row shows no more than their lists.
    """

    _name = 'retail.referral.report'
    _description = 'Referral'
    _auto = False
    _order = 'first_order_date desc, id'
    _depends = {
        'res.partner': ['retail_referrer_id', 'commercial_partner_id', 'company_id'],
        'retail.profile': [
            'partner_id',
            'company_id',
            'first_order_date',
            'order_count',
            'spend_total',
            'spend_12m',
        ],
    }

    referrer_id = fields.Many2one(
        comodel_name='res.partner', readonly=True, help='Customer who recommended us.'
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Referred Customer',
        readonly=True,
        help='Customer who came by the recommendation.',
    )
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    currency_id = fields.Many2one(comodel_name='res.currency', readonly=True)
    first_order_date = fields.Date(
        string='First Purchase', readonly=True, help='Empty: has not bought yet.'
    )
    has_bought = fields.Boolean(
        readonly=True, help='The referred customer has bought in this company.'
    )
    order_count = fields.Integer(string='Purchases', readonly=True, help='Purchases so far.')
    spend_total = fields.Monetary(
        string='Revenue', readonly=True, help='Bought so far, net of tax and returns.'
    )
    spend_12m = fields.Monetary(
        string='Revenue (12 months)',
        readonly=True,
        help='Bought in the last 12 months, net of tax and returns.',
    )

    @api.depends('referrer_id', 'partner_id')
    def _compute_display_name(self):
        for row in self:
            row.display_name = ' > '.join(
                filter(None, (row.referrer_id.display_name, row.partner_id.display_name))
            )

    @property
    def _table_query(self):
        """Return the SELECT of all referrals in all main companies; a contact's are those of the company."""
        roots = self.env['res.company']._retail_roots()
        return SQL(
            """
            SELECT referral.partner_id::bigint * 100000 + company.id AS id, referral.referrer_id, referral.partner_id,
                   company.id AS company_id, company.currency_id, profile.first_order_date,
                   COALESCE(profile.order_count, 0) > 0 AS has_bought, COALESCE(profile.order_count, 0) AS order_count,
                   COALESCE(profile.spend_total, 0) AS spend_total, COALESCE(profile.spend_12m, 0) AS spend_12m
              FROM (
                   SELECT DISTINCT ON (referred.commercial_partner_id)
                          referred.commercial_partner_id AS partner_id, referred.company_id,
                          referrer.commercial_partner_id AS referrer_id
                     FROM res_partner AS referred
                     JOIN res_partner AS referrer ON referrer.id = referred.retail_referrer_id
                    WHERE referrer.commercial_partner_id <> referred.commercial_partner_id
                    ORDER BY referred.commercial_partner_id, referred.id
                   ) AS referral
              LEFT JOIN res_company AS own ON own.id = referral.company_id
              JOIN res_company AS company ON company.id = ANY(%s)
               AND (own.id IS NULL OR own.id = company.id OR own.parent_path LIKE company.id || '/%%')
              LEFT JOIN retail_profile AS profile
                ON profile.partner_id = referral.partner_id AND profile.company_id = company.id
            """,
            roots.ids,
        )

    def action_open_partner(self):
        """Open the referred customer."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'res.partner',
            'res_id': self.partner_id.id,
            'view_mode': 'form',
        }
