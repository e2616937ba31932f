from odoo import models


class RetailTicketResponsible(models.Model):
    """Who is responsible for a ticket, up the line: owner, leader, store manager, area manager, director (R-svc C.2).

    The one ladder: escalation tells these people, remedies are approved by them.
    """

    _inherit = 'retail.ticket'

    def _responsible(self):
        """Hook: return ``{role: [(person, deputy), ...]}`` of one ticket, the nearest role first. Asked as system."""
        team = self.team_id
        store = self.store_id or team.store_id
        nobody = self.env['res.users']
        line = {
            # without substitute the deputy of the store stands in for whoever has it
            'owner': [(self.user_id, nobody), (self.user_id and store.retail_deputy_id, nobody)],
            'leader': [(team.user_id, team.deputy_id)],
            'store_manager': [(store.user_id, store.retail_deputy_id)],
            'area_manager': [(store.retail_area_id.manager_id, nobody)],
            'director': [(user, nobody) for user in self.company_id._retail_directors()],
        }
        return {
            role: [(person, deputy) for person, deputy in people if person or deputy]
            for role, people in line.items()
        }

    def _responsible_from(self, role):
        """Return ``[(person, deputy), ...]`` of one ticket from a role on up the line."""
        line = self._responsible()
        roles = list(line)
        return [one for above in roles[roles.index(role) :] for one in line[above]]

    def _team_of(self, user):
        """Return the team of one ticket when somebody works by its hours: its people and those of its store."""
        team = self.team_id
        people = team.member_ids.user_id + team.user_id + team.deputy_id
        people += team.store_id.user_id + team.store_id.retail_deputy_id
        return team if user in people else team.browse()

    def _readable_by(self, user):
        """Return those of these tickets which an employee may read, whatever companies he has chosen in his session."""
        user_sudo = user.sudo()  # sudo: companies of a colleague
        if not user_sudo.active or user_sudo.share:
            return self.browse()
        mine = self.with_user(user).sudo(False)
        mine = mine.with_context(allowed_company_ids=user_sudo.company_ids.ids)
        return self.browse(mine._filtered_access('read')._ids)
