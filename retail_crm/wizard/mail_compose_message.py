from odoo import api, fields, models

from ..models.customer.res_partner_file import FILE_GROUPS


class MailComposeMessage(models.TransientModel):
    """The composer warns of customers who refused e-mail or prefer another channel."""

    _inherit = 'mail.compose.message'

    retail_contact_warning = fields.Text(
        string='Contact Warning',
        compute='_compute_retail_contact_warning',
        groups=FILE_GROUPS,
        help='Recipients who refused e-mail or prefer another channel.',
    )

    @api.depends('partner_ids', 'subtype_is_log', 'composition_mode', 'model', 'res_ids')
    def _compute_retail_contact_warning(self):
        for composer in self:
            partners = composer.partner_ids
            if composer.composition_mode == 'mass_mail' and composer.model == 'res.partner':
                partners |= partners.browse(composer._evaluate_res_ids())
            if composer.subtype_is_log:
                partners = partners.browse()
            composer.retail_contact_warning = partners._contact_warning_text('email')
