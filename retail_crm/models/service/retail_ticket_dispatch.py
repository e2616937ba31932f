from odoo import api, fields, models

from .retail_ticket import PRIORITIES


class RetailTicketDispatch(models.Model):
    """Step 2 of a complaint: choosing the class sends it to the responsible team and tells the others (S-TKT-07)."""

    _inherit = 'retail.ticket'

    class_id = fields.Many2one(
        comodel_name='retail.ticket.reason',
        string='Main Class',
        compute='_compute_class_id',
        store=True,
        precompute=True,
        index='btree_not_null',
        help='One of the five classes, without the sub-cause.',
    )
    currency_id = fields.Many2one(related='company_id.currency_id')
    claim_amount = fields.Monetary(
        string='Claimed',
        tracking=True,
        help='How much the customer claims. A large claim makes it a major case.',
    )
    told_team_ids = fields.Many2many(
        comodel_name='retail.ticket.team',
        relation='retail_ticket_told_rel',
        string='Told Teams',
        readonly=True,
        copy=False,
        help='Teams whose leaders were told of it besides the team that handles it.',
    )
    told_user_ids = fields.Many2many(
        comodel_name='res.users',
        relation='retail_ticket_told_user_rel',
        string='Told Persons',
        readonly=True,
        copy=False,
        help='Who was told of it besides the team that handles it.',
    )

    @api.depends('reason_id.parent_id')
    def _compute_class_id(self):
        for ticket in self:
            ticket.class_id = ticket.reason_id._main()

    # === TEAM AND PRIORITY ===#

    @api.model
    def _prepare_ticket_values(self, vals_list):
        """Complaints that come with a class go to its team at once; a team that was given stays."""
        chosen = [bool(vals.get('team_id')) for vals in vals_list]
        vals_list = super()._prepare_ticket_values(vals_list)
        Type, Reason = self.env['retail.ticket.type'], self.env['retail.ticket.reason']
        found = {}
        for vals, is_chosen in zip(vals_list, chosen, strict=True):
            if not vals.get('reason_id') or not Type.browse(vals['type_id']).is_complaint:
                continue
            reason = Reason.browse(vals['reason_id'])
            vals['priority'] = max(vals.get('priority') or '0', reason._level())
            if is_chosen:
                continue
            order = self.env['sale.order'].browse(vals.get('order_id') or [])
            store = self.env['crm.team'].browse(vals.get('store_id') or [])
            company = self.env['res.company'].browse(vals.get('company_id') or self.env.company.id)
            team = self._team_for(reason, company, order, store, found)
            vals['team_id'] = team.id or vals.get('team_id')
        return vals_list

    @api.model
    def _team_for(self, reason, company, order, store, found):
        """Return the team responsible for a class, asking once per case. ``found``: cache of the caller."""
        # sudo: where something was bought is told to whoever enters the complaint about it
        seller_sudo = order.sudo().team_id
        bought_at = seller_sudo.filtered('retail_is_store').sudo(False)
        is_online = bool(order) and not bought_at
        key = (reason.id, company.id, (bought_at or store).id, is_online)
        if key not in found:
            found[key] = reason._find_team(company, bought_at or store, is_online)
        return found[key]

    def _dispatch(self, keep_owner=False):
        """Send complaints to the team of their class; an owner who is not in it gives it up.

        :param bool keep_owner: the owner was chosen together with the class and stays
        """
        found = {}
        by_team = {}
        for ticket in self.filtered('reason_id'):
            team = self._team_for(
                ticket.reason_id, ticket.company_id, ticket.order_id, ticket.store_id, found
            )
            if team and team != ticket.team_id:
                members = team.sudo().member_ids.user_id
                drop = bool(members) and ticket.user_id not in members and not keep_owner
                by_team[team, drop] = by_team.get((team, drop), self.browse()) + ticket
        for (team, drop), tickets in by_team.items():
            tickets.write({'team_id': team.id, **({'user_id': False} if drop else {})})
        for level, tickets in (
            self.filtered('reason_id').grouped(lambda t: t.reason_id._level()).items()
        ):
            tickets._raise_priority(level)

    def _raise_priority(self, level):
        """Give tickets at least a priority; nothing is ever lowered here."""
        assert level in dict(PRIORITIES)
        if lower := self.filtered(lambda ticket: ticket.priority < level):
            lower.write({'priority': level})

    # === WHO ELSE IS TOLD ===#

    def _money_at_stake(self):
        """Hook: return how much money one complaint is about, in the currency of its company."""
        # sudo: the amount of the order decides who is told, it is not shown
        order_sudo = self.order_id.sudo()
        return max(
            self.claim_amount,
            self.solution_amount,
            order_sudo.amount_total / (order_sudo.currency_rate or 1.0),
        )

    def _tell_others(self):
        """Tell those whom the class names, each once: a task for the leader, in one batch."""
        tasks, found, links = [], {}, {}
        for ticket in self.filtered(lambda ticket: ticket.reason_id and ticket._is_open()):
            told = self.browse()
            for line in ticket.reason_id.told_ids | ticket.reason_id._main().told_ids:
                if ticket._money_at_stake() < line.amount_from:
                    continue
                team, user = ticket._who_is_told(line, found)
                if team - ticket.told_team_ids or user - ticket.told_user_ids:
                    key = (team, user, line.is_involved)
                    links[key] = links.get(key, told) + ticket
                    tasks.append((ticket, user))
        for (team, user, is_involved), tickets in links.items():
            link = [fields.Command.link(user.id)] if user else []
            tickets._stamp(
                {
                    'told_team_ids': [fields.Command.link(item.id) for item in team],
                    'told_user_ids': link,
                    **({'involved_user_ids': link} if is_involved else {}),
                }
            )
        self._plan_tasks(
            list(dict.fromkeys(tasks)),  # who leads two of these teams is told once
            lambda ticket: self.env._(
                'For your information: %(ticket)s', ticket=ticket.display_name
            ),
        )

    def _who_is_told(self, line, found):
        """Return the team and the person that one line of the table names for one ticket; never whom it is about."""
        team = self.env['retail.ticket.team']
        if line.who == 'store':
            user = (self.order_id.team_id.filtered('retail_is_store') or self.store_id).user_id
        else:
            key = (line.team_code, self.company_id)
            if key not in found:
                found[key] = team._find_code(*key)
            team = found[key]
            user = team._leader()
        return team, user.filtered('active') - self.blocked_user_id - self.guide_id

    def _plan_tasks(self, tasks, summary, kind='mail.mail_activity_data_todo', date=None):
        """Create activities in one batch; who may not read a ticket gets none.

        :param tasks: list of ``(ticket, user)``
        :param summary: function that returns the words for a ticket
        """
        activity_type = self.env.ref(kind, raise_if_not_found=False)
        model_id = self.env['ir.model']._get_id('retail.ticket')
        readable = {}
        for ticket, user in tasks:
            readable[user] = readable.get(user, self.browse()) + ticket
        for user, tickets in readable.items():
            if user:
                readable[user] = tickets._readable_by(user)
        # sudo: tasks for leaders are the system's to make
        return (
            self.env['mail.activity']
            .sudo()
            .create(
                [
                    {
                        'res_model_id': model_id,
                        'res_id': ticket.id,
                        'user_id': user.id,
                        'activity_type_id': activity_type.id if activity_type else False,
                        'summary': summary(ticket),
                        'date_deadline': date or fields.Date.context_today(self),
                    }
                    for ticket, user in tasks
                    if user and ticket.id in readable[user]._ids
                ]
            )
        )
