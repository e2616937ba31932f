from odoo import models
from odoo.exceptions import UserError


class RetailTicketType(models.Model):
    _inherit = 'retail.ticket.type'

    def _merge_stage(self):
        """Return the stage of tickets of this type that were merged into others."""
        stage = self.env.ref('retail_crm.retail_ticket_stage_merged', raise_if_not_found=False)
        if stage and stage.category == 'cancelled':
            return stage
        stage = self._stage_of(('cancelled',))
        if not stage:
            raise UserError(
                self.env._(
                    'The type %(type)s has no stage for cancelled tickets.', type=self.display_name
                )
            )
        return stage
