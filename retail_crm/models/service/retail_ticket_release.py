from odoo import fields, models

from ._assign import may_take
from ._crew import RUNNING, Crew


class RetailTicketRelease(models.Model):
    """Tickets whose owner goes: to who stands in for him, else back to the queue, with a note (R-svc C.3-6)."""

    _inherit = 'retail.ticket'

    def _release(self, substitute, why):
        """Take tickets from their owner. System process; queries by the number of owners, not of tickets.

        :param substitute: who stands in, or nobody; asked only where he is there and may have the ticket
        :param why: function that returns the reason in words
        """
        if not self:
            return
        now = fields.Datetime.now()
        given = self.browse()
        if substitute:
            crew = Crew(substitute, now)
            given = self.filtered(
                lambda one: (
                    one._is_candidate(substitute, one.team_id.browse(), crew)
                    and substitute != one.user_id
                    and may_take(one._bare_job(crew), crew.seat(substitute))
                    and not crew.is_away(substitute, one.team_id, one.company_id)
                )
            )
        # sudo: the system's own notes
        self.sudo()._message_log_batch(dict.fromkeys(self.ids, why()))
        if given:
            given._give_to(substitute, 'substitute')
            given._tell_owner(substitute)
        if rest := self - given:
            is_running = rest.filtered(lambda one: one.category in RUNNING)
            for tickets, date in ((is_running, now), (rest - is_running, False)):
                if tickets:
                    tickets.write(
                        {
                            'user_id': False,
                            'assigned_by': False,
                            'assign_after': date,
                            'queued_at': date,
                        }
                    )
            rest._assign_soon()

    def _hand_over(self, user, reason):
        """Give tickets to somebody by hand, or back to their queues, with the reason as a note in each; as the user."""
        if not self:
            return
        body = self.env._(
            'Handed over by %(name)s: %(reason)s', name=self.env.user.name, reason=reason
        )
        # first: afterwards the user may no longer have the right to
        self._message_log_batch(dict.fromkeys(self.ids, body))
        quiet = self.with_context(mail_auto_subscribe_no_notify=True)
        if user:
            quiet.write({'user_id': user.id})
            self.sudo()._tell_owner(user)  # sudo: the message only; the write was the user's own
            return
        for owner, tickets in quiet.grouped('user_id').items():
            tickets.write({'user_id': False, 'declined_by_id': owner.id})
