from markupsafe import Markup

from odoo import api, models

from ..models.customer.res_partner_file import FILE_GROUPS


class MailActivitySchedule(models.TransientModel):
    """Planning a call or an e-mail warns of customers who refused it or prefer another channel."""

    _inherit = 'mail.activity.schedule'

    @api.depends('activity_type_id')
    def _compute_error(self):
        super()._compute_error()
        if not self.env.user.has_groups(FILE_GROUPS):
            return
        for scheduler in self.filtered('activity_type_id'):
            records = scheduler._get_applied_on_records()
            text = scheduler.activity_type_id._retail_contact_warning(records)
            if text and not scheduler.has_error:
                scheduler.warning = Markup('%s<p class="mb-0">%s</p>') % (
                    scheduler.warning or '',
                    text,
                )
                scheduler.has_warning = True
