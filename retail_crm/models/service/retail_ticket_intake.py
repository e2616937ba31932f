from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

#: Enquiries of so many days before a purchase are taken for where it began.
ENQUIRY_DAYS = 90
#: Clocks of a browser and of the server may differ by so many minutes.
CLOCK_TOLERANCE = 5


class RetailTicketIntake(models.Model):
    """How requests are taken in by staff: from the box, by telephone, at the counter; and what enquiries ask.

    A letter from the box keeps the day on which it was put in (S-TKT-30). A request makes its customer a potential
    purchaser (S-SEG-03), so a change of customer, or a request that was none, is announced.
    """

    _inherit = 'retail.ticket'

    type_code = fields.Char(
        related='type_id.code',
        string='Code of the Type',
        help='Short name of the type, by which the form shows what belongs to it.',
    )
    type_content = fields.Html(
        related='type_id.content',
        string='What to Ask For',
        help='What the type covers and what staff should ask for.',
    )
    need_ids = fields.Many2many(
        comodel_name='retail.ticket.need',
        relation='retail_ticket_need_rel',
        string='Asks and Expects',
        help='What the customer asks (price, quality, function) and expects (a fast answer, after-sales service).',
    )
    need_note = fields.Char(
        string='In Detail', help='For example the price the customer thinks of.'
    )

    @api.constrains('received_at')
    def _check_received_at(self):
        limit = fields.Datetime.now() + timedelta(minutes=CLOCK_TOLERANCE)
        if any(ticket.received_at > limit for ticket in self):
            raise ValidationError(self.env._('A request cannot have been received in the future.'))

    @api.model
    def default_get(self, fields_list):
        """Start a letter from the opinion box as a complaint on that channel."""
        values = super().default_get(fields_list)
        if self.env.context.get('retail_crm_intake') == 'box':
            for name, xmlid in (
                ('channel_id', 'retail_crm.retail_channel_opinion_box'),
                ('type_id', 'retail_crm.retail_ticket_type_complaint'),
            ):
                record = self.env.ref(xmlid, raise_if_not_found=False)
                if record and name in fields_list:
                    values[name] = record.id
        return values

    # === CUSTOMERS ===#

    def write(self, vals):
        """Have the customers, before and after, judged again when a request changes hands or was none."""
        if not {'partner_id', 'stage_id', 'company_id'} & set(vals):
            return super().write(vals)
        before = {ticket: (ticket.partner_id, ticket.category) for ticket in self}
        result = super().write(vals)
        partners = self.env['res.partner']
        for ticket, (partner, category) in before.items():
            if ticket.partner_id != partner:
                partners |= partner | ticket.partner_id
            elif (ticket.category == 'cancelled') != (category == 'cancelled'):
                partners |= partner
        self.env['retail.moment']._emit('partner_changed', partners)
        return result

    def unlink(self):
        partners = self.partner_id
        result = super().unlink()
        self.env['retail.moment']._emit('partner_changed', partners)
        return result

    # === ENQUIRIES ===#

    def _on_purchase(self, moments):
        """Link earlier enquiries to the order that answered them: same customer, same product (S-SRV-07)."""
        order_ids = moments.filtered(lambda moment: moment.res_model == 'sale.order').mapped(
            'res_id'
        )
        if not order_ids:
            return
        self.flush_model(
            [
                'commercial_partner_id',
                'company_id',
                'product_id',
                'order_id',
                'received_at',
                'type_id',
            ]
        )
        self.env['sale.order.line'].flush_model(['order_id', 'product_id'])
        self.env['sale.order'].flush_model(['partner_id', 'company_id', 'date_order'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT ON (ticket.id) ticket.id, sold.id
                  FROM sale_order AS sold
                  JOIN res_partner AS contact ON contact.id = sold.partner_id
                  JOIN retail_ticket AS ticket ON ticket.commercial_partner_id = contact.commercial_partner_id
                   AND ticket.company_id = sold.company_id AND ticket.order_id IS NULL
                   AND ticket.received_at BETWEEN sold.date_order - make_interval(days => %s) AND sold.date_order
                  JOIN retail_ticket_type AS type ON type.id = ticket.type_id AND type.code = 'enquiry'
                  JOIN sale_order_line AS line ON line.order_id = sold.id AND line.product_id = ticket.product_id
                 WHERE sold.id = ANY(%s)
                 ORDER BY ticket.id, sold.date_order, sold.id
                """,
                ENQUIRY_DAYS,
                order_ids,
            )
        )
        by_order = {}
        for ticket_id, order_id in rows:
            by_order.setdefault(order_id, []).append(ticket_id)
        for order_id, ticket_ids in by_order.items():
            # sudo: the system's own note; who listens is nobody in particular
            self.sudo().browse(ticket_ids)._stamp({'order_id': order_id})

    # === WITH THE CUSTOMER IN FRONT ===#

    def _answered_at_once(self):
        """Note that requests on a channel where both speak at once were answered when they came in (design 5.3)."""
        waiting = self.filtered(
            lambda ticket: ticket.channel_id.synchronous and not ticket.first_response_at
        )
        if waiting:
            waiting._clock_contact('agent')

    def _solve_at_once(self, vals):
        """Solve tickets to which the customer agreed on the spot; complaints pass their steps one by one.

        :param dict vals: what came out: solution, result, cause and the like
        """
        self._answered_at_once()
        complaints = self.filtered('is_complaint')
        # the process of complaints stamps each of its steps on the way; without one, solving is the only step
        complete = getattr(complaints, '_complete_steps', None)
        if complaints and complete:
            complete('feedback', vals)
        elif complaints:
            complaints._set_stage(('solved',), **vals)
        others = self - complaints
        if others:
            others._set_stage(('solved',), **vals)

    # === ACTIONS ===#

    def action_open_ticket(self):
        """Open the ticket from a list of another form."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.ticket',
            'res_id': self.id,
            'view_mode': 'form',
        }
