from odoo import fields, models


class RetailLostReason(models.Model):
    """Why customers say they left: asked in the win-back call and kept on the follow-up (S-CLV-03).

    Written by managers. A reason that was given once is archived, never deleted.
    """

    _name = 'retail.lost.reason'
    _description = 'Reason of Loss'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(help='Fixed name of a shipped reason, for reports and imports.')
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    help_text = fields.Char(
        string='When to Choose It',
        translate=True,
        help='One sentence for those who ask the customer.',
    )
    can_return = fields.Boolean(
        string='Worth Another Try',
        default=True,
        help='Customers who left for this reason may come back. Others, for example those who moved away, are left out '
        'of the win-back list.',
    )

    _code_uniq = models.UniqueIndex(
        '(code) WHERE code IS NOT NULL', 'There is a reason with this code already.'
    )
