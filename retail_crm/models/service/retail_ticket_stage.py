from odoo import fields, models

#: What a stage means for clock, counts and customer, whatever it is called and wherever it stands in the list.
CATEGORIES = [
    ('new', 'New'),
    ('open', 'In progress'),
    ('waiting', 'Waiting for the customer'),
    ('on_hold', 'Waiting for others'),
    ('solved', 'Solved'),
    ('archived', 'Filed'),
    ('cancelled', 'Cancelled'),
]

#: Categories in which there is work or waiting left.
OPEN_CATEGORIES = ('new', 'open', 'waiting', 'on_hold')

#: The seven steps of a complaint, in their order (S-TKT-06 to 12).
STEPS = [
    ('receive', '1 Receive'),
    ('classify', '2 Classify and dispatch'),
    ('investigate', '3 Investigate and verify'),
    ('solution', '4 Make a solution'),
    ('execute', '5 Tell the customer and carry out'),
    ('feedback', '6 Follow up'),
    ('archive', '7 File'),
]


class RetailTicketStage(models.Model):
    """Where a ticket stands. Its category decides what it means; name and order may be changed freely."""

    _name = 'retail.ticket.stage'
    _description = 'Ticket Stage'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    category = fields.Selection(
        selection=CATEGORIES,
        required=True,
        default='open',
        help='What the stage means: whether the clock runs, who is waited for, whether the ticket counts as solved.',
    )
    step = fields.Selection(
        selection=STEPS,
        help='Step of the complaint process that this stage is. Empty: none of them.',
    )
    type_ids = fields.Many2many(
        comodel_name='retail.ticket.type',
        relation='retail_ticket_type_stage_rel',
        column1='stage_id',
        column2='type_id',
        string='Types',
        help='Types of tickets that pass this stage.',
    )
    portal_name = fields.Char(
        string="In the Customer's Words",
        translate=True,
        help='How the customer reads this stage. Empty: its name.',
    )
    guidance = fields.Html(
        translate=True,
        help='What to do in this stage, shown to staff on the ticket.',
    )
    fold = fields.Boolean(string='Folded', help='Folded in the kanban board.')
