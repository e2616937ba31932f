from odoo import api, models
from odoo.tools import SQL, split_every

#: Customers that get their adviser in one go.
_BATCH = 1000


class ResPartnerAdviser(models.Model):
    """Who looks after a customer: the adviser or his substitute, and the rule by which customers get one (S-ROL-05)."""

    _inherit = 'res.partner'

    def _retail_adviser_of(self, day=None):
        """Return who looks after each of these customers on a day (today): the adviser, else the one of the company.

        Of an adviser who is away, his substitute, and so on. Nobody (no user) where there is no adviser, where the
        adviser has left, or is away and nobody stands in: the caller turns to the store or the team then.

        :return: ``{customer id: user or empty recordset}``, in a fixed number of queries
        """
        advisers = {}
        for partner in self.sudo():  # sudo: system processes and staff alike ask whom to turn to
            adviser = partner.retail_adviser_id or partner.commercial_partner_id.retail_adviser_id
            advisers[partner.id] = adviser.id
        users = self.env['res.users'].browse({user_id for user_id in advisers.values() if user_id})
        present = users._retail_stand_ins(day)
        return {
            partner_id: present.get(user_id, users.browse())
            for partner_id, user_id in advisers.items()
        }

    # === RULE ===#

    @api.model
    def _assign_advisers(self, partners=None):
        """Give an adviser to high-value customers without one, by the rule of their main company; set-based.

        An adviser who was chosen is never replaced. Companies without rule are left alone. Of several companies that
        know the customer the oldest decides.

        :param partners: customers to look at, or None for all
        :return: the customers that got an adviser
        """
        companies = self.env['res.company']._retail_roots()
        rules = {
            company.id: company.retail_adviser_rule
            for company in companies
            if company.retail_adviser_rule != 'none'
        }
        return self._assign_by_rules(rules, partners)

    @api.model
    def _assign_by_rules(self, rules, partners=None, only_high_value=True):
        """Give customers without adviser the one that these rules find.

        :param rules: ``{main company id: 'guide' or 'leader'}``
        """
        assigned = self.browse()
        if not rules or (partners is not None and not partners):
            return assigned
        chosen = {}
        for partner_id, user_id in self.env.execute_query(
            self._sql_advisers(rules, partners, only_high_value)
        ):
            chosen.setdefault(user_id, []).append(partner_id)
        for user_id, partner_ids in chosen.items():
            for ids in split_every(_BATCH, partner_ids):
                customers = self.browse(ids)
                customers.write({'retail_adviser_id': user_id})
                assigned |= customers
        return assigned

    def _sql_advisers(self, rules, partners, only_high_value):
        """Return the SELECT (customer, employee) of those who would get an adviser: only active employees are."""
        Profile = self.env['retail.profile']
        Profile._flush_habits()
        Profile.flush_model()
        self.flush_model(['retail_adviser_id', 'active', 'commercial_partner_id'])
        self.env['res.users'].flush_model(['active', 'share'])
        self.env['crm.team'].flush_model(['user_id'])
        mine = SQL('profile.partner_id'), SQL('profile.company_id')
        return SQL(
            """
            SELECT DISTINCT ON (profile.partner_id) profile.partner_id, account.id
              FROM (VALUES %(rules)s) AS rule (company_id, name)
              JOIN retail_profile AS profile ON profile.company_id = rule.company_id
              JOIN res_partner AS customer
                ON customer.id = profile.partner_id AND customer.active AND customer.retail_adviser_id IS NULL
             CROSS JOIN LATERAL (
                   SELECT CASE rule.name WHEN 'guide' THEN (%(guide)s)
                          ELSE (SELECT team.user_id FROM crm_team AS team WHERE team.id = (%(store)s)) END AS user_id
                   ) AS choice
              JOIN res_users AS account ON account.id = choice.user_id AND account.active AND NOT account.share
             WHERE true %(high_value)s %(only)s
             ORDER BY profile.partner_id, profile.company_id
            """,
            rules=SQL(', ').join(SQL('(%s::int, %s::varchar)', *item) for item in rules.items()),
            guide=Profile._sql_usual('user_id', *mine),
            store=Profile._sql_usual('store_id', *mine),
            high_value=SQL('AND profile.is_high_value') if only_high_value else SQL(),
            only=SQL()
            if partners is None
            else SQL('AND profile.partner_id = ANY(%s)', partners.commercial_partner_id.ids),
        )
