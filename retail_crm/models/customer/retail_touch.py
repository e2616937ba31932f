from odoo import api, fields, models
from odoo.exceptions import ValidationError

KINDS = [
    ('visit', 'Visit'),
    ('call_in', 'Call from the customer'),
    ('call_out', 'Call to the customer'),
    ('message_in', 'Message from the customer'),
    ('message_out', 'Message to the customer'),
    ('comment', 'Comment or review'),
    ('event', 'Event'),
    ('registration', 'Registration'),
]

#: Kinds by which the customer turned to us. The others came from us, or are only an interest.
CONTACT_KINDS = ('visit', 'call_in', 'message_in', 'comment', 'event')

#: Channel on which a kind usually happens, by its code; the other kinds may come on any.
_USUAL_CHANNELS = {
    'visit': 'counter',
    'call_in': 'phone',
    'call_out': 'phone',
    'comment': 'social',
    'registration': 'counter',
}


class RetailTouch(models.Model):
    """A contact with a customer that left no other document: a visit, a call, a message, the registration.

    Written by staff (or by the add-on for registrations). The first touch by which the customer turned to us
    (``CONTACT_KINDS``) makes a potential customer a potential purchaser; a registration, or a call of ours that
    nobody asked for, only makes a potential customer (S-SEG-02, S-SEG-03). What was seen on social media is logged
    with that channel (S-CUS-15).
    """

    _name = 'retail.touch'
    _description = 'Contact With a Customer'
    _order = 'date desc, id desc'
    _rec_name = 'kind'
    _check_company_auto = True

    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        check_company=True,
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
        help='What happened. A visit, call, message or comment of the customer, or an event, makes a potential customer a '
        'potential purchaser.',
    )
    channel_id = fields.Many2one(
        comodel_name='retail.channel',
        compute='_compute_channel_id',
        store=True,
        readonly=False,
        precompute=True,
        index='btree_not_null',
        ondelete='restrict',
        help='How the customer and the shop reached each other. Visits start with the counter, calls with the telephone, '
        'comments with social media.',
    )
    source_id = fields.Many2one(
        comodel_name='utm.source',
        index='btree_not_null',
        ondelete='set null',
        help='What brought the customer this time, for example an advertisement or a fair.',
    )
    store_id = fields.Many2one(
        comodel_name='crm.team',
        domain=[('retail_is_store', '=', True)],
        check_company=True,
        default=lambda self: self._default_store_id(),
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
    _date_idx = models.Index('(date DESC, id DESC)')

    def _default_store_id(self):
        """Return the store of the employee, where the sales team is one."""
        # sudo: the employee's own team and its flag
        team = self.env.user.sudo().sale_team_id
        fits = not team.company_id or team.company_id in self.env.company.parent_ids
        return team if team.retail_is_store and fits else False

    @api.depends('kind')
    def _compute_channel_id(self):
        """Start with the usual channel of the kind; what was chosen for a kind without any stays."""
        channels = self.env['retail.channel'].search([('code', 'in', [*_USUAL_CHANNELS.values()])])
        by_code = {channel.code: channel for channel in channels}
        for touch in self:
            usual = by_code.get(_USUAL_CHANNELS.get(touch.kind), channels.browse())
            # A message is not on the counter only because it was taken for a visit at first.
            if usual or touch.channel_id in channels:
                touch.channel_id = usual

    @api.depends('kind', 'partner_id')
    def _compute_display_name(self):
        kinds = dict(self._fields['kind']._description_selection(self.env))
        for touch in self:
            touch.display_name = self.env._(
                '%(kind)s: %(customer)s',
                kind=kinds.get(touch.kind, ''),
                customer=touch.partner_id.display_name or '',
            )

    @api.constrains('date')
    def _check_date(self):
        """A contact cannot have been in the future; a minute is allowed for clocks that differ."""
        limit = fields.Datetime.add(fields.Datetime.now(), minutes=1)
        if any(touch.date and touch.date > limit for touch in self):
            raise ValidationError(self.env._('A contact that was logged cannot lie in the future.'))

    # === CRUD ===#

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
        """Have the classes of these customers, and of those the contacts were with before, follow."""
        after = self.exists().partner_id
        self.env['retail.moment']._emit('partner_changed', after | partners if partners else after)

    # === ACTIONS ===#

    def action_open_partner(self):
        """Open the customer's form."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'res.partner',
            'res_id': self.partner_id.id,
            'view_mode': 'form',
        }
