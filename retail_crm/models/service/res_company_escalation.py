from odoo import fields, models


class ResCompanyEscalation(models.Model):
    _inherit = 'res.company'

    retail_director_id = fields.Many2one(
        comodel_name='res.users',
        string='Service Director',
        domain=[('share', '=', False)],
        help='Is told of what stays late, and of what nobody nearer may read. Is on call when nobody else is.',
    )

    def _retail_service_missing(self):
        missing = super()._retail_service_missing()
        if not self.root_id.retail_director_id:
            missing.append(
                self.env._('There is no service director: what stays late ends at the stores.')
            )
        return missing
