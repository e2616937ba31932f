from odoo import api, fields, models
from odoo.tools import SQL

from .res_partner_file import FILE_GROUPS


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

    @api.depends('commercial_partner_id')
    @api.depends_context('company', 'lang')
    def _compute_retail_summary(self):
        """Ask for all parts at once; who has no id yet has an empty summary."""
        parts = self._summary_parts()
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
            'preferences': SQL(
                """(SELECT jsonb_agg(%(name)s ORDER BY preference.kind, preference.sequence, preference.id)
                      FROM %(table)s AS liking
                      JOIN retail_preference AS preference ON preference.id = liking.%(preference)s
                     WHERE liking.%(partner)s = customer.id AND preference.active)""",
                name=self._summary_name('preference'),
                table=SQL.identifier(self._fields['retail_preference_ids'].relation),
                preference=SQL.identifier(self._fields['retail_preference_ids'].column2),
                partner=SQL.identifier(self._fields['retail_preference_ids'].column1),
            ),
            'channel': SQL(
                '(SELECT %s FROM retail_channel AS channel WHERE channel.id = customer.retail_preferred_channel_id)',
                self._summary_name('channel'),
            ),
        }

    @api.model
    def _summary_flush(self):
        """Hook: return ``[(fields or None for all, model)]`` to write before the summary is read."""
        return [(None, 'retail.preference'), (None, 'retail.channel')]

    def _summary_name(self, alias):
        """Return the translated name of a record in the user's language."""
        return SQL(
            "COALESCE(%(alias)s.name->>%(lang)s, %(alias)s.name->>'en_US')",
            alias=SQL.identifier(alias),
            lang=self.env.lang or 'en_US',
        )
