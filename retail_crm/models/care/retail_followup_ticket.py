from odoo import fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import clean_context

#: What the customer says to the solution of his complaint, by how satisfied he is.
SATISFIED = {1: 'no', 2: 'no', 3: 'partly', 4: 'yes', 5: 'yes'}


class RetailFollowupTicket(models.Model):
    """Follow-ups and tickets: who is dissatisfied gets a ticket by one click, who was asked about one is answered for.

    ``ticket_id`` is the ticket that came of it; the document of a call-back is the ticket it asks about. A
    dissatisfied customer sends that complaint back to its solution (S-FUP-07), a problem that is still there, too
    (S-TKT-26).
    """

    _inherit = 'retail.followup'

    problem_gone = fields.Selection(
        selection=[('yes', 'Yes'), ('no', 'No')],
        string='Is the Problem Gone?',
        copy=False,
        readonly=True,
        help='What the customer said when asked about a complaint: "No" opens it again.',
    )

    def _asked_ticket(self):
        """Return the ticket about which the customer of one follow-up is asked; maybe none."""
        self.ensure_one()
        if self.res_model != 'retail.ticket' or not self.res_id:
            return self.env['retail.ticket']
        return self.env['retail.ticket'].browse(self.res_id).exists()

    def action_ticket(self):
        """Open the ticket that came of it, or a new one with what the customer said.

        :raise AccessError: for those who may not make tickets
        """
        self.ensure_one()
        self.check_access('write')
        ticket = self.ticket_id or self._open_ticket()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.ticket',
            'res_id': ticket.id,
            'view_mode': 'form',
            'views': [(False, 'form')],
        }

    def action_asked_ticket(self):
        """Open the ticket about which the customer is asked."""
        self.ensure_one()
        self.check_access('read')
        ticket = self._asked_ticket()
        if not ticket:
            raise UserError(self.env._('This follow-up is not about a ticket.'))
        ticket.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.ticket',
            'res_id': ticket.id,
            'view_mode': 'form',
            'views': [(False, 'form')],
        }

    def _open_ticket(self):
        """Make the ticket of one dissatisfied customer: a complaint with his words, owned by who spoke to him."""
        self.ensure_one()
        # the dialog's own defaults are not the ticket's: both have follow-ups
        Ticket = self.env['retail.ticket'].with_env(
            self.env(context=clean_context(self.env.context))
        )
        if not Ticket.has_access('create'):
            raise AccessError(self.env._('Only those who handle requests make tickets.'))
        ticket = Ticket.create(self._prepare_ticket())
        self._stamp({'ticket_id': ticket.id})
        link = self._get_html_link()
        ticket._message_log(body=self.env._('From the follow-up %(followup)s', followup=link))
        return ticket

    def _prepare_ticket(self):
        """Hook: return the values of the ticket of one follow-up."""
        kind = self.env.ref('retail_crm.retail_ticket_type_complaint', raise_if_not_found=False)
        order = self.env['sale.order']
        if self.res_model == 'sale.order' and self.res_id:
            order = order.browse(self.res_id).exists()
        # staff of the shop floor may not read orders: their ticket names the company, and the follow-up the order
        company = order.sudo().company_id
        order = order._filtered_access('read')
        asked = self._asked_ticket()
        return {
            'subject': self.env._(
                'Not satisfied: %(followup)s', followup=self.rule_id.name or self.name
            ),
            'partner_id': self.partner_id.id,
            'company_id': (company or asked.company_id or self.env.company).id,
            'description': '\n'.join(filter(None, (self.opinion, self.needs))),
            'channel_id': (self.channel_id or self._phone_channel()).id,
            'store_id': self.store_id.id,
            **({'type_id': kind.id} if kind else {}),
            **({'order_id': order.id} if order else {}),
            **({'follow_up_of_id': asked.id} if asked else {}),
        }

    def _phone_channel(self):
        return self.env.ref(
            'retail_crm.retail_channel_phone', raise_if_not_found=False
        ) or self.env['retail.channel'].search([], limit=1)

    def _answer_ticket(self):
        """Tell the tickets that these asked about what the customer said.

        :return: those whose ticket goes on because of it
        """
        opened = self.browse()
        for followup in self:
            ticket = followup._asked_ticket()
            # sudo: the answer of the customer, written down by who asked him for it
            ticket_sudo = ticket.sudo()
            # filed already: what comes back is a ticket of its own, which recurrence finds
            if not ticket or not ticket_sudo.is_complaint or ticket_sudo.category != 'solved':
                continue
            if followup.satisfaction:
                ticket_sudo._record_satisfaction(
                    SATISFIED[followup.satisfaction], followup.channel_id, followup.opinion
                )
            if followup.problem_gone and ticket_sudo.category == 'solved':
                ticket_sudo.write({'problem_gone': followup.problem_gone})
            if ticket_sudo.category != 'solved':
                followup._stamp({'ticket_id': ticket.id})
                opened |= followup
        return opened
