from odoo import api, models


class ResourceCalendarLeaves(models.Model):
    """Holidays: when one changes, the working time that was kept is forgotten. Nobody's own time off concerns it."""

    _inherit = 'resource.calendar.leaves'

    @api.model_create_multi
    def create(self, vals_list):
        leaves = super().create(vals_list)
        leaves._retail_forget_work_time()
        return leaves

    def write(self, vals):
        self._retail_forget_work_time()
        result = super().write(vals)
        self._retail_forget_work_time()
        return result

    def unlink(self):
        self._retail_forget_work_time()
        return super().unlink()

    def _retail_forget_work_time(self):
        if any(not leave.resource_id for leave in self):
            self.env.registry.clear_cache()
