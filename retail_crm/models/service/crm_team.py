from odoo import models


class CrmTeam(models.Model):
    _inherit = 'crm.team'

    def write(self, vals):
        """Desks follow the leader and the deputy of their store."""
        watched = {'user_id', 'retail_deputy_id'} & set(vals)
        before = {team.id: (team.user_id, team.retail_deputy_id) for team in self if watched}
        result = super().write(vals)
        if watched:
            self.env['retail.ticket.team']._follow_stores(self, before)
        return result
