from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from ..models.customer.res_partner_consent import RECORD_GROUPS

#: Answers as the lines of the dialog have them.
CHOICES = {True: 'granted', False: 'withdrawn', None: 'unknown'}


class RetailConsentRecord(models.TransientModel):
    """The dialog in which staff write down what a customer decided about being contacted.

    It shows what is in force; what is changed becomes a new row of ``retail.consent``, the rest stays as it was. Who
    agreed to an earlier text has not answered the present one.
    """

    _name = 'retail.consent.record'
    _description = 'Record Consents'

    partner_id = fields.Many2one(
        comodel_name='res.partner', string='Customer', required=True, ondelete='cascade'
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, default=lambda self: self.env.company.root_id
    )
    source = fields.Selection(
        selection='_selection_source',
        required=True,
        default='shop',
        help='Where the customer decided.',
    )
    note = fields.Char(help='How the decision came to us, for example a letter of 5 March.')
    line_ids = fields.One2many(
        comodel_name='retail.consent.record.line',
        inverse_name='record_id',
        string='Decisions',
        compute='_compute_line_ids',
        store=True,
        readonly=False,
        help='What the customer decided, for each purpose and channel.',
    )
    text = fields.Html(
        string='Texts',
        compute='_compute_text',
        help='What the customer should read, or hear from you, before deciding.',
    )

    @api.model
    def _selection_source(self):
        return self.env['retail.consent']._fields['source']._description_selection(self.env)

    @api.depends('partner_id', 'company_id')
    def _compute_line_ids(self):
        """Ask all questions, with the answers that are in force."""
        Consent = self.env['retail.consent']
        for record in self:
            answers = Consent._answers(record._partner_shown(), record.company_id)
            record.line_ids = [
                Command.clear(),
                *(
                    Command.create(
                        {
                            'purpose': purpose,
                            'channel_id': channel.id,
                            'decision': CHOICES[answer.choice],
                            'date': answer.row.date,
                            'is_outdated': answer.is_outdated,
                            'mark': answer.mark,
                        }
                    )
                    for (purpose, channel), answer in answers.items()
                ),
            ]

    def _partner_shown(self):
        """Return the customer if the user may see his decisions, also while the client only names him; else nobody."""
        asker = self.sudo(False)  # the lines are computed as superuser, because they are stored
        partner = asker.partner_id._origin
        if not partner.has_access('read') or not asker._is_own_company():
            return partner.browse()
        return partner

    def _is_own_company(self):
        """Return whether the user works in the company of the decisions, or in one of its branches."""
        # sudo: staff of a branch may not see its company
        return self.env.su or self.company_id in self.env.companies.sudo().root_id

    @api.depends('company_id')
    def _compute_text(self):
        for record in self:
            record.text = self.env['retail.consent.text']._html_of(record.company_id)

    @api.model
    def _check_recorder(self):
        """Refuse for those who may not record what customers decided.

        :raise AccessError: for them
        """
        if not self.env.user.has_groups(RECORD_GROUPS):
            raise AccessError(
                self.env._('Only staff and sales people record what customers decided.')
            )

    def action_save(self):
        """Write down what differs from what was shown.

        :raise AccessError: for those who may not record decisions, or not see the customer
        :raise UserError: when a decision is taken back to "not asked", when there is no text, or when what was shown is
            no longer in force
        """
        self._check_recorder()
        for record in self:
            record.partner_id.check_access('read')
            self.env['retail.consent']._record(
                record.partner_id,
                record._decisions(),
                record.source,
                company=record.company_id,
                note=record.note,
            )
        return {'type': 'ir.actions.act_window_close'}

    def _decisions(self):
        """Return what is recorded, as ``retail.consent._record`` takes it: what differs from what was shown.

        :raise UserError: when something else is in force or asked than the dialog showed
        """
        answers = self.env['retail.consent']._answers(self.partner_id, self.company_id)
        decisions = {}
        for line in self.line_ids:
            asked = line.purpose, line.channel_id.sudo()
            answer = answers.get(asked)
            if answer and CHOICES[answer.choice] == line.decision:
                continue
            if answer and answer.mark != line.mark:
                raise UserError(
                    self.env._(
                        'In the meantime another decision or text came into force: %(what)s. '
                        'Nothing was saved. Open this dialog again.',
                        what=line.display_name,
                    )
                )
            if line.decision != 'unknown':
                decisions[asked] = line.decision == 'granted'
            elif answer:
                raise UserError(
                    self.env._(
                        'A decision cannot be undone: choose yes or no for %(what)s.',
                        what=line.display_name,
                    )
                )
        return decisions
