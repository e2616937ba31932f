from odoo import api, fields, models

from ..service.retail_ticket_promise import HOUR
from ._hours import moment_at, zone_of
from ._sending import USUAL_HOUR


class RetailFollowupContact(models.Model):
    """Follow-ups without a rule: a contact that somebody starts himself, from the customer or a document (S-FUP-10)."""

    _inherit = 'retail.followup'

    template_id = fields.Many2one(
        comodel_name='mail.template',
        readonly=True,
        copy=False,
        ondelete='set null',
        help='Words with which it was begun by hand.',
    )

    @api.model
    def _start_contacts(self, partners, values, now=True):
        """Make follow-ups by hand, one for each customer.

        :param values: of all of them: purpose, channel, owner, words
        :param bool now: whether they leave at once
        """
        company = self.env.company.sudo().root_id  # sudo: staff of a branch
        today = company._retail_today()
        due_on = values.get('due_on') or today
        zone = zone_of(company._retail_timezone())
        # sudo: rows are the system's; whoever may contact whom was checked by the caller
        followups = self.sudo().create(
            [
                {
                    'company_id': company.id,
                    'partner_id': partner.id,
                    'anchor_on': today,
                    'try_at': fields.Datetime.now()
                    if due_on <= today
                    else moment_at(due_on, USUAL_HOUR, zone),
                    'state': 'planned',
                    **values,
                    'due_on': due_on,
                }
                for partner in partners
            ]
        )
        followups.filtered(lambda one: not one.body)._fill_words()
        if now:
            followups._leave_now()
        return followups.sudo(False)

    def _leave_now(self):
        """Have those that are due leave: tasks are put before their owner, messages go their way through all gates.

        While the scheduled action is at it, they leave by it.
        """
        now = fields.Datetime.now()
        self.flush_recordset()
        due = self.filtered(lambda one: one.try_at <= now)
        batch = due and due._take(due.ids, now)
        if batch:
            batch._let_leave(now)

    def _fill_words(self):
        """Write what their template says, to each customer in his language. System process."""
        for (template, lang), followups in self.grouped(
            lambda one: (one.template_id, one.partner_id.lang)
        ).items():
            contents = followups._contents_begun(template, lang or self.env.lang)
            if not contents:
                followups.write({'template_id': False})
            for followup in followups:
                followup.write(contents.get(followup.id, {}))

    def _contents_begun(self, template, lang):
        """Return ``{id: {'subject': ..., 'body': ...}}`` as a template says; nothing for one of another model.

        That would be filled from a record of another kind.
        """
        template_sudo = template.sudo()  # sudo: words for customers that the caller may contact
        if template_sudo.model != self._name:
            return {}
        return self._contents_of_template(template_sudo, lang)

    def _contact_again(self, day, words):
        """Have the owners contact their customers again on a day."""
        for followup in self:
            self._start_contacts(
                followup.partner_id,
                {
                    'purpose': followup.purpose,
                    'family': followup.family,
                    'is_expected': True,
                    'channel_id': followup.channel_id.id,
                    'user_id': (followup.user_id or self.env.user).id,
                    'store_id': followup.store_id.id,
                    'subject': words or followup.name,
                    'due_on': day,
                    **followup._secret_document(),
                },
                now=False,
            )

    def _secret_document(self):
        """Return the ticket of one restricted follow-up as a document: what follows it is as restricted."""
        followup_sudo = self.sudo()  # sudo: asks only whether it is
        if not (followup_sudo.is_restricted or followup_sudo.blocked_user_id):
            return {}
        ticket = followup_sudo._asked_ticket() or followup_sudo.ticket_id
        return {'res_model': 'retail.ticket', 'res_id': ticket.id}

    def _keep_promise(self, words, until):
        """Have what was promised to the customer of one follow-up kept: on the ticket, else as a task on the customer."""
        self.ensure_one()
        ticket = self.ticket_id or self._asked_ticket()
        zone = zone_of(self.company_id.sudo()._retail_timezone())  # sudo: staff of a branch
        # sudo: who spoke to the customer may promise, also where the ticket is another's
        if ticket.sudo() and ticket.sudo()._is_open():
            self.env['retail.ticket.promise'].sudo().create(
                {
                    'ticket_id': ticket.id,
                    'what': words,
                    # at the end of that day
                    **({'due_at': moment_at(until, HOUR, zone)} if until else {}),
                    'user_id': self.env.uid,
                }
            )
            return
        kind = self.env.ref('mail.mail_activity_data_todo', raise_if_not_found=False)
        # everybody reads what stands on a customer
        place = self if self._secret_document() else self.partner_id
        # sudo: a task of one's own on a record that one may read
        self.env['mail.activity'].sudo().create(
            {
                'res_model_id': self.env['ir.model']._get_id(place._name),
                'res_id': place.id,
                'user_id': self.env.uid,
                'activity_type_id': kind.id if kind else False,
                'summary': self.env._('Promised: %(what)s', what=words),
                'date_deadline': until or fields.Date.context_today(self),
            }
        )
