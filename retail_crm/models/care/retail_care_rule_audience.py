import ast

from odoo import api, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL


class RetailCareRuleAudience(models.Model):
    """Whom a care rule is for, as conditions of one statement: customers, segments, tiers, conditions, sample."""

    _inherit = 'retail.care.rule'

    # === CONDITIONS ===#

    @api.constrains('domain', 'user_id')
    def _check_domain(self):
        """Refuse conditions that the responsible user may not ask: they are evaluated with those rights."""
        for rule in self:
            rule._check_conditions(rule.user_id)

    @api.model_create_multi
    def create(self, vals_list):
        rules = super().create(vals_list)
        rules._check_author()
        return rules

    def write(self, vals):
        result = super().write(vals)
        if {'domain', 'user_id', 'segment_ids'} & set(vals):
            self._check_author()
        return result

    def _check_author(self):
        """Refuse what the author may not ask: who is contacted tells the answer. (Constraints run as superuser.)

        :raise ValidationError, AccessError: for conditions and segments that the current user may not see
        """
        if self.env.su:
            return
        for rule in self:
            rule._check_conditions(self.env.user)
        self.segment_ids.check_access('read')

    def _parse_domain(self):
        """Return the conditions as a domain.

        :raise ValidationError: for what is no list of conditions: expressions and code are not evaluated
        """
        self.ensure_one()
        try:
            value = ast.literal_eval(self.domain or '[]')
            if not isinstance(value, list):
                raise TypeError(value)
            return Domain(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
            raise ValidationError(
                self.env._('The conditions of "%(rule)s" cannot be read.', rule=self.name)
            ) from error

    def _check_conditions(self, user):
        """Refuse what a user may not ask.

        :raise ValidationError: for fields that do not exist, or that the user may not see
        """
        domain = self._parse_domain()
        if domain.is_true():
            return
        partners = self.env['res.partner'].with_user(user)
        walk = self.env['retail.segment']._walk
        for model, field in walk(partners, domain):
            try:
                model._check_field_access(field, 'read')
                if field.relational:
                    model.env[field.comodel_name].check_access('read')
            except AccessError as error:
                raise ValidationError(
                    self.env._(
                        'The conditions of "%(rule)s" ask for "%(field)s", which %(user)s may not see.',
                        rule=self.name,
                        field=field.name,
                        user=user.name,
                    )
                ) from error
        partners._search(domain, order='id')

    # === SQL ===#

    def _sql_audience(self, company):
        """Hook: return the conditions of the audience in a company as a list of SQL.

        ``partner`` (the contact) and ``customer`` (the same or its company) are rows of res_partner in scope.

        :raise UserError, ValidationError: for a rule that cannot be evaluated
        """
        self.ensure_one()
        tree = self.env['retail.segment']._company_tree(company)
        conditions = [
            SQL('partner.active AND customer.active AND customer.retail_customer'),
            self._sql_of_company(company, self._active_branches(tree)),
            *self._sql_segments(company),
            *self._sql_tiers(company),
            *self._sql_domain(company, tree),
        ]
        if self.sample_percent < 100:
            conditions.append(self._sql_share('sample', self.sample_percent))
        return conditions

    @api.model
    def _active_branches(self, tree):
        """Return those of some ids of companies that are not archived: nobody is contacted for the others."""
        # sudo: rules are planned for all companies
        return self.env['res.company'].sudo().browse(tree).filtered('active').ids

    def _sql_of_company(self, company, tree):
        """Return the condition that a customer is one of this company.

        A contact of no company is everybody's, but where there are several companies only of those that know it.
        """
        own = SQL('customer.company_id = ANY(%s)', tree)
        if len(self.env['res.company']._retail_roots()) == 1:
            return SQL('(customer.company_id IS NULL OR %s)', own)
        return SQL(
            """(%s OR customer.company_id IS NULL AND (
                   EXISTS (SELECT FROM retail_profile AS known
                            WHERE known.partner_id = customer.id AND known.company_id = %s)
                   OR NOT EXISTS (SELECT FROM retail_profile AS known WHERE known.partner_id = customer.id)))""",
            own,
            company.id,
        )

    def _sql_segments(self, company):
        if not self.segment_ids:
            return []
        # a segment of sensitive data says something about who is in it
        segments = self.segment_ids.with_user(self.user_id).with_context(
            allowed_company_ids=self._company_ids_of_user(company)
        )
        segments.filtered(lambda segment: segment.sudo().company_id == company).check_access('read')
        return [
            SQL(
                """EXISTS (SELECT FROM retail_segment_member AS member
                     JOIN retail_segment AS segment ON segment.id = member.segment_id
                    WHERE member.partner_id = customer.id AND member.left_on IS NULL
                      AND segment.company_id = %s AND member.segment_id = ANY(%s))""",
                company.id,
                self.segment_ids.ids,
            )
        ]

    def _sql_tiers(self, company):
        if not self.tier_ids:
            return []
        return [
            SQL(
                """EXISTS (SELECT FROM retail_membership AS membership
                    WHERE membership.partner_id = customer.id AND membership.left_on IS NULL
                      AND membership.company_id = %s AND membership.tier_id = ANY(%s))""",
                company.id,
                self.tier_ids.ids,
            )
        ]

    def _sql_domain(self, company, tree):
        """Return the conditions on the contact, evaluated with the rights of the responsible user."""
        domain = self._parse_domain()
        if domain.is_true():
            return []
        self._check_conditions(self.user_id)
        context = {
            'allowed_company_ids': self._company_ids_of_user(company, tree),
            'tz': company._retail_timezone(),
            'lang': 'en_US',
        }
        partners = self.env(user=self.user_id.id, su=False, context=context)['res.partner']
        query = partners._search(domain)
        return [SQL('partner.id IN (%s)', query.select())]

    def _company_ids_of_user(self, company, tree=None):
        """Return the ids of the branches of a company that the responsible user works for.

        :raise UserError: when there are none
        """
        tree = tree or self.env['retail.segment']._company_tree(company)
        ids = [branch.id for branch in self.user_id.company_ids if branch.id in tree]
        if not ids:
            raise UserError(
                self.env._(
                    '%(user)s does not work for %(company)s: conditions and segments cannot be asked there.',
                    user=self.user_id.name,
                    company=company.name,
                )
            )
        # the company first: figures are those of the current one
        return sorted(ids, key=lambda branch_id: (branch_id != company.id, branch_id))

    def _sql_share(self, word, percent):
        """Return the condition that a contact is among so many percent, always the same ones for this rule."""
        return SQL(
            "('x' || substr(md5(%s || partner.id), 1, 8))::bit(32)::bigint %% 10000 < %s",
            f'{word}:{self.id}:',
            percent * 100,
        )
