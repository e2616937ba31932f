from odoo import fields, models


class ResCompanyEscalation(models.Model):
    _inherit = 'res.company'

    retail_director_id = fields.Many2one(
        comodel_name='res.users',
        string='Service Director',
        domain=[('share', '=', False)],
        help='Is told of what stays late, and of what nobody nearer may read. Is on call when nobody else is.',
    )

    def _retail_managers(self):
        """Return the managers of one company, those that Odoo itself made last."""
        group = self.env.ref('retail_crm.group_manager')
        # sudo: who is a manager is no secret
        managers = group.sudo().all_user_ids.filtered(
            lambda user: user.active and not user.share and self in user.company_ids
        )
        return managers.sorted(lambda user: (user.id < 3, user.id))

    def _retail_directors(self):
        """Return who directs the service of one company: its director, without one its managers."""
        director = self.root_id.sudo().retail_director_id  # sudo: settings
        return director.filtered('active') or self._retail_managers()

    def _retail_service_missing(self):
        missing = super()._retail_service_missing()
        if not self.root_id.retail_director_id:
            missing.append(
                self.env._('There is no service director: what stays late ends at the stores.')
            )
        return missing
