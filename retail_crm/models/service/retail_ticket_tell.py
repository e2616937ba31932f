from markupsafe import Markup

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import html2plaintext

#: Transports for which an employee is asked to tell the customer himself.
BY_HAND = ('manual', 'phone', 'letter', 'sms')

_BATCH = 50


class RetailTicketTell(models.Model):
    """Messages to customers that nobody writes by hand: progress, reminders, appointments (S-TKT-25, S-SRV-16).

    By the customer's channel: a mail where that is possible, else an activity that asks an employee to tell him. Answers
    about a customer's own request need no consent. A message that cannot be sent is seen on the ticket, never lost.
    """

    _inherit = 'retail.ticket'

    tell_stage_id = fields.Many2one(
        comodel_name='retail.ticket.stage',
        string='Progress to Tell',
        readonly=True,
        copy=False,
        ondelete='set null',
        help='Stage of which the customer is about to be told. Whoever clicks through three stages tells of the last one.',
    )
    told_stage_id = fields.Many2one(
        comodel_name='retail.ticket.stage',
        string='Progress Told',
        readonly=True,
        copy=False,
        ondelete='set null',
        help='Last stage of which the customer was told.',
    )
    told_stage_at = fields.Datetime(
        string='Progress Told On', readonly=True, copy=False, help='When he was told of it.'
    )
    tell_error = fields.Char(
        string='Could Not Tell',
        readonly=True,
        copy=False,
        help='Why the last automatic message could not be sent.',
    )

    _tell_idx = models.Index('(tell_stage_id) WHERE tell_stage_id IS NOT NULL')

    # === PROGRESS ===#

    def _on_stage_moved(self, before):
        result = super()._on_stage_moved(before)
        self._plan_telling()
        return result

    def _plan_telling(self):
        """Note which customers are to be told of the stage that their tickets have just entered."""
        if self._is_quiet():
            return
        told = self.filtered(lambda ticket: ticket._tells(ticket.stage_id))
        for stage, tickets in told.grouped('stage_id').items():
            tickets._stamp({'tell_stage_id': stage.id})
        (self - told).filtered('tell_stage_id')._stamp({'tell_stage_id': False})
        if told:
            self._wake_cron('retail_crm.ir_cron_tell')

    def _tells(self, stage):
        """Hook: return whether one ticket's customer is told that it entered a stage."""
        return (
            stage.is_told
            and stage.told_template_id
            and self.active
            and not self.is_internal
            and not self.merged_into_id
        )

    @api.model
    def _is_quiet(self):
        """Hook: return whether this is an import, a merge or a migration, of which nobody is told."""
        context = self.env.context
        return any(
            context.get(key)
            for key in ('import_file', 'retail_crm_quiet', 'retail_crm_tell_nobody')
        )

    @api.model
    def _wake_cron(self, xmlid, at=None):
        """Have a scheduled action run, without the second connection of ``_trigger`` (design 4.1)."""
        cron_id = self.env['ir.model.data']._xmlid_to_res_id(xmlid)
        key = f'retail_crm.wake.{xmlid}'
        if cron_id and not self.env.cr.precommit.data.get(key):
            self.env.cr.precommit.data[key] = True
            self.env['retail.moment']._insert_trigger(cron_id, at)

    @api.model
    def _cron_tell(self):
        """Tell customers of the stages that their tickets entered; commits per batch and goes on where it stopped."""
        cron = self.env['ir.cron']
        domain = [('tell_stage_id', '!=', False)]
        cron._commit_progress(remaining=self.search_count(domain))
        while tickets := self.search(domain, limit=_BATCH, order='id'):
            tickets._tell_progress()
            if not cron._commit_progress(len(tickets)):
                break

    def _tell_progress(self):
        """Tell the customers of these tickets of the stage that is noted, each once."""
        now = fields.Datetime.now()
        for stage, tickets in self.grouped('tell_stage_id').items():
            # first: an error below never sends anything twice
            tickets._stamp(
                {'tell_stage_id': False, 'told_stage_id': stage.id, 'told_stage_at': now}
            )
            current = tickets.filtered(
                lambda ticket, stage=stage: ticket.stage_id == stage and ticket._tells(stage)
            )
            current._tell(stage.told_template_id)

    # === TELLING ===#

    def _tell(self, template):
        """Send customers what a template says of their tickets, by the channel of each.

        :param template: ``mail.template`` of tickets
        """
        # sudo: the text of a message that the system sends; templates are made by managers
        template_sudo = template.sudo()
        for ticket in self:
            try:
                with self.env.cr.savepoint():
                    ticket._tell_one(template_sudo)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise  # the whole transaction is lost and repeated
            except Exception as error:
                ticket._tell_failed(str(error))

    def _tell_one(self, template_sudo):
        """Tell one customer by his channel."""
        ids = self.ids
        subject = template_sudo._render_field('subject', ids, compute_lang=True)[self.id]
        body = template_sudo._render_field('body_html', ids, compute_lang=True)[self.id]
        channel = self._tell_channel()
        if channel and channel.transport in BY_HAND:
            self._tell_by_hand(channel, body)
        else:
            self._tell_by_mail(subject, body)
        if self.tell_error:
            self._stamp({'tell_error': False})

    def _tell_channel(self):
        """Hook: return the channel on which one customer is told: his own, else that of the request, else e-mail."""
        # sudo: how the customer likes to be reached
        partner_sudo = self.partner_id.sudo()
        channel = partner_sudo.retail_preferred_channel_id or self.channel_id
        has_mail = self.partner_email or partner_sudo.email
        if channel.transport in ('email', 'portal', 'none') or (
            # who came to the counter is not there any more: a mail reaches him at once
            channel.transport in BY_HAND
            and has_mail
            and channel != partner_sudo.retail_preferred_channel_id
        ):
            return (
                None
                if has_mail
                else self.env['retail.channel'].search([('transport', '=', 'phone')], limit=1)
            )
        return channel

    def _tell_by_mail(self, subject, body):
        """Post a message that one customer gets by mail.

        Its kind says that no person wrote it: the headers of such mails keep answering machines quiet.
        """
        partner_sudo = self.partner_id.sudo()  # sudo: whether the customer has an address
        values = {'partner_ids': partner_sudo.ids}
        if not partner_sudo.email:
            values = {'outgoing_email_to': self.partner_email}
        self.with_context(mail_post_autofollow=False).message_post(
            subject=subject,
            body=Markup(body or ''),
            message_type='auto_comment',
            subtype_xmlid='mail.mt_comment',
            email_layout_xmlid='mail.mail_notification_light',
            **self._automatic_author(),
            **values,
        )

    def _tell_by_hand(self, channel, body):
        """Ask the owner (else the leader of the team) of one ticket to tell the customer."""
        call = channel.transport == 'phone'
        self._plan_activity(
            self.env._('Tell the customer by %(channel)s', channel=channel.name),
            note=body,
            xmlid='mail.mail_activity_data_call' if call else 'mail.mail_activity_data_todo',
        )

    def _tell_failed(self, error):
        """Show on one ticket that its customer could not be told, and ask somebody to do it."""
        self._stamp({'tell_error': error[:500]})
        self._plan_activity(
            self.env._('The customer could not be told automatically'), note=html2plaintext(error)
        )

    def _plan_activity(self, summary, note='', xmlid='mail.mail_activity_data_todo', user=None):
        """Give somebody who handles one ticket an activity; the same one is not planned twice."""
        # sudo: the owner, else the leader of the team; planned by the system
        team_sudo = self.team_id.sudo()
        ticket_sudo = self.sudo()
        user = user or ticket_sudo._first_reader(
            self.user_id, team_sudo.user_id, *team_sudo.member_ids.user_id
        )
        if ticket_sudo.activity_ids.filtered(lambda activity: activity.summary == summary):
            return
        ticket_sudo.with_context(mail_activity_quick_update=True).activity_schedule(
            xmlid,
            summary=summary,
            note=note,
            # nobody at all: the manager of the system sees it on the ticket
            user_id=user.id or self.env.ref('base.user_admin').id,
        )
