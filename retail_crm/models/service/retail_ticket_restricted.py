from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

#: Groups that see restricted complaints.
UNIT = ('retail_crm.group_complaint', 'retail_crm.group_manager')
#: Fields by which a ticket belongs to another.
LINKS = ('parent_id', 'merged_into_id', 'follow_up_of_id', 'recurrence_of_id')


class RetailTicketRestricted(models.Model):
    """Complaints about a person are restricted: the person is neither owner nor reader (S-TKT-29, design 5.3).

    Record rules keep others away from the ticket; what is here keeps messages and tasks away, too.
    """

    _inherit = 'retail.ticket'

    @api.constrains('user_id', 'blocked_user_id', 'involved_user_ids')
    def _check_blocked_user(self):
        for ticket in self:
            blocked = ticket.blocked_user_id
            if blocked and blocked in ticket.user_id + ticket.involved_user_ids:
                raise ValidationError(
                    self.env._(
                        '%(person)s is complained about in %(ticket)s and can neither own nor read it.',
                        person=blocked.name,
                        ticket=ticket.name,
                    )
                )

    @api.depends('blocked_user_id')
    @api.depends_context('uid')
    def _compute_display_name(self):
        """Links from other records show names to everybody: to the person complained about they tell none."""
        result = super()._compute_display_name()
        # who reads the ticket itself has passed the rules; core reads the names of links as superuser
        if self.env.su and self.env.uid != SUPERUSER_ID:
            for ticket in self:
                if ticket.blocked_user_id.id == self.env.uid:
                    ticket.display_name = '\N{HORIZONTAL ELLIPSIS}'
        return result

    @api.model
    def _prepare_ticket_values(self, vals_list):
        """Restrict complaints about a person from their first moment, and what follows them."""
        self._check_links(vals_list)
        vals_list = super()._prepare_ticket_values(self._follow_restricted(vals_list))
        Type, Reason = self.env['retail.ticket.type'], self.env['retail.ticket.reason']
        for vals in vals_list:
            if not (vals.get('guide_id') and vals.get('reason_id')):
                continue
            about_person = Reason.browse(vals['reason_id'])._main().about_person
            if about_person and Type.browse(vals['type_id']).is_complaint:
                self._check_not_oneself(vals['guide_id'])
                vals.update(blocked_user_id=vals['guide_id'], is_restricted=True)
                if vals.get('user_id') == vals['guide_id']:
                    vals.update(user_id=False, assigned_at=False)
                self._involve_maker(vals)
        return vals_list

    @api.model
    def _follow_restricted(self, vals_list):
        """Return values in which what follows a restricted complaint is one, too, of the same person."""
        # sudo: asks only which of them are restricted; see _check_links
        followed_sudo = self.sudo().browse(
            {vals['follow_up_of_id'] for vals in vals_list if vals.get('follow_up_of_id')}
        )
        secret = {ticket.id: ticket for ticket in followed_sudo if ticket.is_restricted}
        if not secret:
            return vals_list
        result = []
        for vals in vals_list:
            ticket = secret.get(vals.get('follow_up_of_id'))
            if not ticket:
                result.append(vals)
                continue
            blocked = ticket.blocked_user_id.id
            kind = self.env['retail.ticket.type'].browse(vals.get('type_id') or [])
            vals = {**vals, 'is_restricted': True, 'blocked_user_id': blocked}
            if ticket.is_complaint and not kind.is_complaint:
                # the complaint unit reads complaints only
                vals.update(type_id=ticket.type_id.id, stage_id=False)
            if blocked:
                vals.setdefault('guide_id', ticket.guide_id.id)
            if blocked and vals.get('user_id') == blocked:
                vals.update(user_id=False, assigned_at=False)
            self._involve_maker(vals)
            result.append(vals)
        return result

    @api.model
    def _check_links(self, vals_list):
        """Refuse to hang a ticket on one that the user may not read: he would write there, or learn of it."""
        if not self.env.su:
            linked = {vals[name] for vals in vals_list for name in LINKS if vals.get(name)}
            if linked:
                self.browse(linked).check_access('read')

    def write(self, vals):
        """Tasks are as restricted as their ticket."""
        self._check_links([vals])
        result = super().write(vals)
        if {'is_restricted', 'blocked_user_id'} & set(vals):
            self._restrict_tasks()
        return result

    def _restrict_tasks(self):
        """Tasks are as restricted as their ticket, and open again with it; who works on them, or asked, goes on."""
        # sudo: tasks of other departments, which follow their ticket whoever changed it
        tasks_sudo = (
            self.sudo()
            .with_context(active_test=False)
            .search([('parent_id', 'in', self.ids)])
            .filtered(
                lambda task: (
                    task.is_restricted != task.parent_id.is_restricted
                    or task.blocked_user_id != task.parent_id.blocked_user_id
                )
            )
        )
        for task in tasks_sudo:
            blocked = task.parent_id.blocked_user_id
            stay = (task.user_id or task.team_id._leader()) + task.asked_by_id - blocked
            task.write(
                {
                    'user_id': (task.user_id - blocked).id,
                    'involved_user_ids': [
                        *(fields.Command.unlink(user.id) for user in blocked),
                        *(
                            fields.Command.link(user.id)
                            for user in stay
                            if task.parent_id.is_restricted
                        ),
                    ],
                    'is_restricted': task.parent_id.is_restricted,
                    'blocked_user_id': blocked.id,
                }
            )
        tasks_sudo.filtered('is_restricted')._keep_away()

    @api.model
    def _check_not_oneself(self, user_id):
        """Refuse that somebody files a complaint about himself: he could not read what he saves."""
        if user_id == self.env.uid:
            raise UserError(
                self.env._(
                    'A complaint about yourself is taken by a colleague or the complaint unit. '
                    'Leave the shop guide empty, or ask somebody to enter it.'
                )
            )

    def _check_restriction(self, vals):
        """Refuse that others than the complaint unit open a restricted complaint to everybody."""
        if self.env.su or any(self.env.user.has_group(group) for group in UNIT):
            return
        is_lifted = vals.get('is_restricted') is False and any(self.mapped('is_restricted'))
        if is_lifted or 'blocked_user_id' in vals:
            raise AccessError(
                self.env._(
                    'Only the complaint unit and managers may lift the restriction of a complaint.'
                )
            )

    def _restrict(self):
        """Keep the person complained about away, and all who are not concerned; called after each change of either."""
        for ticket in self:
            guide = ticket.guide_id if ticket.class_id.about_person else ticket.guide_id.browse()
            if guide == ticket.blocked_user_id and (not guide or ticket.is_restricted):
                continue
            if not guide:
                # the restriction stays: the complaint unit lifts it
                ticket._stamp({'blocked_user_id': False})
                continue
            self._check_not_oneself(guide.id)
            ticket.write(
                {
                    **({'user_id': False} if ticket.user_id == guide else {}),
                    'involved_user_ids': [fields.Command.unlink(guide.id)],
                    'blocked_user_id': guide.id,
                    'is_restricted': True,
                }
            )
        self.filtered('is_restricted')._keep_away()

    @api.model
    def _involve_maker(self, vals):
        """Have whoever enters a restricted ticket go on reading it."""
        if self._stays_involved():
            vals['involved_user_ids'] = [
                *(vals.get('involved_user_ids') or []),
                fields.Command.link(self.env.uid),
            ]

    @api.model
    def _stays_involved(self):
        """Return whether the user keeps reading what he enters because he becomes involved: staff, not the unit."""
        user = self.env.user
        return (
            user.id != SUPERUSER_ID
            and user._is_internal()
            and not any(user.has_group(group) for group in UNIT)
        )

    def _first_reader(self, *users):
        """Return the first of some users who may read one ticket, or none."""
        is_hidden = self.sudo().is_restricted or self.sudo().blocked_user_id  # sudo: as below
        for user in users:
            if user and (not is_hidden or self.with_user(user).sudo(False).has_access('read')):
                return user
        return self.env['res.users']

    def _keep_away(self):
        """Take tasks and subscriptions from those who may no longer read; who entered it stays involved."""
        actor = self.env.user
        stays = self._stays_involved()
        Activity = self.env['mail.activity'].sudo()
        for ticket in self:
            if stays and actor not in (
                ticket.user_id + ticket.involved_user_ids + ticket.blocked_user_id
            ):
                ticket._stamp({'involved_user_ids': [fields.Command.link(actor.id)]})
            # the desk concerned does not handle it
            if (
                ticket.blocked_user_id
                and ticket.blocked_user_id in ticket.team_id.member_ids.user_id
            ):
                ticket.write({'team_id': False})
            ticket.flush_recordset()
            users = (ticket.message_partner_ids.user_ids + ticket.activity_ids.user_id).filtered(
                lambda user, ticket=ticket: (
                    not user.share and not ticket.with_user(user).sudo(False).has_access('read')
                )
            )
            if users:
                ticket.message_unsubscribe(users.partner_id.ids)
                Activity.search(
                    [
                        ('res_model', '=', self._name),
                        ('res_id', '=', ticket.id),
                        ('user_id', 'in', users.ids),
                    ]
                ).unlink()

    def _notify_get_recipients(self, message, msg_vals=False, **kwargs):
        """Messages of restricted tickets reach no employee who may not read them, mentioned or not."""
        recipients = super()._notify_get_recipients(message, msg_vals, **kwargs)
        # sudo: whether it is restricted must be known to whoever posts
        if len(self) != 1 or not (self.sudo().is_restricted or self.sudo().blocked_user_id):
            return recipients
        Users = self.env['res.users']
        return [
            data
            for data in recipients
            if data.get('type') != 'user'
            or not data.get('uid')
            or self.with_user(Users.browse(data['uid'])).sudo(False).has_access('read')
        ]
