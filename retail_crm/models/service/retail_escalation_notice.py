from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class RetailEscalationNotice(models.Model):
    """That somebody is told of a level which a ticket reached: one row per event and person (R-svc C.2).

    Written by the clock, together with the event, and by the run that tells people. It waits until the person is at work;
    several that wait for one person go as one message. Dropped when it is done meanwhile. Failed ones can be tried again.
    """

    _name = 'retail.escalation.notice'
    _description = 'Escalation Message'
    _order = 'send_after desc, id desc'
    _rec_name = 'ticket_id'

    ticket_id = fields.Many2one(
        comodel_name='retail.ticket',
        required=True,
        readonly=True,
        ondelete='cascade',
        index=True,
        help='Ticket that it is about.',
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, index=True
    )
    event_id = fields.Many2one(
        comodel_name='retail.ticket.event',
        required=True,
        readonly=True,
        ondelete='cascade',
        help='What happened to a deadline of the ticket.',
    )
    level_id = fields.Many2one(
        comodel_name='retail.escalation.level',
        readonly=True,
        ondelete='set null',
        index='btree_not_null',
        help='Level of the list by which the person is told.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Told',
        required=True,
        readonly=True,
        ondelete='cascade',
        index=True,
        help='Who is told.',
    )
    role = fields.Selection(
        selection=[
            ('owner', 'Owner'),
            ('leader', 'Team leader'),
            ('store_manager', 'Store manager'),
            ('area_manager', 'Area manager'),
            ('director', 'Service director'),
            ('on_call', 'On call'),
        ],
        string='As',
        required=True,
        readonly=True,
        help='In what role he is told, himself or standing in for somebody.',
    )
    state = fields.Selection(
        selection=[
            ('waiting', 'Waiting'),
            ('sent', 'Told'),
            ('dropped', 'Not Needed'),
            ('failed', 'Failed'),
        ],
        required=True,
        readonly=True,
        default='waiting',
        help='Waiting: until the person is at work. Not needed: done before he was told, or somebody else was told.',
    )
    send_after = fields.Datetime(
        string='Not Before', required=True, readonly=True, help='When the person is at work next.'
    )
    sent_at = fields.Datetime(string='Told At', readonly=True, help='When the person was told.')
    attempts = fields.Integer(readonly=True, aggregator=None, help='How often telling has failed.')
    error = fields.Text(readonly=True, help='Why it failed the last time.')

    _event_user_uniq = models.Constraint(
        'UNIQUE(event_id, user_id)', 'Somebody is told of an event once.'
    )
    _send_after_idx = models.Index("(send_after) WHERE state = 'waiting'")

    # === PLANNING ===#

    @api.model
    def _plan(self, events):
        """Write who is to be told of new events, and when. Nobody is sent anything here."""
        asks = []
        for event in events.filtered('level_id'):
            level = event.level_id
            if not (level.has_notification or level.has_activity):
                continue
            roles = level._roles()
            if level.to_on_call or event.ticket_id.is_major:
                roles.insert(0, 'on_call')
            asks += [(event, role) for role in roles]
        self._write_notices(asks)

    @api.model
    def _write_notices(self, asks):
        """Write the notices of ``(event, role)``, each person of an event once."""
        chosen = self.env['retail.ticket']._escalation_choose(
            [(event.ticket_id, role) for event, role in asks]
        )
        told = {(notice.event_id.id, notice.user_id.id) for notice in self._known(asks)}
        rows = []
        for (event, role), found in zip(asks, chosen, strict=True):
            if not found or (event.id, found[0].id) in told:
                continue
            user, arrival = found
            told.add((event.id, user.id))
            rows.append(
                {
                    'ticket_id': event.ticket_id.id,
                    'company_id': event.company_id.id,
                    'event_id': event.id,
                    'level_id': event.level_id.id,
                    'user_id': user.id,
                    'role': role,
                    'send_after': arrival,
                }
            )
        return self.create(rows)

    @api.model
    def _known(self, asks):
        events = {event.id for event, _role in asks}
        return self.search_fetch([('event_id', 'in', list(events))], ['event_id', 'user_id'])

    # === BUTTONS ===#

    def action_retry(self):
        """Try again to tell those whom telling failed.

        :raise AccessError: for others than leaders and managers
        :raise UserError: when nothing failed
        """
        if not self.env.user.has_group('retail_crm.group_lead'):
            raise AccessError(self.env._('Leaders and managers try messages again.'))
        self.check_access('read')
        failed = self.filtered('error').filtered(lambda notice: notice.state != 'sent')
        if not failed:
            raise UserError(self.env._('None of these has failed.'))
        # sudo: notices are the system's; the user may read them
        failed.sudo().write(
            {'state': 'waiting', 'attempts': 0, 'send_after': fields.Datetime.now()}
        )
        failed.sudo()._send()
