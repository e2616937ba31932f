from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .retail_ticket_outgoing import WRITTEN

#: What may still be written to a ticket that was merged into another.
AFTER_MERGE = {'access_token', 'active', 'color', 'link_until'}


class RetailTicketMerged(models.Model):
    """What becomes of merged tickets: read-only, with mails, answers and the customer's page led on (R-svc C.7-4, 5).

    When the customers differ, the two never read each other: mails of the other customer become notes of the ticket
    that stays, he is answered on his own ticket, and his page goes on to show him his own words.
    """

    _inherit = 'retail.ticket'

    def write(self, vals):
        """What was merged is read only: it goes on elsewhere, or the merge is undone."""
        if not self.env.su and (merged := self.filtered('merged_into_id')):
            changed = set(vals) - AFTER_MERGE
            if any(not name.startswith(('message_', 'activity_', 'website_')) for name in changed):
                raise UserError(
                    self.env._(
                        '%(ticket)s was merged into %(other)s and goes on there.',
                        ticket=merged[0].name,
                        other=merged[0].sudo().merged_into_id.name,  # sudo: its number only
                    )
                )
        return super().write(vals)

    def _restrict(self):
        """Whoever a merged complaint is about is kept away from where it goes on, whatever the class there becomes."""
        before = {ticket: ticket.blocked_user_id for ticket in self if ticket.blocked_user_id}
        result = super()._restrict()
        for ticket, user in before.items():
            merges = ticket.merge_ids.filtered(lambda merge: not merge.undone_at)
            if ticket.blocked_user_id == user or user not in merges.source_ids.blocked_user_id:
                continue
            if ticket.blocked_user_id:
                raise UserError(
                    self.env._(
                        '%(ticket)s is kept from somebody else because of what was merged into it.',
                        ticket=ticket.name,
                    )
                )
            ticket._stamp({'blocked_user_id': user.id})
        return result

    # === CHAINS ===#

    def _merged_into(self):
        """Return the ticket in which one ticket goes on at last, however long the chain; circles end."""
        self.ensure_one()
        ticket, seen = self, self.browse()
        while ticket.merged_into_id and ticket not in seen:
            seen |= ticket
            ticket = ticket.merged_into_id
        return ticket

    def _merged_here(self):
        """Return all tickets that go on in one ticket, directly or by others."""
        found = level = self.browse()
        level = self.with_context(active_test=False).search([('merged_into_id', '=', self.id)])
        while level:
            found |= level
            level = (
                self.with_context(active_test=False).search([('merged_into_id', 'in', level.ids)])
                - found
                - self
            )
        return found

    # === MAILS THAT COME IN ===#

    def _door_is_apart(self, came_to, mail):
        """Return the merged ticket of another customer that a mail to this ticket belongs to, or none.

        By the ticket that it answers, or by its sender: the words of a merged ticket were moved here, with what mail
        programs know them by.
        """
        if came_to and came_to != self and self._merge_is_apart(came_to):
            return came_to
        sender = mail['sender']
        if not sender or mail['colleague'] or sender in self._door_addresses():
            return self.browse()
        return self._merged_here().filtered(
            lambda source: self._merge_is_apart(source) and sender in source._door_addresses()
        )[:1]

    def _door_heard_apart(self, source):
        """Have somebody answer the customer of a merged ticket, on that ticket."""
        summary = self.env._('%(ticket)s: its customer wrote', ticket=source.name)
        note = self.env._('Answer him on that ticket. Answers here go to another customer.')
        self._plan_activity(summary, note)

    # === ANSWERS ===#

    def message_post(self, **kwargs):
        """Answers belong to the ticket in which it goes on, unless only this one is the customer's."""
        is_answer = (
            len(self) == 1
            and kwargs.get('message_type') in WRITTEN
            and self.env.user._is_internal()
            and self._is_public_subtype(kwargs)
        )
        survivor = self.browse()
        if is_answer and self.sudo().merged_into_id:  # sudo: whether it was merged
            survivor = self.sudo()._merged_into()
            if survivor.merged_into_id:
                survivor = self.browse()  # a circle, which no merge makes: it goes on nowhere
            elif not survivor._merge_is_apart(self.sudo()):
                raise UserError(
                    self.env._(
                        '%(ticket)s was merged into %(other)s. Please answer there.',
                        ticket=self.sudo().name,
                        other=survivor.name,
                    )
                )
        message = super().message_post(**kwargs)
        if survivor:
            survivor._clock_contact('agent')
            words = self.env._('The customer of %(ticket)s was answered there.', ticket=self.name)
            survivor._merge_note(words)
        return message

    def _message_get_suggested_recipients_batch(
        self, reply_discussion=False, reply_message=None, **kwargs
    ):
        """Nobody is suggested because of words that customers do not see: they may be another customer's."""
        if reply_message and reply_message.sudo().is_internal:
            reply_message, reply_discussion = None, False
        return super()._message_get_suggested_recipients_batch(
            reply_discussion=reply_discussion, reply_message=reply_message, **kwargs
        )

    def _sort_suggested_messages(self, messages):
        return super()._sort_suggested_messages(
            messages.filtered(lambda message: not message.is_internal)
        )

    # === THE CUSTOMER'S PAGE ===#

    def _portal_messages(self):
        """A customer whose ticket was merged with another customer's goes on to see what was said to him."""
        messages = super()._portal_messages()
        if not self.merged_into_id:
            return messages
        # sudo: as in super; these messages were public on this very ticket
        merges = (
            self.env['retail.ticket.merge']
            .sudo()
            .search(Domain('source_ids', 'in', self.ids) & Domain('undone_at', '=', False))
        )
        ids = set()
        for merge in merges:
            move = (merge.moved or {}).get('mail.message', {})
            own = move.get('ids', {}).get(str(self.id), ())
            ids |= set(own) & set(move.get('hidden', ()))
        comment = self.env.ref('mail.mt_comment')
        own = messages.browse(sorted(ids)).exists()
        return (messages | own.filtered(lambda item: item.subtype_id == comment)).sorted('id')

    def _portal_files(self):
        """Files of another customer's ticket are not shown."""
        files = super()._portal_files()
        return files and self._merge_own(files)

    def _merge_own(self, records):
        """Return those of the records of one ticket that did not come from another customer's."""
        hidden = self.env['retail.ticket.merge']._hidden_ids(self, records._name)
        return records.filtered(lambda record: record.id not in hidden) if hidden else records

    # === FORGETTING ===#

    def _forget(self, keep_customer=True):
        """With what a merge kept, undoing it would bring back what was forgotten."""
        result = super()._forget(keep_customer=keep_customer)
        # sudo: the system's work; the callers checked rights
        self.env['retail.ticket.merge'].sudo().search(
            Domain('survivor_id', 'in', self.ids) | Domain('source_ids', 'in', self.ids)
        ).write({'moved': False, 'changed': False, 'clock': False})
        return result
