from odoo import api, models
from odoo.exceptions import AccessError, UserError

from . import _tiers


class RetailMembershipAction(models.Model):
    """What staff do with memberships: enrol, have somebody leave, give a tier. Each leaves a line in the history."""

    _inherit = 'retail.membership'

    # === ENROLMENT ===#

    @api.model
    def _enrol(self, partners, company=None, user=None, via='staff', store=None, note=None):
        """Make customers members, also again, with the lowest tier and whatever their purchases reach today.

        :param user: who did it; whoever joins in the portal was enrolled by nobody
        :param via: a key of ``enrolled_via``
        :param store: where; default: the store in which the user works
        :return: the memberships of those who became members
        :raise UserError: when there is no running programme, for contacts that are no customers, or while others work
        """
        programme = self._programme_of(company or self.env.company)
        partners = partners.commercial_partner_id
        if any(not partner.retail_customer for partner in partners):
            raise UserError(
                self.env._(
                    'Only retail customers become members: see the Customer page of the contact.'
                )
            )
        day = programme.company_id._retail_today()
        self._take_turn()
        user = user or self.env.user
        # A member by his purchases whom nobody looked at yet stays what he is.
        cases = self._change(
            programme,
            partners.ids,
            day,
            work=lambda state, ledger, rules: _tiers.enrol(state, ledger, rules, day),
            user=user,
            note=note,
        )
        members = self.sudo().browse([case.membership_id for case in cases])  # sudo: just made
        by_staff = user if via != 'portal' else user.browse()
        store = store or by_staff.sale_team_id
        members.write(
            {
                'enrolled_by': by_staff.id,
                'enrolled_via': via,
                'store_id': store.id if store.retail_is_store else False,
                'leave_reason': False,
            }
        )
        return members

    @api.model
    def _programme_of(self, company):
        """Return the running programme of a company.

        :raise UserError: when there is none
        """
        programme = self.env['retail.programme']._running(company)
        if not programme:
            raise UserError(
                self.env._('There is no running programme: start it under Loyalty > Programme.')
            )
        return programme

    def _take_turn(self):
        """Make sure that nobody else changes memberships now.

        :raise UserError: when somebody does
        """
        if not self._try_lock():
            raise UserError(
                self.env._('Tiers are being computed right now. Try again in a moment.')
            )

    def _check_staff(self):
        """Refuse whoever is no staff.

        :raise AccessError: saying so
        """
        if not self.env.user.has_group('retail_crm.group_user'):
            raise AccessError(self.env._('Only Retail CRM staff may change memberships.'))
        self.check_access('read')

    def action_enrol(self):
        """Have somebody who left take part again. Staff have asked the customer (the button says so).

        :raise AccessError: for those who are no staff
        """
        self._check_staff()
        for company, members in self.sudo().grouped('company_id').items():  # sudo: checked above
            self._enrol(members.partner_id, company)

    def action_leave(self):
        """Have these members leave the programme, by their own wish. Number and history stay.

        :raise AccessError: for those who are no staff
        """
        self._check_staff()
        self._leave()

    def _leave(self, reason=None, note=None):
        """Have these members leave today.

        :param reason: a key of ``leave_reason``, and ``note`` the reason in words for the history; both may be empty
        """

        def work(state, ledger, rules, day):
            state, moves = _tiers.advance(state, ledger, rules, day)
            state, more = _tiers.leave(state, rules, day)
            return state, [*moves, *more]

        members = self.filtered(lambda member: member.state == 'active')
        members._work(work, note)
        members.sudo().write({'leave_reason': reason})  # sudo: as in _work

    def action_ask_leave(self):
        """Ask why these members leave, which they need not say.

        :raise AccessError: for those who are no staff
        """
        self._check_staff()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Leave the Programme'),
            'res_model': 'retail.membership.leave',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_membership_ids': self.ids},
        }

    def _work(self, work, note=None):
        """Change these memberships by a function of ``(state, ledger, rules, day)``, in the user's name.

        :raise UserError: while others change memberships
        """
        self._take_turn()
        # sudo: whoever calls has checked that he may; memberships are written by the system
        for programme, members in self.sudo().grouped('programme_id').items():
            day = programme.company_id._retail_today()
            self._change(
                programme,
                members.partner_id.ids,
                day,
                work=lambda state, ledger, rules, day=day: work(state, ledger, rules, day),
                user=self.env.user,
                note=note,
            )

    # === OVERRIDE ===#

    def _check_lead(self):
        """Refuse whoever may not give tiers.

        :raise AccessError: saying so
        """
        if not self.env.user.has_group('retail_crm.group_lead'):
            raise AccessError(
                self.env._('Only team leaders and managers may give a tier or take it back.')
            )
        self.check_access('read')

    def action_override(self):
        """Ask for the tier to give, until when and why.

        :raise AccessError: for those who are no team leaders
        """
        self._check_lead()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Give a Tier'),
            'res_model': 'retail.membership.override',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_membership_ids': self.ids},
        }

    def _override(self, tier, until, reason, note):
        """Give these members a tier until a day; they do not fall below it before."""
        if any(member.state != 'active' for member in self):
            raise UserError(self.env._('Who has left the programme has no tier.'))

        def work(state, ledger, rules, day):
            return _tiers.override(state, ledger, rules, day, tier.id, until)

        self._work(work, note)
        # sudo: as in _work
        self.sudo().write(
            {
                'override_reason': reason,
                'override_note': note,
                'override_user_id': self.env.uid,
            }
        )

    def action_end_override(self):
        """End the given tier today: the rules decide again.

        :raise AccessError: for those who are no team leaders
        :raise UserError: when no tier was given
        """
        self._check_lead()
        if not any(member.override_until for member in self):
            raise UserError(self.env._('No tier was given.'))
        self._work(_tiers.end_override)

    # === NAVIGATION ===#

    def action_open_moves(self):
        """Open the history of these members."""
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_tier_move_action')
        return {**action, 'domain': [('membership_id', 'in', self.ids)], 'context': {}}

    def action_open_partner(self):
        """Open the customer."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'res.partner',
            'res_id': self.partner_id.id,
            'view_mode': 'form',
        }

    def action_open_purchases(self):
        """Open the purchases that count for the tier today."""
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_purchase_action')
        return {**action, 'domain': self._explain()[self.id]['domain'], 'context': {}}
