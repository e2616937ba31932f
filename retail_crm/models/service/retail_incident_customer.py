from odoo import api, fields, models
from odoo.exceptions import UserError


class RetailIncidentCustomer(models.Model):
    """A customer affected by a data incident: told when and how, or why not (S-SEC-08)."""

    _name = 'retail.incident.customer'
    _description = 'Customer Affected by an Incident'
    _order = 'incident_id, id'
    _rec_name = 'partner_id'

    incident_id = fields.Many2one(
        comodel_name='retail.incident',
        required=True,
        ondelete='cascade',
        index=True,
        help='Incident by which the customer is affected.',
    )
    company_id = fields.Many2one(
        related='incident_id.company_id', store=True, precompute=True, index=True
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        index=True,
        ondelete='restrict',  # a cascade would hide the row from the privacy look-up
    )
    notified_at = fields.Datetime(
        string='Told On', help='When the customer was told. Empty: not yet.'
    )
    channel_id = fields.Many2one(
        comodel_name='retail.channel',
        string='Told By',
        ondelete='restrict',
        help='On which channel the customer was told.',
    )
    waived_reason = fields.Char(
        string='Why Not Told', help='Why the customer need not be told, when he was not.'
    )
    state = fields.Selection(
        selection=[('open', 'Not told yet'), ('told', 'Told'), ('waived', 'Need not be told')],
        compute='_compute_state',
        store=True,
        precompute=True,
    )

    _incident_partner_uniq = models.Constraint(
        'UNIQUE(incident_id, partner_id)', 'The customer is in this list already.'
    )

    @api.depends('notified_at', 'waived_reason')
    def _compute_state(self):
        for line in self:
            waived = 'waived' if line.waived_reason else 'open'
            line.state = 'told' if line.notified_at else waived

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._check_open()
        return lines

    def write(self, vals):
        self._check_open()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_closed(self):
        self._check_open()

    def _check_open(self):
        """A closed incident is a record of what was."""
        if not self.env.su and any(line.incident_id.state == 'closed' for line in self):
            raise UserError(self.env._('The incident is closed. Reopen it first.'))

    def action_told(self):
        """Note that customers were told now, in person or by phone."""
        self.check_access('write')
        self.filtered(lambda line: not line.notified_at).write(
            {'notified_at': fields.Datetime.now()}
        )

    def _notify(self):
        """Send the notice to customers with an address; the others stay to be called."""
        channel = self.env.ref('retail_crm.retail_channel_email', raise_if_not_found=False)
        lines = self.filtered('partner_id.email')
        for line in lines:
            incident = line.incident_id.with_context(lang=line.partner_id.lang)
            incident.message_notify(
                partner_ids=line.partner_id.ids,
                subject=incident.env._('About your personal data'),
                body=incident.notice,
            )
        lines.write(
            {'notified_at': fields.Datetime.now(), 'channel_id': channel.id if channel else False}
        )

    @api.model
    def _merge_partners(self, src_partners, dst_partner):
        """Keep one row per incident when customers become one: the one who was told first."""
        lines = self.sudo().search([('partner_id', 'in', (src_partners | dst_partner).ids)])
        for same in lines.grouped('incident_id').values():
            kept = same.sorted(
                lambda line: (not line.notified_at, line.notified_at or line.id, line.id)
            )
            (kept[1:]).unlink()
            kept[:1].write({'partner_id': dst_partner.id})
