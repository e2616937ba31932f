from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from ..customer.res_partner import FIGURE_GROUPS

_OPERATORS = {'>': SQL('>'), '>=': SQL('>='), '<': SQL('<'), '<=': SQL('<=')}


class ResPartnerReferral(models.Model):
    """Whom a customer has referred, and what they brought (S-LOY-27): derived from *Referred By* and their figures.

    Those of a contact are those of the company; nobody refers himself, and no two refer each other. Customers who are
    archived still count: what they bought stays bought. Anonymised ones name no referrer any more.
    """

    _inherit = 'res.partner'

    retail_referral_count = fields.Integer(
        string='Referred Customers',
        compute='_compute_retail_referrals',
        search='_search_retail_referral_count',
        groups=FIGURE_GROUPS,
        help='Customers who name this one as the one who recommended us.',
    )
    retail_referral_buyer_count = fields.Integer(
        string='Referred Who Bought',
        compute='_compute_retail_referrals',
        groups=FIGURE_GROUPS,
        help='How many of the referred customers have bought.',
    )
    retail_referral_spend_total = fields.Monetary(
        string='Referred Revenue',
        currency_field='retail_currency_id',
        compute='_compute_retail_referrals',
        groups=FIGURE_GROUPS,
        help='What the referred customers bought so far, net of tax and returns, in the current company.',
    )
    retail_referral_spend_12m = fields.Monetary(
        string='Referred Revenue (12 months)',
        currency_field='retail_currency_id',
        compute='_compute_retail_referrals',
        groups=FIGURE_GROUPS,
        help='What the referred customers bought in the last 12 months, net of tax and returns.',
    )

    @api.depends('retail_summary')
    @api.depends_context('company')
    def _compute_retail_referrals(self):
        for partner in self.sudo():  # sudo: writes the cache of fields that only some groups read
            found = (partner.retail_summary or {}).get('referrals') or {}
            partner.retail_referral_count = found.get('customers') or 0
            partner.retail_referral_buyer_count = found.get('buyers') or 0
            partner.retail_referral_spend_total = found.get('total') or 0
            partner.retail_referral_spend_12m = found.get('year') or 0

    @api.model
    def _summary_parts(self):
        """Add the customers whom this one referred."""
        return {
            **super()._summary_parts(),
            'referrals': SQL(
                """(SELECT jsonb_build_object(
                               'customers', count(*), 'buyers', count(*) FILTER (WHERE profile.order_count > 0),
                               'total', sum(profile.spend_total), 'year', sum(profile.spend_12m))
                      FROM (%(referrals)s AND referrer.commercial_partner_id = customer.commercial_partner_id) AS one
                      LEFT JOIN retail_profile AS profile
                        ON profile.partner_id = one.referred_id AND profile.company_id = %(company)s)""",
                referrals=self._sql_referrals(),
                company=self.env.company.root_id.id,
            ),
        }

    @api.model
    def _summary_flush(self):
        return [
            *super()._summary_flush(),
            (['order_count', 'spend_total', 'spend_12m'], 'retail.profile'),
        ]

    @api.model
    def _sql_referrals(self):
        """Return the SELECT of ``referrer_id, referred_id`` of the customers of the current company, to add conditions."""
        self.flush_model(['retail_referrer_id', 'commercial_partner_id', 'company_id'])
        return SQL(
            """SELECT DISTINCT referrer.commercial_partner_id AS referrer_id,
                      referred.commercial_partner_id AS referred_id
                 FROM res_partner AS referred
                 JOIN res_partner AS referrer ON referrer.id = referred.retail_referrer_id
                WHERE referrer.commercial_partner_id <> referred.commercial_partner_id
                  AND (referred.company_id IS NULL OR referred.company_id IN (
                       SELECT id FROM res_company WHERE parent_path LIKE %s))""",
            f'{self.env.company.root_id.id}/%',
        )

    def _search_retail_referral_count(self, operator, value):
        """Search referrers by the number of those they referred: one sub-select whatever the number of contacts."""
        # Odoo asks for a field's groups in a domain only where it reads the field's column.
        self._check_field_access(self._fields['retail_referral_count'], 'read')
        if operator == 'in':
            numbers = [int(number or 0) for number in value]
            fits, condition = (0 in numbers), SQL('count(*) = ANY(%s)', numbers)
        elif operator in _OPERATORS and isinstance(value, int | float):
            compared = {'>': 0 > value, '>=': 0 >= value, '<': 0 < value, '<=': 0 <= value}
            fits, condition = compared[operator], SQL('count(*) %s %s', _OPERATORS[operator], value)
        else:
            return NotImplemented
        if fits:  # those whom nobody names, too
            condition = SQL('NOT (%s)', condition)

        def to_sql(_model, alias, _query):
            return SQL(
                '%s %s (SELECT referrer_id FROM (%s) AS one GROUP BY referrer_id HAVING %s)',
                SQL.identifier(alias, 'commercial_partner_id'),
                SQL('NOT IN') if fits else SQL('IN'),
                self._sql_referrals(),
                condition,
            )

        return Domain.custom(to_sql=to_sql)

    def _field_to_sql(self, alias, field_expr, query=None):
        """Sort and group by the number through one LEFT JOIN of the few who have referred anybody."""
        if query is None or field_expr != 'retail_referral_count':
            return super()._field_to_sql(alias, field_expr, query)
        self._check_field_access(self._fields[field_expr], 'read')
        join_alias = query.make_alias(alias, 'retail_referrals')
        if join_alias not in query._joins:
            query.add_join(
                'LEFT JOIN',
                join_alias,
                SQL(
                    '(SELECT referrer_id, count(*)::int AS number FROM (%s) AS one GROUP BY referrer_id)',
                    self._sql_referrals(),
                ),
                SQL(
                    '%s = %s',
                    SQL.identifier(join_alias, 'referrer_id'),
                    SQL.identifier(alias, 'commercial_partner_id'),
                ),
            )
        return SQL('COALESCE(%s, 0)', SQL.identifier(join_alias, 'number'))

    # === CHECK ===#

    @api.constrains('retail_referrer_id')
    def _check_retail_referral_loop(self):
        for partner in self:
            referrer = partner.retail_referrer_id.commercial_partner_id
            if referrer.retail_referrer_id.commercial_partner_id == partner.commercial_partner_id:
                raise ValidationError(
                    self.env._('Two customers cannot refer each other: one of them was here first.')
                )

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        partners = super().create(vals_list)
        if any(vals.get('retail_referrer_id') for vals in vals_list):
            # sudo: whoever makes a contact may not see its file
            partners.sudo().retail_referrer_id._announce_changed()
        return partners

    def write(self, vals):
        """Have the classes of referrers follow: who refers somebody is an advocate (S-SEG-06)."""
        if 'retail_referrer_id' not in vals:
            return super().write(vals)
        before = self.sudo().retail_referrer_id  # sudo: only to have figures follow
        result = super().write(vals)
        (before | self.sudo().retail_referrer_id)._announce_changed()
        return result

    # === ACTIONS ===#

    def action_retail_referrals(self):
        """Open the customers whom this one referred.

        :raise AccessError: for those who do not see figures
        """
        self.ensure_one()
        if not self.env.user.has_groups(FIGURE_GROUPS):
            raise AccessError(self.env._('Only those who serve customers may see their figures.'))
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_referral_report_action'
        )
        return {
            **action,
            'domain': [('referrer_id', '=', self.commercial_partner_id.id)],
            'context': {},
        }
