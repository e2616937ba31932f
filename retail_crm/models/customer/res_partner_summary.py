from odoo import api, fields, models
from odoo.tools import SQL, format_date

from .res_partner_file import FILE_GROUPS

#: Days before a birthday in which the card names it.
BIRTHDAY_IS_NEAR = 7


class ResPartnerSummary(models.Model):
    """What the card and the Customer page tell at a glance, read in one query whatever the number of parts (design 8).

    Fields in words, such as "Prefers SMS", take their part from ``retail_summary``: ``partner.retail_summary[key]``.
    """

    _inherit = 'res.partner'

    retail_summary = fields.Json(
        string='Summary',
        compute='_compute_retail_summary',
        groups=FILE_GROUPS,
        help='Facts about the customer from which the card is made, by their keys.',
    )

    retail_channel_text = fields.Char(
        string='Prefers',
        compute='_compute_retail_summary_texts',
        groups=FILE_GROUPS,
        help='The channel on which the customer wants to be reached.',
    )
    retail_preference_text = fields.Char(
        string='Likes',
        compute='_compute_retail_summary_texts',
        groups=FILE_GROUPS,
        help='The preferences of the customer, without special needs.',
    )
    retail_need_text = fields.Char(
        string='Needs',
        compute='_compute_retail_summary_texts',
        groups=FILE_GROUPS,
        help='Special needs: the tags and the free text.',
    )
    retail_file_line = fields.Char(
        string='At a Glance',
        compute='_compute_retail_summary_texts',
        groups=FILE_GROUPS,
        help='The customer in one line: form of address, birthday when it is near, channel and preferences.',
    )

    @api.depends('commercial_partner_id', 'retail_preference_ids', 'retail_preferred_channel_id')
    @api.depends_context('company', 'lang', 'retail_crm_summary')
    def _compute_retail_summary(self):
        """Ask for all parts at once; who has no id yet has an empty summary.

        With ``retail_crm_summary`` in the context, a collection of keys, only for those: planning the statement takes
        longer than running it. Whoever gives it reads nothing of the customer there that needs another part.
        """
        parts = self._summary_parts()
        if keys := self.env.context.get('retail_crm_summary'):
            parts = {key: part for key, part in parts.items() if key in keys}
        rows = {}
        if ids := self._origin.ids:
            self.env['res.partner'].flush_model()
            for fnames, model in self._summary_flush():
                self.env[model].flush_model(fnames)
            columns = SQL(', ').join(parts.values())
            rows = {
                partner_id: dict(zip(parts, values, strict=True))
                for partner_id, *values in self.env.execute_query(
                    SQL(
                        'SELECT customer.id, %s FROM res_partner AS customer WHERE customer.id = ANY(%s)',
                        columns,
                        ids,
                    )
                )
            }
        for partner in self:
            partner.retail_summary = rows.get(partner._origin.id) or dict.fromkeys(parts)

    @api.model
    def _summary_parts(self):
        """Hook: return ``{key: SQL}`` of scalar sub-selects about ``customer``, a row of ``res_partner``.

        Values must be representable in JSON (text, numbers, ``jsonb``). Names of translated records are read by
        ``self._summary_name(alias)``.
        """
        return {
            'preferences': self._sql_summary_tags(SQL("preference.kind != 'need'")),
            'needs': self._sql_summary_tags(SQL("preference.kind = 'need'")),
            'channel': SQL(
                '(SELECT %s FROM retail_channel AS channel WHERE channel.id = customer.retail_preferred_channel_id)',
                self._summary_name('channel'),
            ),
        }

    @api.model
    def _summary_flush(self):
        """Hook: return ``[(fields or None for all, model)]`` to write before the summary is read."""
        return [
            (None, 'retail.preference'),
            (None, 'retail.channel'),
        ]

    def _sql_summary_tags(self, condition):
        """Return the names of the customer's preferences of a kind, as a list."""
        relation = self._fields['retail_preference_ids']
        return SQL(
            """(SELECT jsonb_agg(%(name)s ORDER BY preference.kind, preference.sequence, preference.id)
                  FROM %(table)s AS liking
                  JOIN retail_preference AS preference ON preference.id = liking.%(preference)s
                 WHERE liking.%(partner)s = customer.id AND preference.active AND %(condition)s)""",
            name=self._summary_name('preference'),
            table=SQL.identifier(relation.relation),
            preference=SQL.identifier(relation.column2),
            partner=SQL.identifier(relation.column1),
            condition=condition,
        )

    @api.depends(
        'retail_summary',
        'retail_salutation',
        'retail_pronunciation',
        'retail_special_need',
        'retail_birthday_next',
    )
    @api.depends_context('company', 'lang')
    def _compute_retail_summary_texts(self):
        """Put the parts of the summary and the own columns of the file into words."""
        for partner in self:
            summary = partner.retail_summary or {}
            partner.retail_channel_text = summary.get('channel')
            partner.retail_preference_text = ', '.join(summary.get('preferences') or ())
            partner.retail_need_text = '; '.join(
                filter(None, [*(summary.get('needs') or ()), partner.retail_special_need])
            )
            partner.retail_file_line = ' \N{MIDDLE DOT} '.join(partner._file_words())

    def _file_words(self):
        """Hook: return what the card says about the file, most important first."""
        words = []
        if self.retail_salutation and self.retail_pronunciation:
            words.append(
                self.env._(
                    '%(name)s (say: %(sound)s)',
                    name=self.retail_salutation,
                    sound=self.retail_pronunciation,
                )
            )
        elif self.retail_pronunciation:
            words.append(self.env._('say: %(sound)s', sound=self.retail_pronunciation))
        elif self.retail_salutation:
            words.append(self.retail_salutation)
        if birthday := self.retail_birthday_next:
            days = (birthday - fields.Date.context_today(self)).days
            if not days:
                words.append(self.env._('birthday today'))
            elif days <= BIRTHDAY_IS_NEAR:
                words.append(
                    self.env._(
                        'birthday on %(day)s',
                        day=format_date(self.env, birthday, date_format='d MMMM'),
                    )
                )
        if self.retail_channel_text:
            words.append(self.env._('prefers %(channel)s', channel=self.retail_channel_text))
        if self.retail_preference_text:
            words.append(self.env._('likes %(names)s', names=self.retail_preference_text))
        return words

    def _summary_name(self, alias):
        """Return the translated name of a record in the user's language."""
        return SQL(
            "COALESCE(%(alias)s.name->>%(lang)s, %(alias)s.name->>'en_US')",
            alias=SQL.identifier(alias),
            lang=self.env.lang or 'en_US',
        )
