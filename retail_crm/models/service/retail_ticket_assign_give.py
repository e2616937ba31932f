from datetime import timedelta

from odoo import models
from odoo.tools import SQL


class RetailTicketAssignGive(models.Model):
    """Writes who got which tickets, says why in each, and tells each new owner once."""

    _inherit = 'retail.ticket'

    def _give_out(self, choices, teams, crew, now):
        """Write the choices: queries by the number of owners, not of tickets.

        :param choices: ``{ticket id: (user id or None, why)}``
        """
        groups, turns = {}, {}
        by_id = {ticket.id: team for ticket, team in teams.items()}
        for ticket_id, (user_id, why) in choices.items():
            if user_id:
                ticket, team = self.browse(ticket_id), by_id[ticket_id]
                key = (user_id, why, team.id if ticket.team_id != team else None)
                groups[key] = groups.get(key, self.browse()) + ticket
                turns[user_id] = len(turns)
        for (user_id, why, team_id), tickets in groups.items():
            tickets._give_to(
                self.env['res.users'].browse(user_id),
                why,
                **({'team_id': team_id} if team_id else {}),
            )
        if turns:
            self._assign_take_turns(turns, now)
            by_user = {}
            for (user_id, _why, _team), tickets in groups.items():
                by_user[user_id] = by_user.get(user_id, self.browse()) + tickets
            for user_id, tickets in by_user.items():
                tickets._tell_owner(self.env['res.users'].browse(user_id))

    def _give_to(self, user, why, **vals):
        """Make somebody the owner of tickets, with a note in each that says why; nobody is told here."""
        # one note for all instead of tracking each, and one message to the owner instead of one per ticket
        quiet = self.with_context(mail_notrack=True, mail_auto_subscribe_no_notify=True)
        quiet.write(
            {
                'user_id': user.id,
                'assigned_by': why,
                'assign_after': False,
                'queued_at': False,
                **vals,
            }
        )
        label = dict(self._fields['assigned_by']._description_selection(self.env))[why]
        # sudo: a name
        body = self.env._('Owner: %(name)s (%(why)s)', name=user.sudo().name, why=label)
        self._message_log_batch(dict.fromkeys(self.ids, body))

    def _assign_take_turns(self, turns, now):
        """Write when these people last got something: who got his last comes last when all else is equal.

        :param turns: ``{user id: position of the last ticket that he got}``
        """
        members = self.env['retail.ticket.team.member']
        members.flush_model(['last_assigned_at', 'user_id'])
        self.env.execute_query(
            SQL(
                """
                UPDATE retail_ticket_team_member AS member SET last_assigned_at = turn.date
                  FROM (VALUES %s) AS turn (user_id, date) WHERE member.user_id = turn.user_id
                RETURNING member.id
                """,
                SQL(', ').join(
                    SQL('(%s, %s::timestamp)', user_id, now + timedelta(microseconds=turn))
                    for user_id, turn in turns.items()
                ),
            )
        )
        members.invalidate_model(['last_assigned_at'])

    def _tell_owner(self, user):
        """Tell a new owner what he got, in one message for all of it."""
        if user == self.env.user:
            return
        # sudo: the address of a colleague
        partner_ids = user.sudo().partner_id.ids
        record = self if len(self) == 1 else self.env['mail.thread']
        names = [ticket.display_name for ticket in self.sorted('id')]
        record.message_notify(
            partner_ids=partner_ids,
            subject=self.env._('You have got %(count)s tickets', count=len(self))
            if len(self) > 1
            else self.env._('You have got %(ticket)s', ticket=names[0]),
            body=', '.join(names),
            email_layout_xmlid='mail.mail_notification_light',
        )
