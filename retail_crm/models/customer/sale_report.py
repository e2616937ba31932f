from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ._classes import ABC, COARSE, LIFECYCLE, RFM_GROUP, STAR
from .res_partner import FIGURE_GROUPS

#: Classes of the customer shown in the sales analysis: ``{field of the report: column of the profile}``.
REPORT_CLASSES = {
    'retail_lifecycle': 'lifecycle',
    'retail_abc_class': 'abc_class',
    'retail_coarse_class': 'coarse_class',
    'retail_rfm_group': 'rfm_group',
    'retail_star_class': 'star_class',
}


def _class_field(selection, string, **attributes):
    """Return a field that shows a class of the customer, as it is today."""
    return fields.Selection(
        selection=selection,
        string=string,
        readonly=True,
        groups=FIGURE_GROUPS,
        help="Today's class of the customer in the company that sold, not the one on the day of the order.",
        **attributes,
    )


class SaleReport(models.Model):
    """The sales analysis by hour and weekday where the company is, and by the customer's classes (S-CUS-27).

    Everything is an expression of columns that core groups by, or an aggregate: PostgreSQL drops what a query does not
    ask for, with the join of the profiles, so that core's own uses of this report cost what they did.
    """

    _inherit = 'sale.report'

    retail_weekday = fields.Selection(
        selection=[
            ('1', 'Monday'),
            ('2', 'Tuesday'),
            ('3', 'Wednesday'),
            ('4', 'Thursday'),
            ('5', 'Friday'),
            ('6', 'Saturday'),
            ('7', 'Sunday'),
        ],
        string='Weekday',
        readonly=True,
        help='Day of the week on which the order was confirmed, where the company is.',
    )
    retail_hour = fields.Selection(
        selection=[(f'{hour:02}', f'{hour:02}:00') for hour in range(24)],
        string='Hour',
        readonly=True,
        help='Hour in which the order was confirmed, where the company is: 10:00 means 10:00 to 10:59.',
    )
    retail_lifecycle = _class_field(LIFECYCLE, 'Lifecycle')
    retail_abc_class = _class_field(ABC, 'ABC Class')
    retail_coarse_class = _class_field(COARSE, 'Customer Class')
    retail_rfm_group = _class_field(RFM_GROUP, 'RFM Group')
    retail_star_class = _class_field(STAR, 'Star Class')

    retail_counts = fields.Boolean(
        string='Counts as Purchase',
        compute='_compute_retail_counts',
        search='_search_retail_counts',
        help='Neither delivery nor a product marked as no purchase, nor a payment or top-up of a gift card or eWallet.',
    )

    def _compute_retail_counts(self):
        counting = self.search([('id', 'in', self.ids), ('retail_counts', '=', True)])
        for line in self:
            line.retail_counts = line in counting

    def _search_retail_counts(self, operator, value):
        """Leave out what purchases leave out, by the order line that stands for the row (design 4.2)."""
        if operator != 'in':
            return NotImplemented
        excluded = self.env['retail.purchase']._sql_excluded_line('line')
        if excluded is None:
            return Domain.TRUE if True in value else Domain.FALSE

        def to_sql(_model, alias, _query):
            found = SQL(
                'EXISTS (SELECT FROM sale_order_line AS line WHERE line.id = %s AND %s)',
                SQL.identifier(alias, 'id'),
                excluded,
            )
            return SQL('NOT %s', found) if True in value else found

        return Domain.custom(to_sql=to_sql)

    def _select_additional_fields(self):
        """Add our columns; point of sale gives them NULL by itself until the glue add-on knows better."""
        local = f"timezone({self._retail_sql_zone()}, timezone('UTC', s.date_order))"
        return {
            **super()._select_additional_fields(),
            'retail_weekday': f"to_char({local}, 'ID')",
            'retail_hour': f"to_char({local}, 'HH24')",
            # an order has one customer and a customer one profile: MIN is that profile's class
            **{
                fname: f'MIN(retail_profile.{column})'
                for fname, column in self._retail_class_fields().items()
            },
        }

    def _from_sale(self):
        return f"""{super()._from_sale()}
            LEFT JOIN retail_profile ON retail_profile.partner_id = partner.commercial_partner_id
                AND retail_profile.company_id = {self._retail_sql_root()}
            """

    @api.model
    def _retail_class_fields(self):
        """Hook: return the fields that show a class, with the column of ``retail_profile`` each comes from."""
        return REPORT_CLASSES

    def _retail_sql_root(self, company='s.company_id'):
        """Return the main company of an order's company."""
        return self._retail_sql_case(company, {c: c.root_id.id for c in self._retail_companies()})

    def _retail_sql_zone(self, company='s.company_id'):
        """Return the zone in which an order's company counts days and hours."""
        zones = {c: c._retail_timezone() for c in self._retail_companies()}
        return self._retail_sql_case(company, zones)

    def _retail_companies(self):
        """Return the companies of the report: core's currency table leaves out the orders of all others."""
        return self.env.companies.sudo()  # sudo: users of a branch may not read the main company

    def _retail_sql_case(self, company, values):
        """Return what each company has, as a constant for each: no join, nothing more to group by."""
        cr = self.env.cr
        cases = ' '.join(
            cr.mogrify('WHEN %s THEN %s', (record.id, value)).decode()
            for record, value in values.items()
        )
        return f'CASE {company} {cases} END'
