from odoo import fields, models


class ResConfigSettingsDoor(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_mail_new_customer = fields.Boolean(
        related='company_id.retail_mail_new_customer', readonly=False
    )
    retail_mail_acknowledge = fields.Boolean(
        related='company_id.retail_mail_acknowledge', readonly=False
    )
    retail_mail_limit_minutes = fields.Integer(
        related='company_id.retail_mail_limit_minutes', readonly=False
    )
    retail_mail_limit_sender = fields.Integer(
        related='company_id.retail_mail_limit_sender', readonly=False
    )
    retail_mail_limit_domain = fields.Integer(
        related='company_id.retail_mail_limit_domain', readonly=False
    )
    retail_mail_limit_body = fields.Integer(
        related='company_id.retail_mail_limit_body', readonly=False
    )
    retail_mail_limit_reopens = fields.Integer(
        related='company_id.retail_mail_limit_reopens', readonly=False
    )
    retail_quarantine_days = fields.Integer(
        related='company_id.retail_quarantine_days', readonly=False
    )
