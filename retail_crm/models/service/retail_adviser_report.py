from odoo import fields, models
from odoo.tools import SQL

from .retail_ticket_stage import OPEN_CATEGORIES


class RetailAdviserReport(models.Model):
    """How much each adviser looks after: customers, of them of high value, and their open requests (S-STF-15).

    One row per adviser, of the main company of his account; computed when asked. Contacts of a company count with it.
    """

    _name = 'retail.adviser.report'
    _description = 'Workload of Advisers'
    _auto = False
    _order = 'customer_count desc, id'
    _rec_name = 'user_id'
    _depends = {
        'res.partner': ['active', 'commercial_partner_id', 'retail_adviser_id'],
        'res.users': ['active', 'company_id', 'retail_substitute_id'],
        'retail.profile': ['is_high_value', 'partner_id'],
        'retail.ticket': ['active', 'category', 'commercial_partner_id', 'user_id'],
    }

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Adviser',
        readonly=True,
        help='Who looks after these customers.',
    )
    substitute_id = fields.Many2one(
        comodel_name='res.users', readonly=True, help='Stands in while the adviser is away.'
    )
    customer_count = fields.Integer(
        string='Customers', readonly=True, help='Customers whose adviser the employee is.'
    )
    high_value_count = fields.Integer(
        string='Of High Value', readonly=True, help='Of these, customers of high value.'
    )
    request_count = fields.Integer(
        string='Open Requests of Customers',
        readonly=True,
        help='Open tickets of these customers, whoever handles them.',
    )
    own_count = fields.Integer(
        string='Own Open Tickets',
        readonly=True,
        help='Open tickets that the adviser owns, of any customer.',
    )
    is_gone = fields.Boolean(
        string='Has Left',
        readonly=True,
        help='The account is archived: somebody else has to look after these customers.',
    )

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT account.id AS id, account.id AS user_id, account.retail_substitute_id AS substitute_id,
                   split_part(company.parent_path, '/', 1)::int AS company_id,
                   NOT account.active AS is_gone,
                   care.customer_count, care.high_value_count, care.request_count,
                   (SELECT COUNT(*) FROM retail_ticket AS own
                     WHERE own.user_id = account.id AND own.active AND own.category IN %(open)s) AS own_count
              FROM (
                   SELECT customer.retail_adviser_id AS user_id, COUNT(*) AS customer_count,
                          COUNT(*) FILTER (WHERE EXISTS (
                              SELECT FROM retail_profile AS profile
                               WHERE profile.partner_id = customer.id AND profile.is_high_value)) AS high_value_count,
                          COALESCE(SUM((
                              SELECT COUNT(*) FROM retail_ticket AS ticket
                               WHERE ticket.commercial_partner_id = customer.id AND ticket.active
                                 AND ticket.category IN %(open)s)), 0)::int AS request_count
                     FROM res_partner AS customer
                    WHERE customer.retail_adviser_id IS NOT NULL AND customer.active
                      AND customer.commercial_partner_id = customer.id
                    GROUP BY customer.retail_adviser_id
                   ) AS care
              JOIN res_users AS account ON account.id = care.user_id
              JOIN res_company AS company ON company.id = account.company_id
            """,
            open=OPEN_CATEGORIES,
        )

    def action_open_customers(self):
        """Open the customers of one adviser."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.user_id.name,
            'res_model': 'res.partner',
            'view_mode': 'list,kanban,form',
            'domain': [('retail_adviser_id', '=', self.user_id.id)],
        }
