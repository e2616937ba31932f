from odoo import api, fields, models

VERDICTS = [
    ('justified', 'Justified'),
    ('partly', 'Partly justified'),
    ('unjustified', 'Not justified'),
    ('open', 'Cannot be verified'),
]

OPINIONS = [('accepts', 'Accepts the solution'), ('counter', 'Wishes something else')]


class RetailTicketOutcome(models.Model):
    """What was understood, found, offered and done: the answers of the customer, the verdict, cause and result."""

    _inherit = 'retail.ticket'

    problem_restated = fields.Text(
        string='Problem in Our Words',
        help='The problem as we understood it, read back to the customer and confirmed.',
    )
    customer_wish = fields.Text(help='How the customer wishes it to be solved.')
    verdict = fields.Selection(
        selection=VERDICTS, tracking=True, copy=False, help='What the investigation found.'
    )
    solution = fields.Text(copy=False, help='What we offer to do.')
    customer_opinion = fields.Selection(
        selection=OPINIONS,
        tracking=True,
        copy=False,
        help='What the customer says to the solution before it is carried out.',
    )
    told_on = fields.Datetime(copy=False, help='When the customer was told the solution.')
    told_channel_id = fields.Many2one(
        comodel_name='retail.channel', string='Told By', copy=False, help='On which channel.'
    )
    cause_id = fields.Many2one(
        comodel_name='retail.ticket.cause',
        string='Root Cause',
        tracking=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        help='Why it really happened, as we found. Stays when the ticket is given to somebody else.',
    )
    dissatisfaction_id = fields.Many2one(
        comodel_name='retail.ticket.dissatisfaction',
        tracking=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
        help='What made the customer dissatisfied.',
    )
    is_preventable = fields.Boolean(
        string='Preventable',
        compute='_compute_is_preventable',
        store=True,
        precompute=True,
        readonly=False,
        copy=False,
        help='Could have been prevented by us. Starts with what the root cause says.',
    )
    result = fields.Text(copy=False, help='What was done in the end.')
    round = fields.Integer(
        default=1,
        readonly=True,
        copy=False,
        aggregator='avg',
        help='How often a solution was sought: 2 when the customer was not satisfied with the first one.',
    )
    intake_1 = fields.Text(string='What happened?', help='What the customer says happened.')
    intake_2 = fields.Text(string='How did it happen?', help='How it came about, in his words.')
    intake_3 = fields.Text(
        string='Which product?', help='Goods that it is about, as he names them.'
    )
    intake_4 = fields.Text(
        string='Why is the customer dissatisfied?',
        help='What makes him dissatisfied, in his words.',
    )
    intake_5 = fields.Text(
        string='Who was the shop guide?', help='Who served him, as he remembers.'
    )
    intake_6 = fields.Text(
        string='Other reasons to be dissatisfied?', help='Anything else that he did not like.'
    )
    intake_7 = fields.Selection(
        selection=[('yes', 'Yes'), ('partly', 'Partly'), ('no', 'No')],
        string='Is the customer reasonable?',
        help='How the customer takes it; for staff only.',
    )
    intake_8 = fields.Text(
        string='Which solution does the customer wish?', help='What would make him content.'
    )
    intake_9 = fields.Selection(
        selection=[('old', 'Old customer'), ('new', 'New customer')],
        string='Old or new customer?',
        readonly=True,
        copy=False,
        help='Filled by the system from purchases before the request.',
    )

    @api.depends('cause_id')
    def _compute_is_preventable(self):
        for ticket in self:
            ticket.is_preventable = ticket.cause_id.is_preventable
