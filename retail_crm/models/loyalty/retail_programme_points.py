from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class RetailProgramme(models.Model):
    """Points are a debt to customers: they begin when a manager says so, also in a club that runs already."""

    _inherit = 'retail.programme'

    can_start_points = fields.Boolean(
        compute='_compute_can_start_points',
        help='The company has a points program that was made ready and nobody uses yet, and no other one.',
    )

    @api.depends('company_id', 'state')
    def _compute_can_start_points(self):
        for programme in self:
            programme.can_start_points = bool(programme._points_to_start())

    def _points_to_start(self):
        """Return the points program that is ready for the company, archived; none when there is one in use."""
        # sudo: only asks which program is there; who starts it is checked by the action
        programs = self.env['loyalty.program'].sudo().with_context(active_test=False)
        ready = self.env.ref('retail_crm.loyalty_program_points', raise_if_not_found=False)
        ready = programs.browse(ready.id) if ready else programs
        if not ready or ready.active or ready.company_id != self.company_id:
            return programs.browse()
        used = programs.search_count(
            [
                ('program_type', '=', 'loyalty'),
                ('active', '=', True),
                ('company_id', 'in', (False, self.company_id.id)),
            ],
            limit=1,
        )
        return programs.browse() if used else ready

    def action_start_points(self):
        """Put the points program that is ready into use: from now on purchases earn points.

        :raise AccessError: for those who are no Retail CRM managers
        :raise UserError: when the company has a points program, or none is ready
        """
        self.ensure_one()
        if not self.env.user.has_group('retail_crm.group_manager'):
            raise AccessError(self.env._('Only a Retail CRM manager can start points.'))
        self.check_access('write')
        program = self._points_to_start()
        if not program:
            raise UserError(
                self.env._(
                    'The company has a loyalty program in use, or none that is ready. See Discount & Loyalty in Sales.'
                )
            )
        program.active = True
        self.message_post(body=self.env._('Points were started: %(name)s.', name=program.name))
