from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import plaintext2html
from odoo.tools.rendering_tools import parse_inline_template

from .retail_ticket import PRIORITIES
from .retail_ticket_stage import CATEGORIES, OPEN_CATEGORIES

#: What a macro writes on the ticket: ``{field of the macro: field of the ticket}``.
CHANGES = {
    'type_id': 'type_id',
    'reason_id': 'reason_id',
    'priority': 'priority',
    'cause_id': 'cause_id',
}

#: Placeholders of answers, without ``object.``. They are the only ones, whoever writes the macro.
PLACEHOLDERS = (
    'customer_words',
    'name',
    'subject',
    'order_words',
    'promise_words',
    'owner_words',
    'company_words',
)


class RetailTicketMacro(models.Model):
    """An answer that acts: text to the customer and changes of the ticket, in one click (R-svc E 15).

    Kept by managers. The text goes to the customer as written, so it can never hold an internal note; it is plain text
    with placeholders out of a fixed list, rendered without evaluating anything.
    """

    _name = 'retail.ticket.macro'
    _description = 'Macro'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        index='btree_not_null',
        help='Company that uses this macro. Empty: all.',
    )
    for_type_ids = fields.Many2many(
        comodel_name='retail.ticket.type',
        relation='retail_ticket_macro_for_type_rel',
        string='Offered On',
        help='Types of tickets on which this macro is offered. Empty: all.',
    )
    team_ids = fields.Many2many(
        comodel_name='retail.ticket.team',
        string='Teams',
        help='Teams whose tickets it is offered on. Empty: all.',
    )
    text = fields.Text(
        string='Answer',
        translate=True,
        help="Sent to the customer in his language. {{ object.customer_words }} stands for the customer's name, "
        '{{ object.name }} for the number, {{ object.subject }}, {{ object.order_words }} for the order, '
        '{{ object.promise_words }} for the promised time, {{ object.owner_words }} for the owner, '
        '{{ object.company_words }} for the company. Empty: nothing is sent.',
    )
    category = fields.Selection(
        selection=[
            (key, label) for key, label in CATEGORIES if key in (*OPEN_CATEGORIES, 'solved')
        ],
        string='Move To',
        help='The ticket goes to the first stage of its type with this meaning. Empty: it stays where it is.',
    )
    type_id = fields.Many2one(
        comodel_name='retail.ticket.type',
        string='Set Type',
        ondelete='restrict',
        help='Type that the ticket gets. Empty: its type stays.',
    )
    reason_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Set Class',
        ondelete='restrict',
        help='Complaint class that the ticket gets. Empty: it stays.',
    )
    priority = fields.Selection(
        selection=PRIORITIES,
        string='Set Priority',
        help='Priority that the ticket gets. Empty: it stays.',
    )
    cause_id = fields.Many2one(
        comodel_name='retail.ticket.cause',
        string='Set Root Cause',
        ondelete='restrict',
        help='Root cause that the ticket gets. Empty: it stays.',
    )
    tag_ids = fields.Many2many(
        comodel_name='retail.ticket.tag', string='Add Tags', help='Tags that the ticket gets, too.'
    )
    result = fields.Text(
        string='Set Result',
        translate=True,
        help='Written as the result where there is none yet, for macros that solve.',
    )
    changes_text = fields.Char(
        string='Changes', compute='_compute_changes_text', help='What it changes, in words.'
    )

    @api.depends('category', 'type_id', 'reason_id', 'priority', 'cause_id', 'tag_ids', 'result')
    @api.depends_context('lang')
    def _compute_changes_text(self):
        """Say what changes as ``Move To: Solved, Add Tags: Transport``."""
        names = ['category', 'type_id', 'reason_id', 'priority', 'cause_id', 'tag_ids', 'result']
        texts = self.fields_get(names, ['string', 'selection'])
        for macro in self:
            parts = []
            for name in names:
                value = macro[name]
                if not value:
                    continue
                if isinstance(value, models.BaseModel):
                    value = ', '.join(value.mapped('display_name'))
                elif 'selection' in texts[name]:
                    value = dict(texts[name]['selection']).get(value, value)
                parts.append(f'{texts[name]["string"]}: {value}')
            macro.changes_text = '; '.join(parts)

    @api.constrains('text')
    def _check_text(self):
        """Only known placeholders: nothing a macro says is ever evaluated."""
        allowed = {f'object.{name}' for name in PLACEHOLDERS}
        for macro in self:
            for _text, expression, _default in parse_inline_template(macro.text or ''):
                if expression and expression.strip() not in allowed:
                    raise ValidationError(
                        self.env._(
                            'The answer "%(macro)s" has a placeholder that there is not: %(placeholder)s',
                            macro=macro.name,
                            placeholder=expression,
                        )
                    )

    @api.model
    def _domain_for(self, ticket):
        """Hook: return the domain of the macros that are offered on a ticket."""
        return (
            Domain('company_id', 'in', (False, ticket.company_id.id))
            & Domain('for_type_ids', 'in', (False, ticket.type_id.id))
            & Domain('team_ids', 'in', (False, ticket.team_id.id))
        )

    def _text_for(self, ticket):
        """Return the answer of one macro to a ticket, in the customer's language, as safe HTML."""
        self.ensure_one()
        lang = ticket._customer_lang()
        # sudo: any staff who may use the macro gets its text; placeholders are those of PLACEHOLDERS
        text = self.sudo().with_context(lang=lang).text or ''
        spoken = ticket.with_context(lang=lang)
        parts = []
        for string, expression, default in parse_inline_template(text):
            parts.append(string)
            if expression:
                parts.append(spoken[expression.strip().removeprefix('object.')] or default or '')
        rendered = ''.join(parts).strip()
        return plaintext2html(rendered) if rendered else ''

    def _values_for(self, ticket):
        """Return what one macro writes on a ticket.

        :raise UserError: when the type has no stage of the wanted meaning
        """
        self.ensure_one()
        vals = {}
        for name, target in CHANGES.items():
            if self[name]:
                vals[target] = (
                    self[name].id if isinstance(self[name], models.BaseModel) else self[name]
                )
        if self.tag_ids:
            vals['tag_ids'] = [fields.Command.link(tag.id) for tag in self.tag_ids]
        if self.result and not ticket.result:
            vals['result'] = self.result
        if self.category and ticket.category != self.category:
            kind = self.type_id or ticket.type_id
            stage = kind._stage_of([self.category])
            if not stage:
                raise UserError(
                    self.env._('The type %(type)s has no such stage.', type=kind.display_name)
                )
            vals['stage_id'] = stage.id
        return vals
