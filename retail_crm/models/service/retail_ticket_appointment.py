from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from .retail_ticket_stage import OPEN_CATEGORIES

STATES = [
    ('asked', 'Asked for'),
    ('confirmed', 'Confirmed'),
    ('done', 'Took place'),
    ('no_show', 'Did not come'),
]

#: How long before the appointment the customer is reminded.
REMINDERS = (timedelta(days=1), timedelta(hours=2))

_BATCH = 50


class RetailTicketAppointment(models.Model):
    """Visits that are agreed upon: asked, confirmed, reminded a day and two hours before, took place or not (S-SRV-06).

    ``remind_at`` is the next reminder, and empty when there is none. Moving the appointment plans reminders anew.
    """

    _inherit = 'retail.ticket'

    appointment_at = fields.Datetime(
        string='Appointment', tracking=True, copy=False, help='When the customer comes.'
    )
    appointment_minutes = fields.Integer(
        string='Duration (Minutes)', default=30, help='How long the appointment takes.'
    )
    appointment_until = fields.Datetime(
        string='Appointment Ends',
        compute='_compute_appointment_until',
        store=True,  # the calendar asks for it
        precompute=True,
        help='End of the appointment.',
    )
    appointment_state = fields.Selection(
        selection=STATES,
        copy=False,
        tracking=True,
        help='Whether the appointment is agreed, and what became of it.',
    )
    remind_at = fields.Datetime(
        string='Next Reminder',
        readonly=True,
        copy=False,
        help='When the customer is reminded of the appointment.',
    )

    _remind_idx = models.Index('(remind_at) WHERE remind_at IS NOT NULL')
    _appointment_idx = models.Index('(appointment_at) WHERE appointment_at IS NOT NULL')
    _check_appointment_minutes = models.Constraint(
        'CHECK(appointment_minutes >= 0)', 'An appointment cannot end before it begins.'
    )

    @api.depends('appointment_at', 'appointment_minutes')
    def _compute_appointment_until(self):
        for ticket in self:
            ticket.appointment_until = ticket.appointment_at and fields.Datetime.add(
                ticket.appointment_at, minutes=ticket.appointment_minutes or 0
            )

    def _prepare_ticket_values(self, vals_list):
        vals_list = super()._prepare_ticket_values(vals_list)
        for vals in vals_list:
            if vals.get('appointment_at'):
                vals.setdefault('appointment_state', 'asked')
        return vals_list

    def write(self, vals):
        """Another date is asked for again; it is confirmed by the button, which tells the customer."""
        moved = self.browse()
        if 'appointment_at' in vals:
            date = fields.Datetime.to_datetime(vals['appointment_at']) or False
            moved = self.filtered(lambda ticket: ticket.appointment_at != date)
            if 'appointment_state' not in vals:
                vals = {**vals, 'appointment_state': 'asked' if date else False}
        result = super().write(vals)
        moved._stamp({'remind_at': False})
        return result

    def _on_stage_moved(self, before):
        result = super()._on_stage_moved(before)
        self.filtered(
            lambda ticket: ticket.remind_at and ticket.category not in OPEN_CATEGORIES
        )._stamp({'remind_at': False})
        return result

    # === ACTIONS ===#

    def action_confirm_appointment(self):
        """Agree to the appointments, tell the customers and plan their reminders.

        :raise UserError: without a date in the future
        """
        self.check_access('write')
        now = fields.Datetime.now()
        for ticket in self:
            if not ticket.appointment_at or ticket.appointment_at <= now:
                raise UserError(
                    self.env._(
                        'Choose when %(ticket)s takes place, in the future.', ticket=ticket.name
                    )
                )
        self.write({'appointment_state': 'confirmed'})
        self._enter_confirmed()
        self._plan_reminder()
        if template := self._tend_template('mail_template_ticket_appointment'):
            self._tell(template)

    def _enter_confirmed(self):
        """Requests that are nothing but an appointment are not "received" any more once it is agreed to."""
        fresh = self.filtered(
            lambda ticket: ticket.type_id.code == 'appointment' and ticket.category == 'new'
        )
        for kind, tickets in fresh.grouped('type_id').items():
            if kind._stage_of(['open']):
                # the confirmation says it
                tickets.with_context(retail_crm_tell_nobody=True)._set_stage('open')

    def action_appointment_done(self):
        """Note that the customers came; the tickets are solved by it."""
        self.check_access('write')
        self._end_appointment('done', self.env._('The appointment took place.'))

    def action_appointment_no_show(self):
        """Note that the customers did not come; somebody calls them."""
        self.check_access('write')
        self._end_appointment('no_show', self.env._('The customer did not come.'))
        for ticket in self:
            ticket._plan_activity(
                self.env._('Appointment missed: call the customer'),
                xmlid='mail.mail_activity_data_call',
            )

    def _end_appointment(self, state, result):
        """End appointments and solve those tickets that were nothing else."""
        appointments = self.filtered('appointment_at')
        appointments.write({'appointment_state': state})
        appointments._stamp({'remind_at': False})
        only = appointments.filtered(
            lambda ticket: ticket.type_id.code == 'appointment' and ticket._is_open()
        )
        for own_result, tickets in only.grouped('result').items():
            tickets._set_stage('solved', result=own_result or result)

    # === REMINDERS ===#

    def _plan_reminder(self):
        """Plan the next reminder of confirmed appointments: those whose time has passed are left out."""
        now = fields.Datetime.now()
        for ticket in self:
            coming = [
                ticket.appointment_at - before
                for before in REMINDERS
                if ticket.appointment_at - before > now
            ]
            ticket._stamp({'remind_at': min(coming, default=False)})

    @api.model
    def _cron_appointments(self):
        """Remind customers of their appointments; commits per batch, and reminds nobody twice."""
        cron = self.env['ir.cron']
        domain = [('remind_at', '<=', fields.Datetime.now())]
        cron._commit_progress(remaining=self.search_count(domain))
        while tickets := self.search(domain, limit=_BATCH, order='remind_at, id'):
            tickets._remind_of_appointment()
            if not cron._commit_progress(len(tickets)):
                break

    def _remind_of_appointment(self):
        """Remind customers whose appointment is agreed and still to come."""
        now = fields.Datetime.now()
        self._stamp({'remind_at': False})
        coming = self.filtered(
            lambda ticket: (
                ticket.appointment_state == 'confirmed'
                and ticket.appointment_at
                and ticket.appointment_at > now
                and ticket._is_open()
            )
        )
        coming._plan_reminder()
        if template := self._tend_template('mail_template_ticket_appointment_reminder'):
            coming._tell(template)
