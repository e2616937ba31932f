from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    retail_link_days = fields.Integer(
        string='Links to Requests Work For (Days)',
        default=30,
        help='A link to a request that was sent to a customer opens it without signing in for this number of days; each '
        'later message to him makes it work longer.',
    )
    retail_portal_hourly = fields.Integer(
        string='Requests per Hour in the Portal',
        default=10,
        help='A customer may open this number of requests an hour in the portal; more is refused.',
    )

    _check_retail_portal = models.Constraint(
        'CHECK(retail_link_days > 0 AND retail_portal_hourly > 0)',
        'Links must work for at least a day, and customers may open at least one request an hour.',
    )
