from odoo import fields, models
from odoo.tools import html2plaintext


class MailMessage(models.Model):
    _inherit = 'mail.message'

    retail_excerpt = fields.Char(
        string='What Was Said',
        compute='_compute_retail_excerpt',
        help='Beginning of the message, without its form.',
    )

    def _compute_retail_excerpt(self):
        for message in self:
            message.retail_excerpt = ' '.join(html2plaintext(message.body or '').split())[:160]
