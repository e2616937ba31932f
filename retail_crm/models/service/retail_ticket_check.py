from odoo import api, fields, models


class RetailTicketCheck(models.Model):
    """A point of the emergency plan of one major case: who did it, and when. Made when the case becomes major."""

    _name = 'retail.ticket.check'
    _description = 'Check of a Major Case'
    _inherit = ['retail.ticket.part']
    _order = 'ticket_id, sequence, id'
    _rec_name = 'name'

    name = fields.Char(required=True)
    sequence = fields.Integer(default=10)
    note = fields.Text(help='What is meant, and what was done.')
    due_at = fields.Datetime(string='Due', help='To be done until then.')
    is_done = fields.Boolean(string='Done', help='Was done.')
    done_at = fields.Datetime(readonly=True, help='When it was ticked.')
    done_by = fields.Many2one(
        comodel_name='res.users', readonly=True, ondelete='restrict', help='Who ticked it.'
    )

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._stamped(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._stamped(vals))

    def _stamped(self, vals):
        """Return values with who ticked it and when."""
        if 'is_done' not in vals:
            return {key: value for key, value in vals.items() if key not in ('done_at', 'done_by')}
        is_done = vals['is_done']
        return {
            **vals,
            'done_at': fields.Datetime.now() if is_done else False,
            'done_by': self.env.uid if is_done else False,
        }
