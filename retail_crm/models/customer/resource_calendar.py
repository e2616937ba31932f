from odoo import models


class ResourceCalendar(models.Model):
    _inherit = 'resource.calendar'

    def write(self, vals):
        """Derive purchases again when a company counts its days in another zone."""
        changed = self.filtered(lambda calendar: 'tz' in vals and calendar.tz != vals['tz'])
        result = super().write(vals)
        if changed:
            self.env.registry.clear_cache()  # of _retail_timezone
            roots = self.env['res.company']._retail_roots()
            roots.filtered(
                lambda company: company.resource_calendar_id in changed
            )._retail_request_rebuild()
        return result
