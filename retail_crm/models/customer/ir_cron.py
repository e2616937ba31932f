from odoo import api, models


class IrCron(models.Model):
    """Scheduled actions of this add-on, for those who start one by hand (S-SYS-10)."""

    _inherit = 'ir.cron'

    @api.model
    def _action_retail_crons(self):
        """Return the window of the scheduled actions of this add-on and of those that extend it."""
        rows = self.env['ir.model.data'].search_fetch(
            [('module', '=like', 'retail\\_crm%'), ('model', '=', 'ir.cron')], ['res_id']
        )
        action = self.env['ir.actions.act_window']._for_xml_id('base.ir_cron_act')
        return {
            **action,
            'display_name': self.env._('Scheduled Actions of Retail CRM'),
            'domain': [('id', 'in', rows.mapped('res_id'))],
            'context': {'active_test': False},
            'path': False,
        }
