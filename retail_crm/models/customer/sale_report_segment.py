from odoo import fields, models

from .res_partner_file import FILE_GROUPS


class SaleReportSegment(models.Model):
    """The sales analysis by the customers' segments: a filter, no column, so that other uses cost what they did."""

    _inherit = 'sale.report'

    retail_segment_ids = fields.Many2many(
        comodel_name='retail.segment',
        string='Segments',
        compute='_compute_retail_segment_ids',
        search='_search_retail_segment_ids',
        groups=FILE_GROUPS,
        help="Today's segments of the customer in the current company.",
    )

    def _compute_retail_segment_ids(self):
        for line in self:
            line.retail_segment_ids = line.partner_id.retail_segment_ids

    def _search_retail_segment_ids(self, operator, value):
        self._check_field_access(self._fields['retail_segment_ids'], 'read')
        if operator not in ('in', 'like', 'ilike', '=like', '=ilike', 'any'):
            return NotImplemented
        return [('partner_id', 'any', [('retail_segment_ids', operator, value)])]
