from odoo import models
from odoo.tools import format_amount, format_date
from odoo.tools.misc import formatLang

#: Purchases on the printed file.
PRINTED_PURCHASES = 10


class ResPartnerFilePrint(models.Model):
    """The customer file on paper (S-CUS-31): which facts it names, under which headings.

    For staff only. Left out are income and funds, which are opened one by one and logged, and the star class, whose
    lowest rank is no word to leave lying about.
    """

    _inherit = 'res.partner'

    def _file_sections(self):
        """Hook: return ``[(heading, [fields])]`` of the printed file."""
        self.ensure_one()
        known = bool(self.retail_profile_id)
        return [
            (
                self.env._('Contact'),
                [
                    'phone',
                    'email',
                    'contact_address',
                    'retail_preferred_channel_id',
                    'retail_adviser_id',
                    'retail_source_id',
                    'retail_referrer_id',
                    'retail_checked_on',
                ],
            ),
            (
                self.env._('In Service'),
                [
                    'retail_salutation',
                    'retail_pronunciation',
                    'retail_remark',
                    'retail_need_text',
                    'retail_preference_text',
                    'retail_top_categories',
                ],
            ),
            (
                self.env._('Basic Data'),
                [
                    'retail_birthday_text',
                    'retail_age',
                    'retail_family',
                    'retail_occupation',
                    'retail_education',
                    'retail_personality',
                    'retail_network',
                ],
            ),
            (self.env._('Characteristics'), ['retail_dealing', *self._file_business()]),
            (self.env._('Figures'), self._file_figures() if known else []),
            (self.env._('Classes'), self._file_classes() if known else []),
        ]

    def _file_business(self):
        """Return what is asked of companies only."""
        if not self.is_company:
            return []
        return [
            'retail_management',
            'retail_strength',
            'retail_cost_control',
            'retail_sales_situation',
            'retail_cost_recovery',
        ]

    def _file_figures(self):
        return [
            'retail_first_order_date',
            'retail_last_order_date',
            'retail_order_count',
            'retail_order_count_12m',
            'retail_spend_total',
            'retail_spend_12m',
            'retail_spend_prev_12m',
            'retail_average_order',
        ]

    def _file_classes(self):
        return [
            'retail_lifecycle',
            'retail_ladder',
            'retail_coarse_class',
            'retail_rfm_group',
            'retail_abc_class',
            'retail_loyalty_score',
        ]

    def _file_facts(self):
        """Return ``[(heading, [(label, text)])]`` of what is known of the customer, without what is not.

        :raise AccessError: for those who do not see files
        """
        sections = [
            (heading, [(self._fields[name], self[name]) for name in names if self[name]])
            for heading, names in self._file_sections()
        ]
        return [
            (
                heading,
                [
                    (field._description_string(self.env), self._in_words(field, value))
                    for field, value in facts
                ],
            )
            for heading, facts in sections
            if facts
        ]

    def _in_words(self, field, value):
        """Return the value of a field as people read it."""
        if field.type == 'monetary':
            return format_amount(self.env, value, self[field.get_currency_field(self)])
        if field.type == 'date':
            return format_date(self.env, value)
        if field.type == 'selection':
            return dict(field._description_selection(self.env))[value]
        if field.type == 'many2one':
            return value.display_name
        if field.type in ('integer', 'float'):
            return formatLang(self.env, value, digits=0 if field.type == 'integer' else 1)
        return value

    def _file_purchases(self):
        """Return the last purchases, for those who may read purchases."""
        purchases = self.env['retail.purchase']
        if not purchases.has_access('read'):
            return purchases
        return purchases.search(
            [
                ('partner_id', '=', self.commercial_partner_id.id),
                ('company_id', '=', self.env.company.root_id.id),
            ],
            limit=PRINTED_PURCHASES,
        )
