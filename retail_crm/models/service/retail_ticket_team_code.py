from odoo import api, models


class RetailTicketTeamCode(models.Model):
    """Teams by their code, for tables that hold in several companies."""

    _inherit = 'retail.ticket.team'

    @api.model
    def _find_code(self, code, company):
        """Return the team of a company (or of its main company) with a code, or none."""
        if not code:
            return self.browse()
        # sudo: which team is responsible is no secret, staff of another store may open a ticket for it
        team_sudo = self.sudo().search(
            [('code', '=', code), ('company_id', 'parent_of', company.id)],
            order='sequence, id',
            limit=1,
        )
        return team_sudo.sudo(self.env.su)

    def _leader(self):
        """Return who leads one team, else the deputy, else nobody."""
        # sudo: who leads a team is no secret
        team_sudo = self.sudo()
        leader = team_sudo.user_id if team_sudo.user_id.active else team_sudo.deputy_id
        return leader.filtered('active').sudo(self.env.su)
