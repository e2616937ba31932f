from odoo import api, models

from .retail_ticket_number import SEQUENCE

#: What ``_sequence_kept`` reads.
_KEPT = {
    'active',
    'code',
    'company_id',
    'implementation',
    'padding',
    'prefix',
    'suffix',
    'use_date_range',
}


class IrSequence(models.Model):
    """Forgets which sequence numbers the tickets when sequences change (``retail.ticket._sequence_kept``)."""

    _inherit = 'ir.sequence'

    @api.model_create_multi
    def create(self, vals_list):
        sequences = super().create(vals_list)
        if SEQUENCE in sequences.mapped('code'):
            self.env.registry.clear_cache()  # of _sequence_kept
        return sequences

    def write(self, vals):
        result = super().write(vals)
        if _KEPT & set(vals):
            self.env.registry.clear_cache()
        return result

    def unlink(self):
        if SEQUENCE in self.mapped('code'):
            self.env.registry.clear_cache()
        return super().unlink()
