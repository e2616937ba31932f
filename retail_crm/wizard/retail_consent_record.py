from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command

from ..models.customer.res_partner_consent import RECORD_GROUPS


class RetailConsentRecord(models.TransientModel):
    """The dialog in which staff write down what a customer decided about being contacted.

    It shows what is in force; what is changed becomes a new row of ``retail.consent``, the rest stays as it was.
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
            current = record._decisions_shown()
            states = {(row.purpose, row.channel_id.id): row for row in current}
            record.line_ids = [
                Command.clear(),
                *(
                    Command.create(
                        {
                            'purpose': purpose,
                            'channel_id': channel.id,
                            'decision': row.state or 'unknown',
                            'date': row.date,
                        }
                    )
                    for purpose, channel in Consent._questions()
                    for row in [states.get((purpose, channel.id), Consent)]
                ),
            ]

    def _decisions_shown(self):
        """Return the decisions in force that the user may see, also while the client only names customer and company."""
        asker = self.sudo(False)  # the lines are computed as superuser, because they are stored
        partner = asker.partner_id._origin
        if not partner.has_access('read') or not asker._is_own_company():
            return self.env['retail.consent']
        return self.env['retail.consent']._in_force(partner, self.company_id)

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
        """Write down what differs from what is in force.

        :raise AccessError: for those who may not record decisions, or not see the customer
        :raise UserError: when a decision is taken back to "not asked", or when there is no text
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
        """Return what is recorded, as ``retail.consent._record`` takes it."""
        Consent = self.env['retail.consent']
        known = {
            (row.purpose, row.channel_id.id): row.state
            for row in Consent._in_force(self.partner_id, self.company_id)
        }
        decisions = {}
        for line in self.line_ids:
            state = known.get((line.purpose, line.channel_id.id))
            if line.decision == 'unknown':
                if state:
                    raise UserError(
                        self.env._(
                            'A decision cannot be undone: choose yes or no for %(what)s.',
                            what=line.display_name,
                        )
                    )
                continue
            if line.decision != state:
                decisions[line.purpose, line.channel_id.sudo()] = line.decision == 'granted'
        return decisions
