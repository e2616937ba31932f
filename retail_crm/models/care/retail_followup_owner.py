from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..service._staff import Staff
from ._sending import Sending


class RetailFollowupOwner(models.Model):
    """Who has to act: by the rule, else the manager of the store, else who answers for the rule (R-loy D.2 24).

    Nobody gets a follow-up who may not read it; who is away is replaced by his substitute.
    """

    _inherit = 'retail.followup'

    def _choose_owner(self, now=None):
        """Return ``{id: employee}`` of these, maybe none for some."""
        sending = Sending(self.env, now or fields.Datetime.now())
        none = self.env['res.users']
        return {
            number: users[0] if users else none for number, users in self._owners(sending).items()
        }

    def _owners(self, sending):
        """Return ``{id: [employees]}`` in the order in which they are asked, in a fixed number of queries."""
        if not self:
            return {}
        wanted = self._wanted_owners()
        users = self.env['res.users'].sudo().union(*[one for row in wanted.values() for one in row])
        roster = Roster(users, sending.now)
        loads, owners = self._open_loads(users), {}
        for followup in self:
            order = wanted[followup.id]
            if followup.rule_id.owner == 'team':
                team = order[0] & followup.rule_id.sudo().owner_team_id.member_ids.user_id
                order = [team.sorted(lambda user: (loads[user.id], user.id)), *order[1:]]
            owners[followup.id] = roster.present(followup, [user for one in order for user in one])
            if owners[followup.id]:
                loads[owners[followup.id][0].id] += 1
        return owners

    def _may_own(self, user):
        """Return whether an employee may work on one follow-up and its customer."""
        # sudo: what an employee may see is asked by the system
        user_sudo, customer_sudo = user.sudo(), self.partner_id.sudo()
        if not user_sudo.active or user_sudo.share:
            return False
        if not user_sudo.has_groups('retail_crm.group_user,retail_crm.group_marketing'):
            return False
        if self._is_kept_from(user_sudo):
            return False  # who is complained about asks nobody whether he is satisfied
        companies = user_sudo.company_ids
        if self.company_id.id not in companies.root_id.ids:
            return False
        own = customer_sudo.company_id
        return not own or any(
            company.parent_path.startswith(own.parent_path) for company in companies
        )

    def _check_may_own(self, user):
        """Refuse an owner who may not work on each of these.

        :raise UserError: naming the first that he may not
        """
        refused = next((one for one in self if not one._may_own(user)), None)
        if refused is not None:
            raise UserError(
                self.env._(
                    '%(name)s cannot own %(followup)s: an owner is an employee of the company who may see the follow-up '
                    'and its customer.',
                    name=user.sudo().name,  # sudo: a name
                    followup=refused.display_name,
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
        followups = super().create(vals_list)
        if not self.env.su:
            for user, mine in followups.filtered('user_id').grouped('user_id').items():
                mine._check_may_own(user)
        return followups

    def write(self, vals):
        if vals.get('user_id') and not self.env.su:
            self._check_may_own(self.env['res.users'].browse(vals['user_id']))
        return super().write(vals)

    def _wanted_owners(self):
        """Return ``{id: [employees, employees, ...]}`` that rules name, whether they are there or not."""
        sellers = self._document_users()
        wanted, none = {}, self.env['res.users'].sudo()
        # sudo: advisers, stores and rules decide, whoever asks
        for followup in self.sudo():
            rule, customer, store = followup.rule_id, followup.partner_id, followup.store_id
            found = {
                'adviser': customer.retail_adviser_id
                or customer.commercial_partner_id.retail_adviser_id,
                'seller': sellers.get(followup.id),
                'handler': sellers.get(followup.id),
                'store_manager': store.user_id,
                'team': rule.owner_team_id.member_ids.filtered('active').user_id,
                'user': rule.owner_id,
            }.get(rule.owner)
            by_hand = none if rule else followup.user_id
            last = rule.user_id if rule else followup.create_uid
            order = (found or by_hand, store.user_id, store.retail_deputy_id, last)
            wanted[followup.id] = [users or none for users in order]
        return wanted

    def _document_users(self):
        """Hook: return ``{id: employee}`` who handled the document of each: seller of an order, owner of a ticket."""
        names = {
            'sale.order': 'user_id',
            'account.move': 'invoice_user_id',
            'retail.ticket': 'user_id',
        }
        users = {}
        for model, followups in self.filtered('res_id').grouped('res_model').items():
            if model not in names:
                continue
            # sudo: who handled it
            documents = self.env[model].sudo().browse(followups.mapped('res_id')).exists()
            by_id = {document.id: document[names[model]] for document in documents}
            users.update({one.id: by_id.get(one.res_id) for one in followups})
        return users

    def _open_loads(self, users):
        """Return how many open follow-ups employees have: ``{employee: count}``."""
        # sudo: those of all companies are work
        rows = self.sudo()._read_group(
            [('user_id', 'in', users.ids), ('state', '=', 'todo')], ['user_id'], ['__count']
        )
        return Counter({user.id: count for user, count in rows})


class Roster:
    """Who of some employees is there, and who stands in for the others.

    :param users: employees that may be asked
    :param now: naive UTC
    """

    def __init__(self, users, now):
        self.staff = Staff(users, now)
        self.no_team = self.staff.env['retail.ticket.team']
        self.substitutes = {
            user.id: self.staff.substitute(user.with_env(self.staff.env), self.no_team)
            for user in users
        }
        self.staff.add(self.staff.env['res.users'].union(*self.substitutes.values()))
        self._away = {}

    def present(self, followup, users):
        """Return those of some employees who may and can do one follow-up now, each before his substitute.

        When all are away: those who could, as somebody has to find it on his return.
        """
        present, away = [], []
        for user in users:
            for one in (user, *self.substitutes.get(user.id, ())):
                one = one.with_env(user.env)
                if one not in present and one not in away and followup._may_own(one):
                    (away if self.is_away(one, followup.company_id) else present).append(one)
        return present or away

    def is_away(self, user, company):
        key = user.id, company.id
        if key not in self._away:
            env = self.staff.env
            self._away[key] = self.staff.is_away(
                user.with_env(env), self.no_team, company.with_env(env)
            )
        return self._away[key]
