from odoo import fields, models


class RetailTicketIncident(models.Model):
    """Account complaints open a data incident with a clock of its own (S-TKT-05)."""

    _inherit = 'retail.ticket'

    incident_ids = fields.One2many(
        comodel_name='retail.incident',
        inverse_name='ticket_id',
        string='Incidents',
        groups='retail_crm.group_manager,retail_crm.group_complaint,retail_crm.group_sensitive',
        help='Data incident that was opened by this complaint.',
    )

    def _open_incidents(self):
        """Open an incident for complaints of a class that asks for it, once each."""
        wanted = self.filtered(
            lambda ticket: (
                (ticket.reason_id.opens_incident or ticket.class_id.opens_incident)
                and ticket._is_open()
            )
        )
        if not wanted:
            return
        # sudo: whoever takes the complaint opens the incident without being able to read it
        Incident = self.env['retail.incident'].sudo().with_context(active_test=False)
        incidents = Incident.search([('ticket_id', 'in', wanted.ids)])
        has_one = incidents.ticket_id
        # who complained may be found out later
        self.env['retail.incident.customer'].sudo().create(
            [
                {'incident_id': incident.id, 'partner_id': incident.ticket_id.partner_id.id}
                for incident in incidents
                if incident.state == 'open'
                and incident.ticket_id.partner_id - incident.line_ids.partner_id
            ]
        )
        Incident.create(
            [
                {
                    'subject': ticket.subject,
                    'company_id': ticket.company_id.id,
                    'kind': 'stolen' if ticket.reason_id.code == 'account_stolen' else 'leak',
                    'ticket_id': ticket.id,
                    'discovered_at': ticket.received_at,
                    'line_ids': [
                        fields.Command.create({'partner_id': partner.id})
                        for partner in ticket.partner_id
                    ],
                }
                for ticket in wanted - has_one
            ]
        )

    def action_open_incident(self):
        """Open the data incident of a complaint."""
        self.ensure_one()
        incident = self.incident_ids[:1]
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.incident',
            'res_id': incident.id,
            'view_mode': 'form',
        }
