from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: Touches by which the customer turned to us; the others are only an interest or came from us.
KINDS = [
    ('visit', 'Visit'),
    ('call_in', 'Call from the customer'),
    ('call_out', 'Call to the customer'),
    ('message_in', 'Message from the customer'),
    ('message_out', 'Message to the customer'),
    ('event', 'Event'),
    ('registration', 'Registration'),
]


class RetailTouch(models.Model):
    """A contact with a customer that left no other document: a visit, a call, a message, the registration.

    Written by staff (or by the add-on for registrations). The first touch other than the registration makes a
    potential customer a potential purchaser.
    """

    _name = 'retail.touch'
    _description = 'Contact With a Customer'
    _order = 'date desc, id desc'
    _rec_name = 'kind'

    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        ondelete='restrict',  # a cascade would hide the row from the privacy look-up
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        default=lambda self: self.env.company,
        index=True,
    )
    date = fields.Datetime(
        required=True,
        default=fields.Datetime.now,
        help='When it was.',
    )
    kind = fields.Selection(
        selection=KINDS,
        required=True,
        default='visit',
        help='What happened. Anything but a registration makes a potential customer a potential purchaser.',
    )
    channel_id = fields.Many2one(
        comodel_name='retail.channel',
        ondelete='restrict',
        help='On which way the customer and the shop reached each other.',
    )
    store_id = fields.Many2one(
        comodel_name='crm.team',
        domain=[('retail_is_store', '=', True)],
        index='btree_not_null',
        help='Store in which it was.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Employee',
        default=lambda self: self.env.user,
        index='btree_not_null',
        help='Who served the customer.',
    )
    note = fields.Text(help='What it was about.')

    _partner_idx = models.Index('(partner_id, date DESC)')

    @api.constrains('date')
    def _check_date(self):
        """A contact cannot have been in the future; a minute is allowed for clocks that differ."""
        limit = fields.Datetime.add(fields.Datetime.now(), minutes=1)
        if any(touch.date > limit for touch in self):
            raise ValidationError(self.env._('A contact that was logged cannot lie in the future.'))

    @api.model_create_multi
    def create(self, vals_list):
        touches = super().create(vals_list)
        touches._announce()
        return touches

    def write(self, vals):
        before = self.partner_id
        result = super().write(vals)
        if {'partner_id', 'kind', 'company_id'} & set(vals):
            self._announce(before)
        return result

    def unlink(self):
        partners = self.partner_id
        result = super().unlink()
        self._announce(partners)
        return result

    def _announce(self, partners=None):
        """Have the classes of these customers follow: they may be potential purchasers now."""
        self.env['retail.moment']._emit(
            'partner_changed', (self.exists().partner_id | (partners or self.partner_id.browse()))
        )
