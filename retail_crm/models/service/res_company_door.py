from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    retail_mail_new_customer = fields.Boolean(
        string='Unknown Senders Become Customers',
        default=True,
        help='On: somebody unknown who writes to a service address becomes a potential customer with the source e-mail. '
        'Off: the ticket has the address only.',
    )
    retail_mail_acknowledge = fields.Boolean(
        string='Acknowledge Mails',
        default=True,
        help='On: who writes to a service address gets a notice with the number of the ticket, at most one an hour.',
    )
    retail_mail_limit_minutes = fields.Integer(
        string='Minutes Counted',
        default=120,
        help='Minutes over which mails are counted to find loops and floods.',
    )
    retail_mail_limit_sender = fields.Integer(
        string='Mails per Sender',
        default=20,
        help='With so many mails of one sender in the minutes counted, further ones are held. 0: no limit.',
    )
    retail_mail_limit_domain = fields.Integer(
        string='Mails per Domain',
        default=50,
        help='With so many mails of one domain in the minutes counted, further ones are held. Providers where everybody has '
        'an address are not counted. 0: no limit.',
    )
    retail_mail_limit_body = fields.Integer(
        string='Mails with the Same Text',
        default=5,
        help='With so many mails of the same text in the minutes counted, whoever sent them, further ones are held. '
        '0: no limit.',
    )
    retail_mail_limit_reopens = fields.Integer(
        string='Reopens per Ticket and Day',
        default=3,
        help='When mails have opened a ticket again so often within a day, further ones are only attached and the leader of '
        'the team is told. 0: no limit.',
    )
    retail_quarantine_days = fields.Integer(
        string='Days Held Mails Are Kept',
        default=30,
        help='After so many days held mails, decided or not, and the list of received mails are deleted.',
    )

    _retail_mail_limits_check = models.Constraint(
        'CHECK(retail_mail_limit_minutes > 0 AND retail_mail_limit_sender >= 0 AND retail_mail_limit_domain >= 0'
        ' AND retail_mail_limit_body >= 0 AND retail_mail_limit_reopens >= 0 AND retail_quarantine_days > 0)',
        'Minutes and days are positive, limits are not negative.',
    )
