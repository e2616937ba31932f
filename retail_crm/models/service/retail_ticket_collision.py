from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_time

#: Minutes for which a written message counts as "just answered".
_RECENT = 10


class RetailTicketCollision(models.Model):
    """The notice that somebody else is on the same ticket."""

    _inherit = 'retail.ticket'

    def action_presence(self, writing=False, leave=False):
        """Report that the user has one ticket open, and return what to tell him about others, one line each.

        Called by the form every 30 seconds.

        :param bool writing: he has begun an answer
        :param bool leave: he closes the form
        """
        self.ensure_one()
        self.check_access('read')
        presence = self.env['retail.ticket.presence']
        if leave:
            presence._leave(self)
            return []
        presence._touch(self, writing)
        return self._presence_lines(presence._others_on(self))

    def _presence_lines(self, others):
        """Return who has one ticket open, is writing, or has just written."""
        lines = []
        for row in others:
            values = {'name': row.user_id.name, 'time': self._time_words(row.since)}
            if row.is_writing:
                lines.append(self.env._('%(name)s is answering since %(time)s', **values))
            else:
                lines.append(self.env._('%(name)s has this open since %(time)s', **values))
        recent = fields.Datetime.subtract(fields.Datetime.now(), minutes=_RECENT)
        # sudo: names of those who wrote on a ticket that the user reads
        messages = (
            self.env['mail.message']
            .sudo()
            .search_fetch(
                Domain('model', '=', 'retail.ticket')
                & Domain('res_id', '=', self.id)
                & Domain('message_type', 'in', ('comment', 'email_outgoing'))
                & Domain('date', '>=', recent)
                & Domain('author_id', 'not in', [False, self.env.user.partner_id.id])
                & Domain('author_id.partner_share', '=', False),
                ['author_id', 'date'],
                limit=1,
            )
        )
        if messages:
            lines.append(
                self.env._(
                    '%(name)s wrote at %(time)s',
                    name=messages.author_id.name,
                    time=self._time_words(messages.date),
                )
            )
        return lines

    @api.model
    def _time_words(self, moment):
        local = fields.Datetime.context_timestamp(self, moment)
        return format_time(self.env, local.time(), time_format='HH:mm')
