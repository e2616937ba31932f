from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain


class RetailFollowupRelease(models.Model):
    """Who has to do follow-ups: they never wait for somebody who has left or is away (S-FUP-15)."""

    _inherit = 'retail.followup'

    def _hand_over(self, user, reason):
        """Give follow-ups to a colleague by hand, with the reason as a note in each; as the user.

        :raise UserError: when he cannot have them
        """
        if not user or user.share or not user.active:
            raise UserError(self.env._('Only an employee can own follow-ups.'))
        given = self.filtered(lambda one: one._may_own(user))
        if self and not given:
            raise UserError(
                self.env._(
                    '%(name)s may not see these follow-ups or their customers.', name=user.name
                )
            )
        given._message_log_batch(
            {
                one.id: self.env._(
                    'Handed over by %(name)s: %(reason)s', name=self.env.user.name, reason=reason
                )
                for one in given
            }
        )
        given.write({'user_id': user.id})
        return given

    def _release(self, why):
        """Take open follow-ups from owners who go: to who stands in, else to the store, else to who is responsible.

        System process; queries by the number of owners, not of follow-ups.

        :param why: reason in words
        """
        found = {}
        for owner, followups in self.grouped('user_id').items():
            # who left or is away has nobody but the one whom he named, or who stands in for that one
            named = owner.retail_substitute_id
            stand_in = named._retail_stand_ins().get(named.id)
            for followup in followups:
                user = next(followup._next_owners(stand_in, owner), None)
                found[user] = found.get(user, self.browse()) | followup
        for user, followups in found.items():
            followups._message_log_batch(dict.fromkeys(followups.ids, why))
            followups.write({'user_id': user.id if user else False})

    def _next_owners(self, stand_in, owner):
        """Yield who may have one follow-up instead of its owner, nearest first: each present, and may read it."""
        store = self.store_id
        for user in (
            stand_in or owner.browse(),
            store.user_id,
            store.retail_deputy_id,
            self.rule_id.user_id,
        ):
            if (
                user
                and user != owner
                and self._may_own(user)
                and not user._retail_is_away(self.company_id._retail_today())
            ):
                yield user

    def _released_domain(self, user, first=None, last=None):
        """Return which follow-ups of somebody cannot wait until he is back: all, or those due while he is away."""
        domain = Domain('user_id', '=', user.id) & Domain('state', 'in', ('planned', 'todo'))
        if last:
            domain &= Domain('due_on', '<=', last)
        if first and first > fields.Date.context_today(self):
            domain &= Domain('due_on', '>=', first)
        return domain
