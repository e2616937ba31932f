from datetime import date

from odoo import api, models
from odoo.tools import SQL

from . import _tiers


class RetailMembershipMerge(models.Model):
    """Of several memberships of what turns out to be one customer one remains, with the history of all."""

    _inherit = 'retail.membership'

    @api.model
    def _merge_partners(self, src_partners, dst_partner):
        """Make one membership of those of merged contacts, before core moves what refers to them."""
        self._merge_into(dst_partner.commercial_partner_id, src_partners | dst_partner)

    @api.model
    def _absorb(self, partners):
        """Hand memberships of contacts who belong to a company now over to the company, as their purchases are.

        :return: the companies that got one
        """
        # sudo: the system's work
        strays = self.sudo().search([('partner_id', 'in', partners.ids)]).partner_id
        strays = strays.filtered(lambda partner: partner.commercial_partner_id != partner)
        for target, members in strays.grouped('commercial_partner_id').items():
            self._merge_into(target, members)
        return strays.commercial_partner_id.sudo(False)

    @api.model
    def _merge_into(self, target, partners):
        """Have a customer hold the memberships of these contacts as one, in each company."""
        # sudo: whoever may merge contacts merges what is theirs
        members = self.sudo().search([('partner_id', 'in', (partners | target).ids)], order='id')
        for group in members.grouped('company_id').values():
            if group.partner_id == target:
                continue
            kept = group.sorted(lambda member: (member.enrolled_on, member.id))[0]
            group._merge_rows(kept, target)
        self._forget_tiers()

    def _merge_rows(self, kept, target):
        """Merge these rows into one of them: the earlier enrolment and its number stay, the better tier holds."""
        today = kept.company_id._retail_today()
        others = self - kept
        values = self._merged_values(kept, today)
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                'UPDATE retail_tier_move SET membership_id = %s, partner_id = %s WHERE membership_id = ANY(%s)',
                kept.id,
                target.id,
                self.ids,
            )
        )
        before, numbers = kept.tier_id, others.mapped('number')
        # By SQL: nobody deletes memberships, but two of one customer are one.
        self.env.cr.execute(SQL('DELETE FROM retail_membership WHERE id = ANY(%s)', others.ids))
        self.env.invalidate_all(flush=False)
        kept.write({**values, 'partner_id': target.id})
        if others:
            self.env['retail.tier.move'].sudo().create(  # sudo: the system's history
                {
                    'membership_id': kept.id,
                    'partner_id': target.id,
                    'company_id': kept.company_id.id,
                    'date': today,
                    'from_tier_id': before.id,
                    'to_tier_id': kept.tier_id.id,
                    'direction': 'same' if before == kept.tier_id else 'up',
                    'cause': 'merge',
                    'user_id': self.env.uid,
                    'note': self.env._('Merged: %(numbers)s', numbers=', '.join(numbers)),
                }
            )
        self.env.flush_all()

    def _merged_values(self, kept, today):
        """Return the values of the membership that remains."""
        active = self.filtered(lambda member: member.state == 'active')
        former = [
            number
            for member in self
            for number in (
                *((member.former_numbers or '').split()),
                *(() if member == kept else (member.number,)),
            )
        ]
        values = {'former_numbers': ' '.join(former) or False}
        if not active:
            return values
        best = active.sorted(
            lambda member: (
                -(member.own_tier_id.sequence if member.own_tier_id else 0),
                -(member.own_valid_until or date.max).toordinal(),
                member.id,
            )
        )[0]
        given = active.filtered('override_until').sorted(
            lambda member: (-member.override_tier_id.sequence, -member.override_until.toordinal())
        )[:1]
        ends = [member.own_valid_until for member in active if member.own_valid_until]
        until = max(ends) if ends and best.own_valid_until else best.own_valid_until
        own = {
            'own_tier_id': best.own_tier_id.id,
            'own_since': best.own_since,
            'own_valid_until': until,
            'own_grace_until': best.own_grace_until if until and until <= today else False,
            'override_tier_id': given.override_tier_id.id,
            'override_since': given.override_since,
            'override_until': given.override_until,
        }
        return {
            **values,
            **own,
            **self._shown_values(kept.programme_id, own),
            'state': 'active',
            'left_on': False,
            'tier_taken_on': best.tier_taken_on,
            'warned_stage': 0 if until != best.own_valid_until else best.warned_stage,
            'override_reason': given.override_reason,
            'override_note': given.override_note,
            'override_user_id': given.override_user_id.id,
            # Looked at today: the purchases of both act from today on.
            'evaluated_on': max(today, *(member.evaluated_on or today for member in active)),
            'next_on': today,
        }

    @staticmethod
    def _shown_values(programme, own):
        """Return what is shown of a member with such an own tier and such a tier given by staff."""
        state = _tiers.State(
            tier=own['own_tier_id'],
            since=own['own_since'],
            until=own['own_valid_until'] or None,
            grace_until=own['own_grace_until'] or None,
            floor=own['override_tier_id'],
            floor_since=own['override_since'] or None,
            floor_until=own['override_until'] or None,
        )
        shown = _tiers.shown(state, programme._rules())
        return {
            'tier_id': shown.tier,
            'tier_since': shown.since,
            'tier_valid_until': shown.until,
            'grace_until': shown.grace_until,
            'held_by_override': shown.given,
        }
