from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools import SQL, ormcache

from .retail_touch import CONTACT_KINDS

#: Sums of the purchases that are figures of the profile themselves.
SUM_FIGURES = (
    'first_order_date',
    'last_order_date',
    'order_count',
    'order_count_12m',
    'order_count_prev_12m',
    'spend_total',
    'spend_12m',
    'spend_prev_12m',
    'margin_12m',
)
_NO_DATE, _ZERO, _NOTHING = SQL('NULL::date'), SQL('0::bigint'), SQL('0::numeric')


class RetailProfileSums(models.Model):
    """The sums that figures follow from: purchases added up, and signals of those who never bought."""

    _inherit = 'retail.profile'

    def _flush_sums(self):
        """Hook: write what the ORM still holds of what sums are read from."""
        self.env['retail.purchase'].flush_model()
        self.env['res.partner'].flush_model(
            [
                'retail_customer',
                'commercial_partner_id',
                'retail_snoozed_until',
                'retail_preference_ids',
                'company_id',
            ]
        )
        self.env['sale.order'].flush_model(['partner_id', 'company_id', 'state'])
        self.env['res.users'].flush_model(['partner_id', 'company_id', 'share', 'active'])
        self.env['retail.touch'].flush_model(['partner_id', 'company_id', 'kind'])

    @api.model
    def _contact_columns(self):
        """Hook: return ``{column: SQL over res_partner AS partner}`` of what layers need to know of the contact itself.

        The contact is joined anyway, so each costs a column and no join. Columns of the table are stored.
        """
        return {}

    @ormcache()
    def _sql_contact_columns(self):
        """Return these columns for a SELECT, built once."""
        return SQL('').join(
            SQL(', %s AS %s', sql, SQL.identifier(name))
            for name, sql in self._contact_columns().items()
        )

    @api.model
    def _sum_columns(self, day):
        """Hook: return ``{column: (aggregate over retail_purchase, value for those without purchases)}``.

        Windows are (D - 12 months, D] and (D - 24 months, D - 12 months]; purchases after D wait for their day. The
        oldest dates of both windows and the next future date tell when a figure changes by time.
        """
        past = SQL('date <= %s', day)
        year = SQL('date > %s AND date <= %s', day - relativedelta(months=12), day)
        before = SQL(
            'date > %s AND date <= %s',
            day - relativedelta(months=24),
            day - relativedelta(months=12),
        )
        both = SQL('date > %s AND date <= %s', day - relativedelta(months=24), day)

        def count(what, when):
            return SQL('count(*) FILTER (WHERE %s AND %s)', SQL(what), when), _ZERO

        def total(what, when):
            return SQL('COALESCE(sum(%s) FILTER (WHERE %s), 0)', SQL(what), when), _NOTHING

        def date(function, what, when):
            return SQL('%s FILTER (WHERE %s)', SQL(function), SQL(what, when)), _NO_DATE

        return {
            'first_order_date': date('min(date)', 'counts AND %s', past),
            'last_order_date': date('max(date)', 'counts AND %s', past),
            'previous_order_date': date('max(previous_date)', 'occasion AND %s', past),
            'order_count': count('counts', past),
            'order_count_12m': count('counts', year),
            'order_count_prev_12m': count('counts', before),
            'occasions': count('occasion', past),
            'occasions_12m': count('occasion', year),
            'occasions_24m': count('occasion', both),
            'spend_total': total('amount', past),
            'spend_12m': total('amount', year),
            'spend_prev_12m': total('amount', before),
            'margin_total': total('margin', past),
            'margin_12m': total('margin', year),
            'next_date': date('min(date)', '%s', SQL('date > %s', day)),
            'oldest_12m': date('min(date)', '%s', year),
            'oldest_prev_12m': date('min(date)', '%s', before),
        }

    def _sql_purchases(self, companies, partner_ids=None):
        """Return the SELECT that adds up purchases per customer and company.

        Only customers in the wide sense: suppliers, employees and branches are left out by their flag.
        """
        return SQL(
            """
            SELECT sums.*, true AS has_contact %(contact)s
              FROM (SELECT partner_id, company_id, %(columns)s
                      FROM retail_purchase
                     WHERE company_id = ANY(%(companies)s) %(only)s
                     GROUP BY partner_id, company_id) AS sums
              JOIN res_partner AS partner ON partner.id = sums.partner_id AND partner.retail_customer IS NOT FALSE
               %(only_partner)s
            """,
            contact=self._sql_contact_columns(),
            # Named again, so that PostgreSQL looks these customers up instead of reading all of them.
            only_partner=SQL()
            if partner_ids is None
            else SQL('AND partner.id = ANY(%s)', partner_ids),
            columns=SQL(', ').join(
                SQL('%s AS %s', sql, SQL.identifier(name))
                for name, (sql, _empty) in self._sum_columns(companies[0].day).items()
            ),
            companies=[company.id for company in companies],
            only=SQL() if partner_ids is None else SQL('AND partner_id = ANY(%s)', partner_ids),
        )

    def _sql_strangers(self, companies, partner_ids=None):
        """Return the SELECT, with the same columns, of customers of whom there are only signals.

        Visitors and our own companies are nobody.
        """
        signals = SQL(' UNION ALL ').join(self._sql_signals(companies, partner_ids))
        return SQL(
            """
            SELECT signal.partner_id, signal.company_id, %(columns)s, bool_or(signal.is_contact) AS has_contact
                   %(contact)s
              FROM (%(signals)s) AS signal (partner_id, company_id, is_contact)
              JOIN res_partner AS partner ON partner.id = signal.partner_id AND partner.retail_customer IS NOT FALSE
             WHERE signal.company_id = ANY(%(companies)s)
               AND NOT EXISTS (
                   SELECT FROM retail_purchase AS known
                    WHERE known.partner_id = signal.partner_id AND known.company_id = signal.company_id)
               AND NOT EXISTS (
                   SELECT FROM res_users AS account
                     JOIN res_groups_users_rel AS member ON member.uid = account.id AND member.gid = %(public)s
                    WHERE account.partner_id = signal.partner_id)
               AND NOT EXISTS (SELECT FROM res_company WHERE res_company.partner_id = signal.partner_id)
             GROUP BY signal.partner_id, signal.company_id, partner.id
            """,
            contact=self._sql_contact_columns(),
            columns=SQL(', ').join(
                SQL('%s AS %s', empty, SQL.identifier(name))
                for name, (_sql, empty) in self._sum_columns(companies[0].day).items()
            ),
            signals=signals,
            companies=[company.id for company in companies],
            public=self.env['ir.model.data']._xmlid_to_res_id('base.group_public'),
        )

    def _sql_sums(self, companies, partner_ids=None):
        """Return the SELECT of the sums of these customers, or of all of them."""
        return SQL(
            '%s UNION ALL %s',
            self._sql_purchases(companies, partner_ids),
            self._sql_strangers(companies, partner_ids),
        )

    def _collect_sums(self, companies):
        """Put the sums of all customers into the temporary table ``retail_profile_sums``, in parallel."""
        self.env.cr.execute(
            SQL(
                'CREATE TEMPORARY TABLE retail_profile_sums ON COMMIT DROP AS %s',
                self._sql_sums(companies),
            )
        )
        # Without statistics the joins with the customers would be loops over a million of them.
        self.env.cr.execute(SQL('ANALYZE retail_profile_sums (partner_id, company_id)'))

    @api.model
    def _strangers(self, pairs):
        """Return those of the (customer id, root company id) of whom no contact is known yet: a quotation is one.

        Visitors, suppliers and our own companies are never customers, so they are no strangers either.
        """
        nobody = self.env['retail.purchase']._sql_not_counted_partners()
        # sudo: only asks for a flag of those whose order the caller makes
        partners = self.env['res.partner'].sudo().browse({partner_id for partner_id, _ in pairs})
        customers = partners.filtered(lambda one: one.retail_customer and one.id not in nobody)
        pairs = {pair for pair in pairs if pair[0] in customers._ids}
        if not pairs:
            return pairs
        # sudo: only asks who has a profile
        known = self.sudo().search_fetch(
            [
                ('partner_id', 'in', [partner_id for partner_id, _company_id in pairs]),
                ('ladder', '!=', 'potential'),
            ],
            ['partner_id', 'company_id'],
        )
        return pairs - {(profile.partner_id.id, profile.company_id.id) for profile in known}

    def _sql_signals(self, companies, partner_ids=None):
        """Hook: return SELECTs of (customer, root company, whether it is a contact) for customers who may never have bought.

        A contact is a visit, a call or a question; anything else is an interest. Later areas add theirs.
        """
        only = (
            SQL()
            if partner_ids is None
            else SQL('AND contact.commercial_partner_id = ANY(%s)', partner_ids)
        )
        root = SQL("split_part(company.parent_path, '/', 1)::int")
        conditions = [SQL("state IN ('draft', 'sent', 'cancel')")]
        waiting = [company.id for company in companies if company.basis == 'invoice']
        if waiting:  # where invoices are the purchases, a confirmed order is still none
            conditions.append(SQL("state = 'sale' AND %s = ANY(%s)", root, waiting))
        quotations = [
            SQL(
                """
                SELECT contact.commercial_partner_id, %s, true
                  FROM sale_order AS quotation
                  JOIN res_partner AS contact ON contact.id = quotation.partner_id
                  JOIN res_company AS company ON company.id = quotation.company_id
                 WHERE quotation.%s %s
                """,
                root,
                condition,
                only,
            )
            for condition in conditions
        ]
        accounts = SQL(
            """
            SELECT contact.commercial_partner_id, %s, false
              FROM res_users AS account
              JOIN res_partner AS contact ON contact.id = account.partner_id
              JOIN res_company AS company ON company.id = account.company_id
             WHERE account.share AND account.active %s
            """,
            root,
            only,
        )
        return [*quotations, accounts, *self._sql_file_signals(companies, only)]

    def _sql_file_signals(self, companies, only):
        """Return the signals of the customer file: contacts that were logged, and preferences.

        A registration, and what came from us, is no contact yet (S-SEG-02, S-SEG-03). A preference of a contact that
        is shared by all companies is an interest in each of them.
        """
        touches = SQL(
            """
            SELECT contact.commercial_partner_id, split_part(company.parent_path, '/', 1)::int,
                   touch.kind = ANY(%s)
              FROM retail_touch AS touch
              JOIN res_partner AS contact ON contact.id = touch.partner_id
              JOIN res_company AS company ON company.id = touch.company_id
             WHERE true %s
            """,
            list(CONTACT_KINDS),
            only,
        )
        relation = self.env['res.partner']._fields['retail_preference_ids']
        interests = SQL(
            """
            SELECT contact.commercial_partner_id, root.id, false
              FROM %(table)s AS interest
              JOIN res_partner AS contact ON contact.id = interest.%(column)s
              LEFT JOIN res_company AS company ON company.id = contact.company_id
              JOIN unnest(%(roots)s) AS root (id)
                ON root.id = COALESCE(split_part(company.parent_path, '/', 1)::int, root.id)
             WHERE true %(only)s
            """,
            table=SQL.identifier(relation.relation),
            column=SQL.identifier(relation.column1),
            roots=[company.id for company in companies],
            only=only,
        )
        return [touches, interests]
