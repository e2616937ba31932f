from odoo import api, fields, models
from odoo.tools import SQL

from .retail_profile_layers import _sql_cases

#: Bands of the total score: key, label, least score. From worst to best.
BANDS = [('poor', 'Poor', 0), ('fair', 'Fair', 50), ('good', 'Good', 80)]
BAND = [(key, label) for key, label, _least in BANDS]
#: Days for which data is taken for confirmed, where rules were applied before they knew this one.
CHECK_DAYS = 365


def _part(text, explanation):
    return fields.Integer(
        string=text, readonly=True, aggregator='avg', help=f'From 0 to 100. {explanation}'
    )


class RetailProfileQuality(models.Model):
    """How good what we know of a customer is: three scores and their mean (docs/data-quality.md), made by the refresh."""

    _inherit = 'retail.profile'

    data_quality = _part('Data Quality', 'Mean of accuracy, completeness and timeliness.')
    data_accuracy = _part(
        'Accuracy', 'Telephone and e-mail, as far as given, are valid. 0 without any of them.'
    )
    data_completeness = _part(
        'Completeness',
        'Filled of: name, telephone or e-mail, birthday (of persons), preferred channel, a preference, city or postcode.',
    )
    data_timeliness = _part(
        'Timeliness',
        '100 within the days of the rule after the data was confirmed, 50 within twice as many, then 0.',
    )
    data_band = fields.Selection(
        selection=BAND,
        string='Data Quality Band',
        readonly=True,
        help='Poor below 50, good from 80.',
    )
    data_quality_text = fields.Char(
        string='What Is Missing',
        compute='_compute_data_quality_text',
        help='What is missing, wrong or out of date, in words.',
    )

    _quality_idx = models.Index('(company_id, data_quality, spend_12m DESC)')

    # === COMPUTE ===#

    @api.depends('data_quality', 'partner_id')
    def _compute_data_quality_text(self):
        """Say what is wrong. Computed: it follows the contact at once, and ages."""
        for profile in self:
            # sudo: says which entries there are, not what they are; readers of profiles may know
            partner = profile.partner_id.sudo()
            remarks = partner._retail_quality_remarks(
                bool(partner.retail_preferred_channel_id),
                bool(partner.retail_preference_ids),
                profile.company_id,
            )
            profile.data_quality_text = '; '.join(remarks)

    def _class_ranks(self):
        return {**super()._class_ranks(), 'data_band': [key for key, _label in BAND]}

    # === LAYERS ===#

    def _flush_sums(self):
        result = super()._flush_sums()
        self.env['res.partner'].flush_model(self.env['res.partner']._retail_quality_fields())
        return result

    def _quality_required(self):
        """Hook: return ``{what: (condition, to whom it applies)}`` of what should be filled, SQL over partner."""
        preferences = self.env['res.partner']._fields['retail_preference_ids']
        everybody = SQL('true')
        return {
            'name': (SQL("COALESCE(partner.name, '') != ''"), everybody),
            'contact': (
                SQL("(COALESCE(partner.phone, '') != '' OR COALESCE(partner.email, '') != '')"),
                everybody,
            ),
            'birthday': (
                SQL('partner.retail_birth_month IS NOT NULL AND partner.retail_birth_day > 0'),
                SQL('partner.is_company IS NOT TRUE'),
            ),
            'channel': (SQL('partner.retail_preferred_channel_id IS NOT NULL'), everybody),
            'preference': (
                SQL(
                    'EXISTS (SELECT FROM %(table)s AS liking WHERE liking.%(column)s = partner.id)',
                    table=SQL.identifier(preferences.relation),
                    column=SQL.identifier(preferences.column1),
                ),
                everybody,
            ),
            'address': (
                SQL("(COALESCE(partner.city, '') != '' OR COALESCE(partner.zip, '') != '')"),
                everybody,
            ),
        }

    def _contact_columns(self):
        """Judge what is given, valid and filled where the contact is read."""
        given = [
            SQL("COALESCE(partner.%s, '') != ''", SQL.identifier(name))
            for name in ('phone', 'email')
        ]
        valid = [
            SQL('%s AND partner.%s IS NOT NULL', condition, SQL.identifier(name))
            for condition, name in zip(given, ('phone_sanitized', 'email_normalized'), strict=True)
        ]
        required = self._quality_required().values()

        def count(conditions):
            return SQL(' + ').join(SQL('COALESCE((%s)::int, 0)', one) for one in conditions)

        return {
            **super()._contact_columns(),
            'data_accuracy': SQL(
                'COALESCE(100 * (%s) / NULLIF(%s, 0), 0)', count(valid), count(given)
            ),
            'data_completeness': SQL(
                'round(100.0 * (%s) / (%s))::int',
                count(SQL('%s AND %s', condition, applies) for condition, applies in required),
                count(applies for _condition, applies in required),
            ),
            'checked_on': SQL('partner.retail_checked_on'),
        }

    @api.model
    def _layers(self):
        """Add what ages and the total to the last two layers; they need nothing of what was bought."""
        *layers, value, last = super()._layers()
        return [
            *layers,
            {**value, **self._layer_timeliness()},
            {**last, **self._layer_quality()},
        ]

    def _layer_timeliness(self):
        age = SQL('(company.day - sums.checked_on)')
        days = self._sql_check_days()
        return {
            'data_timeliness': _sql_cases(
                [
                    (SQL('%s <= %s', age, days), SQL('100')),
                    (SQL('%s <= 2 * %s', age, days), SQL('50')),
                ],
                SQL('0'),
            )
        }

    def _layer_quality(self):
        """The mean of the parts, rounded, and its band."""
        total = SQL(
            'round((sums.data_accuracy + sums.data_completeness + sums.data_timeliness) / 3.0)::int'
        )
        return {
            'data_quality': total,
            'data_band': _sql_cases(
                [(SQL('%s >= %s', total, least), key) for key, _label, least in BANDS[:0:-1]],
                BANDS[0][0],
            ),
        }

    def _sql_check_days(self):
        return SQL('COALESCE(company.check_days, %s)', CHECK_DAYS)

    def _sql_refresh_on(self):
        """Also the days on which confirmed data becomes half and wholly out of date."""
        days = self._sql_check_days()
        ends = [
            SQL('sums.checked_on + %s + 1', days),
            SQL('sums.checked_on + 2 * %s + 1', days),
        ]
        return SQL(
            'LEAST(%s, %s)',
            super()._sql_refresh_on(),
            SQL(', ').join(
                SQL('CASE WHEN %(end)s > company.day THEN %(end)s END', end=end) for end in ends
            ),
        )

    # === ACTIONS ===#

    def action_checked_today(self):
        """Note that these customers confirmed their data today.

        :raise AccessError: for anybody but Retail CRM staff
        """
        self.check_access('read')
        return self.partner_id.action_retail_checked_today()
