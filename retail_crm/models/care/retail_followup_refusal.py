from odoo import api, fields, models

#: Transports whose messages may still be in a queue of ours when the customer refuses.
QUEUED = ('outgoing', 'exception')


class RetailFollowupRefusal(models.Model):
    """What a refusal does to follow-ups that have not left yet, in the moment in which it is recorded (S-SEC-12)."""

    _inherit = 'retail.followup'

    @api.model
    def _channel_refused(self, partner, company, purpose, channel):
        """Stop what is planned or waits for staff on a refused channel; what can go another way does. System process."""
        mine = [
            ('partner_id', '=', partner.id),
            ('company_id', '=', company.id),
            ('purpose', '=', purpose),
        ]
        waiting = self.search([*mine, ('state', '=', 'todo'), ('channel_id', '=', channel.id)])
        # who said so when he was called was called
        waiting.filtered(lambda one: 'refused' not in one.attempt_ids.mapped('result'))._unqueue()
        sent = [*mine, ('state', '=', 'done'), ('channel_id', '=', channel.id)]
        self._take_back(sent)._unqueue()
        planned = self.search([*mine, ('state', '=', 'planned')])
        for number, reach in planned._reaches().items():
            if not reach.channel:
                self.browse(number)._stop_refused(reach)

    @api.model
    def _take_back(self, domain):
        """Hook: take messages of follow-ups out of the queues in which they still wait, and return the follow-ups."""
        queued = self.search([*domain, ('mail_mail_id.state', 'in', QUEUED)])
        queued.mail_mail_id.cancel()
        return queued

    def _unqueue(self):
        """Take back what has not reached the customer: it counts for nothing, and asks for a channel again."""
        if self:
            self._note({'contacted_at': False, 'counted_on': False, 'opened_on': False})
            self.write({'state': 'planned', 'try_at': fields.Datetime.now()})

    def _stop_refused(self, reach):
        self.write({'state': 'skipped', 'reason': reach.reason, 'reason_text': reach.text or False})
