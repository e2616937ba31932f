from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: Kinds that hand something out to each entitled member.
GIFT_KINDS = ('entry', 'birthday', 'service')
#: Highest number by which points are multiplied.
MAX_FACTOR = 5


class RetailPrivilegeHow(models.Model):
    """How a privilege acts: the settings of each kind, and the questions that the rest of the system asks (S-LOY-08)."""

    _inherit = 'retail.privilege'

    # === POINTS ===#

    points_factor = fields.Float(
        default=1.0,
        digits=(4, 2),
        help='Points of a purchase are multiplied by this number. Of several privileges the best holds.',
    )

    # === PRIORITY ===#

    priority = fields.Selection(
        selection=[('1', 'High'), ('2', 'Urgent')],
        help="Priority that these members' requests have at least; a policy may give a higher one.",
    )

    # === GIFTS ===#

    gift = fields.Selection(
        selection=[('coupon', 'Coupon'), ('voucher', 'Voucher for a service or gift')],
        compute='_compute_gift',
        store=True,
        readonly=False,
        precompute=True,
        help='A coupon is used on orders by its code; a voucher is rendered by staff at the counter.',
    )
    coupon_program_id = fields.Many2one(
        comodel_name='loyalty.program',
        domain="[('program_type', '=', 'coupons'), ('company_id', 'in', (False, company_id))]",
        ondelete='restrict',
        help='Coupon program by which each member gets a coupon of his own: what it is worth, and from which amount, '
        'is set there. The coupon is not sent by e-mail.',
    )
    service_text = fields.Char(
        string='Service or Gift',
        translate=True,
        help='What staff render for the voucher, as customers read it, for example "Free care of one pair of shoes".',
    )
    value = fields.Monetary(
        help='What the service or gift is worth, for information on the voucher.'
    )
    valid_days = fields.Integer(
        string='Valid (days)',
        default=90,
        help='Days for which coupon or voucher is valid; of a birthday gift from the birthday on. 0: without end.',
    )
    lead_days = fields.Integer(
        string='Days Before the Birthday',
        default=7,
        help='The gift is issued so many days before the birthday, from 0 to 14.',
    )
    call = fields.Boolean(
        string='Call on the Birthday',
        help='Plans a call on the birthday for the adviser of the customer, else for who answers for the programme.',
    )
    for_holders = fields.Boolean(
        string='Also for Members Who Hold the Tier Already',
        help='Off: only who reaches the tier from now on gets the gift. On: also members of before the start of the '
        'programme or of this privilege get it, in the coming night.',
    )

    # === ADVISER ===#

    adviser_auto = fields.Boolean(
        string='Assign Automatically',
        help='Each night entitled members without an adviser get one by the rule of the settings. Off: team leaders '
        'assign them in the list of members.',
    )

    _check_factor = models.Constraint(
        f'CHECK(points_factor > 0 AND points_factor <= {MAX_FACTOR})',
        f'The number by which points are multiplied is above 0 and at most {MAX_FACTOR}.',
    )
    _check_lead_days = models.Constraint(
        'CHECK(lead_days BETWEEN 0 AND 14)',
        'A birthday gift is issued 0 to 14 days before the birthday.',
    )
    _check_valid_days = models.Constraint(
        'CHECK(valid_days BETWEEN 0 AND 3660)', 'Gifts are valid for 0 to 3660 days.'
    )

    @api.depends('kind')
    def _compute_gift(self):
        """A service is always a voucher; the other gifts begin as coupons."""
        for privilege in self:
            if privilege.kind not in GIFT_KINDS:
                privilege.gift = False
            elif privilege.kind == 'service':
                privilege.gift = 'voucher'
            else:
                privilege.gift = privilege.gift or 'coupon'

    @api.constrains('kind', 'gift', 'coupon_program_id', 'service_text', 'priority')
    def _check_how(self):
        """A privilege says all that it takes to act by itself.

        :raise ValidationError: naming what is missing
        """
        for privilege in self:
            message = privilege._what_is_missing()
            if message:
                raise ValidationError(
                    self.env._(
                        '"%(name)s": %(message)s', name=privilege.name or '', message=message
                    )
                )

    def _what_is_missing(self):
        """Return what this privilege needs to act, in words, or None."""
        if self.kind == 'priority' and not self.priority:
            return self.env._('choose the priority.')
        if self.kind not in GIFT_KINDS:
            return None
        if self.kind == 'service' and self.gift != 'voucher':
            return self.env._('a service is given by a voucher.')
        if self.gift == 'voucher':
            return None if self.service_text else self.env._('say what the voucher is for.')
        # sudo: managers of the shop need no rights on coupon programs to use one
        program = self.coupon_program_id.sudo()
        if not program:
            return self.env._('choose the coupon program.')
        if program.program_type != 'coupons':
            return self.env._('choose a program of the type Coupons.')
        if program.company_id and program.company_id.root_id != self.company_id:
            return self.env._('choose a coupon program of the same company.')
        return None

    def action_open_entitled(self):
        """Open the members who enjoy these privileges today."""
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_membership_action'
        )
        domain = self.env['retail.membership']._domain_of_entitled(None, self)
        return {**action, 'domain': list(domain), 'context': {}}

    # === ASKING ===#

    @api.model
    def _factor_of(self, partners, company=None, day=None):
        """Return ``{partner: factor}`` by which points of a purchase are multiplied; 1 without privilege.

        Of several privileges the best holds. The tier is the one of now: who confirms an order asks on that day and
        keeps the answer (R-loy C.2), so ``day`` changes nothing and only says for which day was asked.
        """
        seats = self.env['retail.membership']._seats(partners, company or self.env.company)
        return {partner: seat.factor for partner, seat in seats.items()}

    @api.model
    def _gifts(self, programme, kind):
        """Return the privileges of a programme by which members get something today, best first."""
        # sudo: gifts are given by the system
        return (
            self.sudo()
            .search([('programme_id', '=', programme.id), ('kind', '=', kind)])
            .filtered(
                lambda item: (
                    item.tier_ids
                    and (item.gift == 'voucher' or item.coupon_program_id.active)
                    # the program may have been changed since it was chosen
                    and not item._what_is_missing()
                )
            )
        )
