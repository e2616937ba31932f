from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..service.retail_ticket_restricted import UNIT

#: Columns that follow the tickets of a follow-up.
_FOLLOWING = ('is_restricted', 'blocked_user_id', 'second_blocked_user_id')


class RetailFollowupRestricted(models.Model):
    """Follow-ups are as restricted as the tickets that they are about, or that came of them (S-TKT-29, design 7).

    The columns are written by ``_follow_tickets`` and by the planning only, and whenever a ticket changes. Record rules
    keep others away; what is here keeps tasks, subscriptions and messages away, too.
    """

    _inherit = 'retail.followup'

    is_restricted = fields.Boolean(
        string='Restricted',
        readonly=True,
        copy=False,
        help='About a restricted complaint: only the complaint unit and who handles it may read it.',
    )
    blocked_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Person Complained About',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        groups=','.join(UNIT),
        help='May neither own nor read the follow-up.',
    )
    second_blocked_user_id = fields.Many2one(
        comodel_name='res.users',
        string='Second Person Complained About',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        groups=','.join(UNIT),
        help='When the ticket that came of it is about somebody else than the one it asks about.',
    )
    is_in_charge = fields.Boolean(
        string='In Charge',
        compute='_compute_is_in_charge',
        search='_search_is_in_charge',
        help='You own the follow-up or its ticket, or are involved in the ticket.',
    )

    @api.depends('user_id', 'ticket_id', 'res_model', 'res_id')
    @api.depends_context('uid')
    def _compute_is_in_charge(self):
        # sudo: asks only about oneself; rules ask for it, too
        mine = self.sudo().search([('id', 'in', self.ids), ('is_in_charge', '=', True)])
        for followup in self:
            followup.is_in_charge = followup._origin.id in mine._ids

    def _search_is_in_charge(self, operator, value):
        if operator != 'in' or set(value) != {True}:
            return NotImplemented
        uid = self.env.uid
        # sudo: asks only about oneself; archived tickets keep their people
        tickets = (
            self.env['retail.ticket']
            .sudo()
            .with_context(active_test=False)
            ._search(['|', ('user_id', '=', uid), ('involved_user_ids', 'in', uid)])
        )
        about = Domain('res_model', '=', 'retail.ticket') & Domain('res_id', 'in', tickets)
        return Domain('user_id', '=', uid) | Domain('ticket_id', 'in', tickets) | about

    # === FOLLOWING THE TICKETS ===#

    @api.model_create_multi
    def create(self, vals_list):
        followups = super().create(vals_list)
        followups._of_tickets()._follow_tickets()
        return followups

    def write(self, vals):
        result = super().write(vals)
        if {'ticket_id', 'res_model', 'res_id'} & set(vals):
            self._follow_tickets()
        return result

    def _of_tickets(self):
        """Return those of these that are about a ticket or led to one."""
        return self.filtered(lambda one: one.ticket_id or one.res_model == 'retail.ticket')

    def _follow_tickets(self):
        """Make these as restricted as their tickets, in one statement, and keep away who may no longer read them."""
        if not self:
            return
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL('%s RETURNING followup.id', self._sql_follow_tickets(SQL('id = ANY(%s)', self.ids)))
        )
        if rows:
            self.invalidate_model(_FOLLOWING)
            # sudo: what follows from a change of the ticket, whoever made it
            self.sudo().browse([number for (number,) in rows])._keep_away()

    @api.model
    def _follow_all_tickets(self):
        """Make follow-ups about secrets as restricted as their tickets, in one statement; for updates."""
        self.env.flush_all()
        self.env.cr.execute(
            self._sql_follow_tickets(
                SQL(
                    """ticket_id IN (%(secret)s) OR res_model = 'retail.ticket' AND res_id IN (%(secret)s)""",
                    secret=SQL(
                        'SELECT id FROM retail_ticket WHERE is_restricted OR blocked_user_id IS NOT NULL'
                    ),
                )
            )
        )
        self.invalidate_model(_FOLLOWING)

    @api.model
    def _sql_follow_tickets(self, which):
        """Return the UPDATE of follow-ups that are less or more restricted than their tickets.

        :param which: condition on the columns of retail_followup
        """
        return SQL(
            """
            UPDATE retail_followup AS followup
               SET is_restricted = now.is_restricted, blocked_user_id = now.first, second_blocked_user_id = now.second
              FROM (SELECT one.id,
                           COALESCE(about.is_restricted, false) OR COALESCE(made.is_restricted, false) AS is_restricted,
                           COALESCE(about.blocked_user_id, made.blocked_user_id) AS first,
                           CASE WHEN made.blocked_user_id != about.blocked_user_id THEN made.blocked_user_id END AS second
                      FROM (SELECT id, ticket_id, CASE WHEN res_model = 'retail.ticket' THEN res_id END AS about_id
                              FROM retail_followup WHERE %s) AS one
                      LEFT JOIN retail_ticket AS about ON about.id = one.about_id
                      LEFT JOIN retail_ticket AS made ON made.id = one.ticket_id) AS now
             WHERE followup.id = now.id
               AND (COALESCE(followup.is_restricted, false), followup.blocked_user_id, followup.second_blocked_user_id)
                   IS DISTINCT FROM (now.is_restricted, now.first, now.second)
            """,
            which,
        )

    # === KEEPING AWAY ===#

    def _is_kept_from(self, user):
        """Return whether one follow-up is a secret to an employee, whether he owns it or not."""
        followup_sudo = self.sudo()  # sudo: what an employee may see is asked by the system
        if user in followup_sudo.blocked_user_id | followup_sudo.second_blocked_user_id:
            return True
        user_sudo = user.sudo()
        if not followup_sudo.is_restricted or any(user_sudo.has_group(group) for group in UNIT):
            return False
        tickets_sudo = followup_sudo.ticket_id | followup_sudo._asked_ticket()
        return user not in tickets_sudo.user_id | tickets_sudo.involved_user_ids

    def _keep_away(self):
        """Take owners, tasks and subscriptions from employees to whom these have become a secret. System process."""
        waiting = self.filtered(
            lambda one: (
                one.state in ('planned', 'todo', 'failed')
                and one.user_id
                and not one._may_own(one.user_id)
            )
        )
        waiting.write({'user_id': False})  # whom a contact by hand names is asked no more
        owners = waiting._choose_owner()
        for followup in waiting:
            followup.write({'user_id': owners[followup.id].id})
        for followup in self:
            people = (
                followup.message_partner_ids.user_ids | followup.activity_ids.user_id
            ).filtered(lambda user, one=followup: not user.share and one._is_kept_from(user))
            if people:
                followup.message_unsubscribe(people.partner_id.ids)
                tasks = followup.activity_ids.filtered(lambda task, who=people: task.user_id in who)
                own = tasks.filtered('retail_followup_id')
                own.with_context(retail_crm_followup_leads=True).write(
                    {'user_id': followup.user_id.id}
                )
                (tasks - own).unlink()

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        """Messages of restricted follow-ups reach no employee to whom they are a secret, mentioned or not."""
        recipients = super()._notify_get_recipients(message, msg_vals, **kwargs)
        # sudo: whether it is restricted must be known to whoever posts
        if len(self) != 1 or not (self.sudo().is_restricted or self.sudo().blocked_user_id):
            return recipients
        users = self.env['res.users']
        return [
            data
            for data in recipients
            if data.get('type') != 'user'
            or not data.get('uid')
            or self.with_user(users.browse(data['uid'])).sudo(False).has_access('read')
        ]

    @api.model
    def _sql_shown(self):
        """Return the condition that the user may know of a row ``followup``; for statements, which know no rules."""
        uid = self.env.uid
        is_unit = self.env.su or any(self.env.user.has_group(group) for group in UNIT)
        return SQL(
            """(%(su)s OR (%(unit)s OR followup.is_restricted IS NOT TRUE OR followup.user_id = %(uid)s)
                AND followup.blocked_user_id IS DISTINCT FROM %(uid)s
                AND followup.second_blocked_user_id IS DISTINCT FROM %(uid)s)""",
            su=self.env.su,
            unit=is_unit,
            uid=uid,
        )


class RetailCareRule(models.Model):
    """What is planned about a ticket is as restricted as the ticket from its first moment."""

    _inherit = 'retail.care.rule'

    def _sql_columns(self, company):
        def of_ticket(column):
            return SQL(
                """(SELECT ticket.%s FROM retail_ticket AS ticket
                     WHERE wanted.res_model = 'retail.ticket' AND ticket.id = wanted.res_id)""",
                SQL.identifier(column),
            )

        return {
            **super()._sql_columns(company),
            'is_restricted': of_ticket('is_restricted'),
            'blocked_user_id': of_ticket('blocked_user_id'),
        }
