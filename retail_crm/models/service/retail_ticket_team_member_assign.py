from odoo import api, fields, models

from ._crew import HUNDREDTHS, RUNNING, Crew, read_loads

#: Changes after which a member may be free for what waits.
WAKE_FIELDS = {
    'absent_from',
    'absent_until',
    'active',
    'calendar_id',
    'capacity',
    'channel_ids',
    'lang_ids',
    'reason_ids',
    'store_ids',
    'type_ids',
    'user_id',
}


class RetailTicketTeamMemberAssign(models.Model):
    """What a member can do, when he works, how much he has to do now; his tickets go on when he does not (R-svc C.3)."""

    _inherit = 'retail.ticket.team.member'

    calendar_id = fields.Many2one(
        comodel_name='resource.calendar',
        string='Shift',
        ondelete='restrict',
        help="When the employee works for this team. Empty: the hours of his contract, else the team's.",
    )
    lang_ids = fields.Many2many(
        comodel_name='res.lang',
        relation='retail_ticket_team_member_lang_rel',
        string='Languages',
        help='Languages in which the employee serves customers. Empty: all.',
    )
    reason_ids = fields.Many2many(
        comodel_name='retail.ticket.reason',
        relation='retail_ticket_team_member_reason_rel',
        string='Classes',
        help='Classes of requests that the employee knows, with their sub-causes. Empty: all.',
    )
    store_ids = fields.Many2many(
        comodel_name='crm.team',
        relation='retail_ticket_team_member_store_rel',
        string='Stores',
        domain=[('retail_is_store', '=', True)],
        help='Stores whose requests the employee handles. Empty: all.',
    )
    running_count = fields.Integer(
        string='Running',
        compute='_compute_work',
        help='Tickets of the employee in all teams whose clock runs: new or in progress.',
    )
    load_percent = fields.Float(
        string='Used Capacity (%)',
        compute='_compute_work',
        help='Weighted running tickets in percent of what the employee handles at once.',
    )
    load_text = fields.Char(
        string='Load',
        compute='_compute_work',
        help='Weighted running tickets of all teams, and how many the employee handles at once.',
    )
    state_text = fields.Char(
        string='At Work',
        compute='_compute_work',
        help='Whether the employee can get tickets now, and when again.',
    )

    @api.depends('user_id', 'capacity', 'absent_from', 'absent_until', 'calendar_id')
    @api.depends_context('lang', 'tz')
    def _compute_work(self):
        # sudo: how much colleagues of a team have to do, and whether they are there, is shown to whoever sees the team
        members_sudo = self.sudo()
        now = fields.Datetime.now()
        crew = Crew(members_sudo.user_id, now)
        loads = read_loads(self.env, members_sudo.user_id.ids)
        counts = dict(
            self.env['retail.ticket']
            .sudo()
            ._read_group(
                [('user_id', 'in', members_sudo.user_id.ids), ('category', 'in', RUNNING)],
                ['user_id'],
                ['__count'],
            )
        )
        for member, member_sudo in zip(self, members_sudo, strict=True):
            user = member_sudo.user_id
            load = loads.get(user.id, 0) / HUNDREDTHS
            capacity = crew.capacity(user, member_sudo) if user else 0
            member.running_count = counts.get(user, 0)
            member.load_percent = 100 * load / capacity if capacity else 0
            member.load_text = (
                self.env._('%(load)s of %(capacity)s', load=f'{load:g}', capacity=capacity)
                if capacity
                else f'{load:g}'
            )
            company = member_sudo.company_id or self.env.company
            member.state_text = (
                crew.state_words(user, member_sudo.team_id, company, self.env) if user else False
            )

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        members = super().create(vals_list)
        members.team_id._wake_queue()
        members.filtered(lambda one: one.absent_from or one.absent_until)._release_absent()
        return members

    def write(self, vals):
        """Somebody who goes leaves his tickets, somebody who comes gets what waits."""
        before = {member: (member.user_id, member.team_id) for member in self}
        result = super().write(vals)
        if vals.get('active') is False or {'user_id', 'team_id'} & set(vals):
            for member, (user, team) in before.items():
                if not member.active or (member.user_id, member.team_id) != (user, team):
                    team._release_of(user, member.substitute_id)
        if {'absent_from', 'absent_until', 'substitute_id'} & set(vals):
            self._release_absent()
        if WAKE_FIELDS & set(vals):
            self.team_id._wake_queue()
        return result

    def unlink(self):
        gone = [(member.team_id, member.user_id, member.substitute_id) for member in self]
        result = super().unlink()
        for team, user, substitute in gone:
            if team.exists():
                team._release_of(user, substitute)
        return result

    def _release_absent(self):
        """Give away what falls due while these members are absent."""
        for member in self.sudo():  # sudo: tickets follow the absence, whoever enters it
            if member.active and (member.absent_from or member.absent_until):
                member.user_id._release_tickets(
                    member.absent_from, member.absent_until, team=member.team_id
                )
