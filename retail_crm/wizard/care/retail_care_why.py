from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain

from .retail_care_why_line import KINDS

#: Answers that say something happened or will come first.
_ORDER = {kind: number for number, (kind, _label) in enumerate(KINDS)}


class RetailCareWhy(models.TransientModel):
    """Was this customer contacted by each rule, when and how, or why not? The answers are those of the sending itself."""

    _name = 'retail.care.why'
    _description = 'Why (Not) Contacted'
    _rec_name = 'partner_id'

    partner_id = fields.Many2one(
        comodel_name='res.partner', string='Customer', help='Customer who is asked about.'
    )
    rule_id = fields.Many2one(
        comodel_name='retail.care.rule', help='Only this rule. Empty: all of them.'
    )
    with_off = fields.Boolean(string='Rules That Are Off, Too', help='Show what is switched off.')
    hint = fields.Char(
        compute='_compute_hint',
        help='What holds for all rules: pauses and refusals of the customer.',
    )
    line_ids = fields.One2many(
        comodel_name='retail.care.why.line',
        inverse_name='why_id',
        string='Answers',
        readonly=True,
        help='The answer of each rule.',
    )

    @api.depends('partner_id')
    def _compute_hint(self):
        for why in self:
            why.partner_id._origin.check_access('read')
            # sudo: warnings that everybody sees who contacts customers
            partner_sudo = why.partner_id.sudo()
            pause = partner_sudo.retail_pause_text
            words = [
                pause and self.env._('Contacts pause: %(what)s.', what=pause),
                partner_sudo.retail_contact_warning,
            ]
            why.hint = ' '.join(filter(None, words)) or False

    @api.model_create_multi
    def create(self, vals_list):
        dialogs = super().create(vals_list)
        dialogs._check_asker()
        return dialogs

    def write(self, vals):
        result = super().write(vals)
        self._check_asker()
        return result

    def _check_asker(self):
        """Refuse questions about customers and rules that the user may not read: names and answers would tell of them.

        :raise AccessError: as everywhere
        """
        self.partner_id.check_access('read')
        self.rule_id.check_access('read')

    @api.model
    def _open(self, partner, rule=None):
        """Return the dialog with the answers about a customer; without one it asks for him first."""
        why = self.create({'partner_id': partner.id, 'rule_id': rule.id if rule else False})
        if partner:
            why._fill()
        return why._show()

    def _show(self):
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Why (Not) Contacted?'),
            'res_model': self._name,
            'res_id': self.id,
            'views': [(False, 'form')],
            'target': 'new',
        }

    def _rules(self):
        """Return the rules that are asked, with the rights of the user."""
        if self.rule_id:
            return self.rule_id
        company = self.env.company.sudo().root_id  # sudo: staff of a branch
        domain = Domain('company_id', 'in', (False, company.id))
        if not self.with_off:
            domain &= Domain('state', '!=', 'off')
        return self.env['retail.care.rule'].search(domain)

    def _fill(self):
        """Ask the rules about the customer."""
        self._check_asker()
        rules = self._rules()
        answers = rules._why(self.partner_id) if rules else {}
        values = [
            {
                'rule_id': rule.id,
                'kind': answers[rule.id].kind,
                'text': answers[rule.id].text,
                'followup_id': answers[rule.id].followup.id,
                'sequence': _ORDER[answers[rule.id].kind],
            }
            for rule in rules
        ]
        self.line_ids = [Command.clear(), *map(Command.create, values)]

    def action_show(self):
        """Show the answers about the chosen customer.

        :raise UserError: when nobody is chosen
        """
        self.ensure_one()
        self.check_access('write')
        if not self.partner_id:
            raise UserError(self.env._('Choose a customer.'))
        self._fill()
        return self._show()
