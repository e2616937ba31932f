from base64 import b64encode

from markupsafe import Markup
from reportlab.graphics.barcode import createBarcodeDrawing

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

STATES = [('active', 'Member'), ('left', 'Has left')]

#: How somebody became a member.
ENROLLED_VIA = [
    ('purchase', 'Purchase'),
    ('staff', 'Staff'),
    ('portal', 'Customer portal'),
    ('import', 'Import'),
]

LEAVE_REASONS = [
    ('no_use', 'No use for it'),
    ('privacy', 'Purchases should not be recorded'),
    ('moved', 'Moved away'),
    ('unhappy', 'Not content with us'),
    ('other', 'Other'),
]

OVERRIDE_REASONS = [
    ('recovery', 'Service recovery'),
    ('staff', 'Staff'),
    ('conflict', 'Dispute'),
    ('vip', 'Very important customer'),
    ('migration', 'Migration'),
    ('other', 'Other'),
]


class RetailMembership(models.Model):
    """A customer's membership in the programme of a main company, with the tier held. A contract, not a figure.

    Written by its own methods only: the evaluation (``_evaluate``), enrolment, leaving, overrides and the merge of
    contacts. Nobody has the right to write it, and it cannot be deleted: who leaves keeps number and history.
    """

    _name = 'retail.membership'
    _description = 'Membership'
    _order = 'enrolled_on desc, id desc'
    _rec_name = 'number'

    number = fields.Char(
        string='Member Number',
        required=True,
        readonly=True,
        help='Number on the member card; thirteen digits can be printed and scanned as EAN-13.',
    )
    former_numbers = fields.Char(
        readonly=True,
        help='Numbers of memberships that were merged into this one. Their cards still find the customer.',
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        readonly=True,
        ondelete='restrict',  # a cascade would hide the row from the privacy look-up
        help='Person or company that is the member; contacts of a company take part by it.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, ondelete='restrict'
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    programme_id = fields.Many2one(
        comodel_name='retail.programme',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',
        help='Programme whose rules hold.',
    )
    state = fields.Selection(selection=STATES, required=True, readonly=True, default='active')
    enrolled_on = fields.Date(required=True, readonly=True, help='Day of the (last) enrolment.')
    enrolled_by = fields.Many2one(
        comodel_name='res.users',
        readonly=True,
        ondelete='set null',
        help='Who enrolled the customer, or sold what made him a member.',
    )
    enrolled_via = fields.Selection(
        selection=ENROLLED_VIA,
        readonly=True,
        help='How the customer became a member, the last time.',
    )
    store_id = fields.Many2one(
        comodel_name='crm.team',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
        help='Store in which the customer became a member.',
    )
    left_on = fields.Date(readonly=True, help='Day on which the customer left the programme.')
    leave_reason = fields.Selection(
        selection=LEAVE_REASONS,
        readonly=True,
        help='Why the customer left, where it was said.',
    )
    tier_id = fields.Many2one(
        comodel_name='retail.tier',
        readonly=True,
        index='btree_not_null',
        ondelete='restrict',
        help='Tier held today: the own one, or the one that staff gave while it is the better one.',
    )
    tier_color = fields.Integer(related='tier_id.color', string='Tier Colour')
    tier_since = fields.Date(
        string='Valid From', readonly=True, help='First day of the present validity of the tier.'
    )
    tier_valid_until = fields.Date(
        string='Valid Until',
        readonly=True,
        help='First day on which the tier is no longer valid. Empty: without end.',
    )
    grace_until = fields.Date(
        readonly=True,
        help='Until this day the tier can still be kept, though its validity is over.',
    )
    own_tier_id = fields.Many2one(
        comodel_name='retail.tier',
        readonly=True,
        ondelete='restrict',
        help='Tier by the rules alone, as if staff had never given one.',
    )
    own_since = fields.Date(
        string='Own Tier From',
        readonly=True,
        help='First day of the present validity of the own tier.',
    )
    own_valid_until = fields.Date(
        string='Own Tier Until',
        readonly=True,
        help='First day on which the own tier is no longer valid. Empty: without end.',
    )
    own_grace_until = fields.Date(
        string='Own Tier in Grace Until',
        readonly=True,
        help='Until this day the own tier can still be kept, though its validity is over.',
    )
    tier_taken_on = fields.Date(
        string='Reached On', readonly=True, help='Day of the upgrade by which the own tier is held.'
    )
    next_on = fields.Date(
        string='Next Event',
        readonly=True,
        help='Next day on which something happens by time: a warning, the end of validity, grace or override.',
    )
    evaluated_on = fields.Date(
        string='Last Looked At',
        readonly=True,
        help='Last day on which something could change. A purchase of an earlier day that comes in late acts on this day.',
    )
    warned_stage = fields.Integer(
        string='Warned (days before)',
        readonly=True,
        help='Last warning about the end of the present validity: 60, 30 or 7 days before.',
    )
    override_tier_id = fields.Many2one(
        comodel_name='retail.tier',
        string='Tier Given',
        readonly=True,
        ondelete='restrict',
        help='Tier given by staff: the customer does not fall below it before its end.',
    )
    override_since = fields.Date(
        string='Given On', readonly=True, help='Day on which staff gave the tier.'
    )
    override_until = fields.Date(
        string='Given Until',
        readonly=True,
        help='First day on which the given tier no longer holds.',
    )
    held_by_override = fields.Boolean(
        readonly=True, help='The tier shown is the one that staff gave.'
    )
    override_reason = fields.Selection(
        selection=OVERRIDE_REASONS, readonly=True, help='Why staff gave a tier.'
    )
    override_note = fields.Char(readonly=True, help='The reason in words.')
    override_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Given By',
        readonly=True,
        ondelete='set null',
        help='Who gave the tier.',
    )
    move_ids = fields.One2many(
        comodel_name='retail.tier.move',
        inverse_name='membership_id',
        string='History',
        help='Tiers reached, renewed, given and lost.',
    )
    barcode = fields.Html(
        string='Bar Code',
        compute='_compute_barcode',
        sanitize=False,
        help='The member number to print or to scan from the screen.',
    )

    _partner_uniq = models.UniqueIndex(
        '(partner_id, company_id)', 'A customer has one membership in a company.'
    )
    _number_uniq = models.UniqueIndex('(number)', 'Member numbers are unique.')
    # Used by the look-up at the counter: few memberships were ever merged.
    _former_idx = models.Index('(company_id) WHERE former_numbers IS NOT NULL')
    _next_idx = models.Index('(company_id, next_on) WHERE next_on IS NOT NULL')

    @api.depends('number', 'partner_id')
    def _compute_display_name(self):
        for membership in self:
            membership.display_name = ' '.join(
                filter(None, (membership.partner_id.display_name, membership.number))
            )

    @api.depends('number')
    def _compute_barcode(self):
        for membership in self:
            membership.barcode = membership.number and Markup('<img src="%s" alt="%s"/>') % (
                _barcode_image(membership.number),
                membership.number,
            )

    @api.model
    def _search_display_name(self, operator, value):
        """Find members by customer or by number, also by one of a card of before a merge."""
        domain = super()._search_display_name(operator, value)
        if operator not in ('ilike', 'like', '=', '=ilike', 'in'):
            return domain
        return (
            fields.Domain(domain)
            | fields.Domain('partner_id', operator, value)
            | fields.Domain('former_numbers', 'ilike' if operator == '=' else operator, value)
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_history(self):
        raise UserError(
            self.env._('A membership is never deleted: have the customer leave the programme.')
        )

    # === NUMBERS ===#

    @api.model
    def _next_numbers(self, count):
        """Return so many new member numbers, in one query where the sequence allows it.

        Twelve digits of prefix and number get the check digit of an EAN-13. The prefix 042 is that of customer cards in
        Odoo's bar codes and of no goods.
        """
        # sudo: numbers of the system's own sequence
        sequence = self.env.ref('retail_crm.sequence_retail_membership').sudo()
        if sequence.implementation == 'standard':
            rows = self.env.execute_query(
                SQL(
                    'SELECT nextval(%s) FROM generate_series(1, %s)',
                    f'ir_sequence_{sequence.id:03d}',
                    count,
                )
            )
            numbers = [sequence.get_next_char(number) for (number,) in rows]
        else:
            numbers = [sequence.next_by_id() for _place in range(count)]
        return [
            number + _check_digit(number) if len(number) == 12 and number.isdigit() else number
            for number in numbers
        ]


def _check_digit(digits):
    """Return the check digit of the first twelve digits of an EAN-13."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits[:12]))
    return str(-total % 10)


def _is_ean13(number):
    return (
        len(number) == 13
        and number.isascii()
        and number.isdigit()
        and number[-1] == _check_digit(number)
    )


def _barcode_image(number):
    """Return a picture of the bar code as a data URI: drawn as lines, which needs no fonts and prints sharply.

    The number in figures is written beside it wherever the picture is shown. Numbers of cards of before, and prefixes, may
    have letters that bar codes do not have: these are drawn as a square code.
    """
    if number.isascii() and number.isprintable():
        kind = 'EAN13' if _is_ean13(number) else 'Code128'
        size = {'width': 240, 'height': 70, 'humanReadable': 0}
    else:
        kind, size = 'QR', {'width': 140, 'height': 140}
    drawing = createBarcodeDrawing(kind, value=number, format='svg', **size)
    image = drawing.asString('svg')
    image = image.encode() if isinstance(image, str) else image
    return f'data:image/svg+xml;base64,{b64encode(image).decode()}'
