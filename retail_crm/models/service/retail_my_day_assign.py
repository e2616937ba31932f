from odoo import api, fields, models
from odoo.tools import format_datetime


class RetailMyDayAssign(models.AbstractModel):
    """The switch "I take no tickets now" on the screen of the day."""

    _inherit = 'retail.my.day'

    @api.model
    def action_load(self):
        result = super().action_load()
        until = self.env.user.sudo().retail_pause_until  # sudo: one's own switch
        is_on = bool(until and until > fields.Datetime.now())
        result['pause'] = {
            'on': is_on,
            'text': self.env._(
                'You get no tickets until %(time)s', time=format_datetime(self.env, until)
            )
            if is_on
            else '',
        }
        return result
