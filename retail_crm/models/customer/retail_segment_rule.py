import ast
from collections.abc import Set as AbstractSet

from psycopg2 import Error
from psycopg2.errors import QueryCanceled

from odoo import SUPERUSER_ID, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

from .res_partner_file import SENSITIVE_GROUP
from .retail_segment import SAMPLE

#: Longest rule that is read.
MAX_RULE = 20_000
#: Longest time for a rule that somebody waits for, in milliseconds.
MAX_TIME = 15_000
#: What each refusal of a condition refuses.
NEGATIVES = {
    '!=': '=',
    'not in': 'in',
    'not like': 'like',
    'not ilike': 'ilike',
    'not =like': '=like',
    'not =ilike': '=ilike',
}
#: A segment made of segments would depend on the order in which they are computed, and could depend on itself.
NOT_IN_RULES = {'retail.segment', 'retail.segment.member', 'retail.segment.report'}


class RetailSegmentRule(models.Model):
    """The rule of a segment: reading it, refusing what nobody may ask, and the query of the customers it holds for."""

    _inherit = 'retail.segment'

    # === READING ===#

    def _parse(self):
        """Return the domain of the rule.

        :raise ValidationError: for what is no list of conditions: expressions and code are not evaluated
        """
        self.ensure_one()
        text = self.domain or '[]'
        try:
            if len(text) > MAX_RULE:
                raise ValueError(len(text))
            value = ast.literal_eval(text)
            if not isinstance(value, list):
                raise TypeError(text)
            return Domain(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
            raise ValidationError(
                self.env._(
                    'The rule of "%(segment)s" cannot be read. Use conditions on fields; days that move with the '
                    'calendar are written like "today -30d".',
                    segment=self.name or '',
                )
            ) from error

    def _parse_or_nothing(self):
        """Return the domain of the rule, of a broken one nobody."""
        try:
            return self._parse()
        except ValidationError:
            return Domain.FALSE

    def _walk(self, model, domain):
        """Yield ``(model, field)`` of all fields that a domain names, also those on the way and in sub-domains.

        :raise ValidationError: for a field that does not exist, and for operators that skip access rules
        """
        for condition in domain.iter_conditions():
            if condition.operator.endswith('!'):
                raise ValidationError(
                    self.env._(
                        'The operator %(operator)s cannot be used in a rule.',
                        operator=condition.operator,
                    )
                )
            at = model
            for name in condition.field_expr.split('.'):
                field = at._fields.get(name)
                if field is None:
                    raise ValidationError(
                        self.env._(
                            'The rule names the field "%(field)s", which does not exist.',
                            field=condition.field_expr,
                        )
                    )
                yield at, field
                if not field.relational:
                    break  # what follows is a part of a date or a property
                at = at.env[field.comodel_name]
            if condition.operator in ('any', 'not any'):
                value = condition.value
                try:
                    inner = value if isinstance(value, Domain) else Domain(value)
                except (ValueError, TypeError) as error:
                    raise ValidationError(
                        self.env._('The rule contains a list of conditions that cannot be read.')
                    ) from error
                yield from self._walk(at, inner)

    def _reads_sensitive_fields(self):
        """Return whether the rule is about data that only some may see; a broken rule is about nothing."""
        try:
            fields = [field for _model, field in self._walk(self.env['res.partner'], self._parse())]
        except ValidationError:
            return False
        return any(SENSITIVE_GROUP in (field.groups or '').split(',') for field in fields)

    # === CHECKING ===#

    def _check_rule(self):
        """Refuse what the current user may not ask: the customers of a segment tell what its rule reads.

        :raise ValidationError: naming the field
        """
        self.ensure_one()
        company = self.company_id._origin
        # The rule is evaluated by the system in the company that the segment names, on screens before it is saved.
        if company and not self.env.su and company not in self.env.companies.root_id:
            raise ValidationError(
                self.env._('Choose one of your companies: the segment is about its customers.')
            )
        domain = self._parse()
        for model, field in self._walk(self.env['res.partner'], domain):
            if field.comodel_name in NOT_IN_RULES:
                raise ValidationError(
                    self.env._(
                        'A segment cannot be made of segments: write the conditions themselves.'
                    )
                )
            try:
                model._check_field_access(field, 'read')
                if field.relational:
                    self.env[field.comodel_name].check_access('read')
            except AccessError as error:
                raise ValidationError(
                    self.env._(
                        'You may not use the field "%(field)s" in a rule: you may not see it.',
                        field=field.name,
                    )
                ) from error
        # With the rights of the author, too: a field's search may have refusals of its own. The query is made only: what
        # PostgreSQL says of it is seen by who computes it, without looking for customers twice.
        self._guarded(lambda: self.env['res.partner']._search(domain, order='id'))

    def _try_rule(self):
        """Look for one customer of the rule as it will be computed.

        :raise ValidationError: for what cannot be evaluated
        """
        self._guarded(lambda: self._preview_ids(1))

    def _preview(self, limit=SAMPLE):
        """Return how many customers the rule holds for, and the first of them.

        :raise ValidationError: for what cannot be evaluated, or takes too long
        """

        def ask():
            query = self._query()
            [(count,)] = self.env.execute_query(
                SQL('SELECT count(*) FROM (%s) AS wanted', query.select())
            )
            return count, self._preview_ids(limit)

        return self._guarded(ask)

    def _preview_ids(self, limit):
        query = self._query()
        query.order, query.limit = SQL.identifier(query.table, 'id').code, limit
        return [row[0] for row in self.env.execute_query(query.select())]

    def _guarded(self, ask):
        """Return what ``ask`` returns, as long as it takes no longer than somebody would wait.

        :raise ValidationError: with what is wrong, whatever it is
        """
        cr = self.env.cr
        self._flush_sources()
        [(before,)] = self.env.execute_query(SQL("SELECT current_setting('statement_timeout')"))
        try:
            with cr.savepoint(flush=False):
                cr.execute(SQL("SELECT set_config('statement_timeout', %s, true)", str(MAX_TIME)))
                result = ask()
                cr.execute(SQL("SELECT set_config('statement_timeout', %s, true)", before))
                return result
        except QueryCanceled as error:
            raise ValidationError(
                self.env._(
                    'The rule of "%(segment)s" takes too long. Make it simpler, or use purchase conditions.',
                    segment=self.name or '',
                )
            ) from error
        except ValidationError:
            raise
        except (
            UserError,
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            AssertionError,
            NotImplementedError,
            OverflowError,
            RecursionError,
            Error,
        ) as error:  # whatever a field's search or PostgreSQL says of a value that it does not expect
            raise ValidationError(
                self.env._(
                    'The rule of "%(segment)s" cannot be evaluated: %(error)s',
                    segment=self.name or '',
                    error=error.args[0] if error.args else type(error).__name__,
                )
            ) from error

    # === QUERY ===#

    def _customers(self):
        """Return the contacts as this segment sees them: with its company's figures, day and week, whoever asks."""
        company = self.company_id._origin.sudo() or self.env.company.root_id.sudo()
        context = {
            'allowed_company_ids': company.ids,
            'tz': company._retail_timezone(),
            'lang': 'en_US',
        }
        # The system asks: what the rule may be about was checked when it was saved.
        return self.env(user=SUPERUSER_ID, context=context, su=True)['res.partner']

    def _query(self, ids=None):
        """Return the query of the customers for whom the rule holds, among these ids or all.

        Customers are people and companies themselves, no contacts of theirs, that are not archived and not of another
        company.
        """
        self.ensure_one()
        partners = self._customers()
        company = partners.env.company
        # sudo: products and stores that the author may not open are conditions as well
        conditions = [
            condition._sql_customers(company, ids) for condition in self.sudo().condition_ids
        ]
        tree = self._company_tree(company)
        rule = self._scoped(partners, self._parse(), tree)
        # "active" by name: a rule that mentions it would else include archived customers
        customer = (
            Domain('retail_customer', '=', True)
            & Domain('active', '=', True)
            & Domain('company_id', 'in', [False, *tree])
        )
        any_of = self.match == 'any' and conditions
        query = partners._search(customer if any_of else customer & rule)
        customer_id = SQL.identifier(query.table, 'id')
        query.add_where(
            SQL('%s = %s', SQL.identifier(query.table, 'commercial_partner_id'), customer_id)
        )
        if ids is not None:
            query.add_where(SQL('%s = ANY(%s)', customer_id, list(ids)))
        if any_of:
            selects = [self._sql_of_condition(*condition, ids) for condition in conditions]
            if not rule.is_true():
                fulfilled = partners._search(rule)
                if ids is not None:
                    fulfilled.add_where(
                        SQL('%s = ANY(%s)', SQL.identifier(fulfilled.table, 'id'), list(ids))
                    )
                selects.append(fulfilled.select())
            query.add_where(SQL('%s IN (%s)', customer_id, SQL(' UNION ').join(selects)))
        else:
            for select, negative in conditions:
                query.add_where(
                    SQL(
                        '%sEXISTS (SELECT FROM (%s) AS condition WHERE condition.partner_id = %s)',
                        SQL('NOT ') if negative else SQL(),
                        select,
                        customer_id,
                    )
                )
        if self.exclude_refused:
            query.add_where(
                SQL(
                    """NOT EXISTS (SELECT FROM retail_consent AS refusal
                         JOIN res_partner AS refuser ON refuser.id = refusal.partner_id
                         WHERE refusal.is_current AND refusal.purpose = 'profiling' AND refusal.state = 'withdrawn'
                           AND refusal.company_id = %s AND refuser.commercial_partner_id = %s)""",
                    company.id,
                    customer_id,
                )
            )
        return query

    def _scoped(self, model, domain, company_ids):
        """Return the domain about records of these companies only, wherever it goes from one record to others.

        The system evaluates it, for whom there are no company rules.
        """

        def scope(condition):
            name, _dot, rest = condition.field_expr.partition('.')
            field, operator, value = model._fields[name], condition.operator, condition.value
            if not field.relational:
                return condition
            comodel = model.env[field.comodel_name]
            company, own = comodel._fields.get('company_id'), Domain.TRUE
            # users belong to several companies
            if company and company.store and comodel._name != 'res.users':
                own = Domain('company_id', 'in', [False, *company_ids])
            if rest:
                inner = self._scoped(comodel, Domain(rest, operator, value), company_ids)
                operator = 'any'
            elif operator in ('any', 'not any'):
                inner = self._scoped(comodel, Domain(value), company_ids)
            elif (
                field.type in ('one2many', 'many2many') and operator in ('=', '!=') and not value
            ):  # none, or any at all
                inner, operator = Domain.TRUE, 'any' if operator == '!=' else 'not any'
            else:
                return self._scoped_names(comodel, condition, own)
            return Domain(name, operator, inner & own)

        return domain.map_conditions(scope)

    def _scoped_names(self, comodel, condition, own):
        """Return a condition that names records by their text about those of ``own`` only; one on ids as it is."""
        name, operator, value = condition.field_expr, condition.operator, condition.value
        if own.is_true():
            return condition
        positive = NEGATIVES.get(operator, operator)
        any_of = 'any' if positive == operator else 'not any'
        if positive.endswith('like'):
            return Domain(name, any_of, Domain('display_name', positive, value) & own)
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, (list, tuple, AbstractSet)):
            return condition
        texts = [item for item in items if isinstance(item, str)]
        if not texts:
            return condition
        others = [item for item in items if not isinstance(item, str)]
        if operator in ('child_of', 'parent_of'):
            named = Domain.OR(Domain('display_name', 'ilike', text) for text in texts)
            return Domain(name, operator, [*others, *comodel.search(named & own).ids])
        if positive not in ('=', 'in'):
            return condition  # Odoo refuses it
        domain = Domain(name, any_of, Domain('display_name', 'in', texts) & own)
        if not others:
            return domain
        if any_of == 'any':
            return domain | Domain(name, 'in', others)
        return domain & Domain(name, 'not in', others)

    def _sql_of_condition(self, select, negative, ids=None):
        """Return the SELECT of the ids for which a condition holds: an EXISTS below OR would be run for each customer."""
        if not negative:
            return select
        return SQL(
            """SELECT other.id FROM res_partner AS other
                WHERE NOT EXISTS (SELECT FROM (%s) AS condition WHERE condition.partner_id = other.id) %s""",
            select,
            SQL() if ids is None else SQL('AND other.id = ANY(%s)', list(ids)),
        )

    def _company_tree(self, company):
        """Return the ids of a company and its branches."""
        companies = self.env['res.company'].sudo().with_context(active_test=False)
        return companies.search([('id', 'child_of', company.id)]).ids

    def _flush_sources(self):
        """Write what the ORM still holds of what conditions read."""
        for model in (
            'res.partner',
            'retail.purchase',
            'retail.consent',
            'sale.order.line',
            'account.move.line',
            'product.product',
            'product.template',
        ):
            self.env[model].flush_model()
