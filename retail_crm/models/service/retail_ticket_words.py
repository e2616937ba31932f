from odoo import api, fields, models
from odoo.tools import format_datetime


class RetailTicketWords(models.Model):
    """What answers and messages say of a ticket, in the customer's language: the placeholders of macros and templates."""

    _inherit = 'retail.ticket'

    customer_words = fields.Char(
        string='Name in Answers',
        compute='_compute_words',
        help='How the customer is addressed in answers.',
    )
    order_words = fields.Char(
        string='Order in Answers', compute='_compute_words', help='Number of the order.'
    )
    promise_words = fields.Char(
        string='Promise in Answers',
        compute='_compute_words',
        help='By when it is promised, in the time zone of the company.',
    )
    appointment_words = fields.Char(
        string='Appointment in Answers',
        compute='_compute_words',
        help='When the appointment is, in the time zone of the company.',
    )
    owner_words = fields.Char(
        string='Owner in Answers', compute='_compute_words', help='Who writes to the customer.'
    )
    company_words = fields.Char(
        string='Company in Answers', compute='_compute_words', help='Name of the store or company.'
    )

    @api.depends(
        'partner_id.name',
        'partner_name',
        'order_id.name',
        'promised_at',
        'appointment_at',
        'user_id.name',
        'store_id.name',
    )
    @api.depends_context('lang')
    def _compute_words(self):
        for ticket in self:
            # sudo: names only, of what the ticket is about anyway
            ticket_sudo = ticket.sudo()
            ticket.customer_words = (
                ticket_sudo.partner_id.name or ticket.partner_name or self.env._('dear customer')
            )
            ticket.order_words = ticket_sudo.order_id.name
            zone = ticket_sudo.company_id._retail_timezone() if ticket.company_id else 'UTC'
            ticket.promise_words = self._moment_words(ticket.promised_at, zone)
            ticket.appointment_words = self._moment_words(ticket.appointment_at, zone)
            ticket.owner_words = ticket_sudo.user_id.name
            ticket.company_words = ticket_sudo.store_id.name or ticket_sudo.company_id.name

    @api.model
    def _moment_words(self, moment, zone):
        """Return a date and time as a customer reads it."""
        return format_datetime(self.env, moment, tz=zone, dt_format='short') if moment else ''

    def _customer_lang(self):
        """Return the language in which one ticket's customer is written to."""
        self.ensure_one()
        # sudo: the language of whoever is answered
        ticket_sudo = self.sudo()
        return (
            ticket_sudo.partner_id.lang or ticket_sudo.company_id.partner_id.lang or self.env.lang
        )

    def _send_answer(self, body):
        """Send one ticket's customer an answer of a person, as if it had been written below the ticket.

        :param body: safe HTML; only what the customer is meant to read, never an internal note
        """
        self.ensure_one()
        # who gets it (the customer and those in copy) is known to whatever posts on tickets
        return self.message_post(body=body, message_type='comment', subtype_xmlid='mail.mt_comment')
