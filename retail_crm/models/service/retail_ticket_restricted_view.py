from odoo import fields, models
from odoo.tools import SQL


class RetailTicketRestrictedView(models.Model):
    """Restricted complaints as the others of the company see them: title and state, nothing else (design 7).

    A view of the database, read only. The person complained about does not see that there is one.
    """

    _name = 'retail.ticket.restricted'
    _description = 'Restricted Complaint'
    _auto = False
    _order = 'id desc'

    name = fields.Char(string='Number', readonly=True, help='Number of the complaint.')
    subject = fields.Char(readonly=True, help='What it is about, in a few words.')
    stage_id = fields.Many2one(
        comodel_name='retail.ticket.stage', readonly=True, help='Where it stands.'
    )
    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    received_on = fields.Date(
        string='Received', readonly=True, help='Day on which it was received.'
    )
    blocked_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Person Complained About',
        readonly=True,
        groups='retail_crm.group_complaint,retail_crm.group_manager',
        help='Neither owns nor reads it, nor this line.',
    )

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT ticket.id, ticket.name, ticket.subject, ticket.stage_id, ticket.company_id,
                   timezone(COALESCE(calendar.tz, 'UTC'), timezone('UTC', ticket.received_at))::date
                   AS received_on,
                   ticket.blocked_user_id
              FROM retail_ticket ticket
              JOIN res_company company ON company.id = ticket.company_id
              JOIN res_company root ON root.id = split_part(company.parent_path, '/', 1)::int
         LEFT JOIN resource_calendar calendar ON calendar.id = root.resource_calendar_id
             WHERE ticket.is_restricted AND ticket.active
            """
        )
