from odoo import api, models
from odoo.exceptions import AccessError
from odoo.fields import Command


class RetailTicketTeamDesk(models.Model):
    """One desk per store (defaults 1): made at once for all stores, with leader, deputy and people of the store."""

    _inherit = 'retail.ticket.team'

    @api.model
    def action_make_desks(self):
        """Make a desk for each store of the chosen companies that has none, and show them.

        :raise AccessError: for others than managers
        """
        if not self.env.user.has_group('retail_crm.group_manager'):
            raise AccessError(self.env._('Managers set up service teams.'))
        teams = self._make_desks(self._stores_without_desk())
        return {
            **self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_ticket_team_action'),
            'domain': [('id', 'in', teams.ids)] if teams else [('kind', '=', 'desk')],
        }

    @api.model
    def _stores_without_desk(self):
        """Return the stores of the chosen companies without a desk of their own."""
        # sudo: stores are no secret; the rules of sales teams show managers without sales rights none of them
        stores = (
            self.env['crm.team']
            .sudo()
            .search(
                [
                    ('retail_is_store', '=', True),
                    ('company_id', 'in', [*self.env.companies.ids, False]),
                ]
            )
        )
        desks = self.search([('kind', '=', 'desk'), ('store_id', 'in', stores.ids)])
        return stores.browse(set(stores.ids) - set(desks.store_id.ids))

    @api.model
    def _make_desks(self, stores):
        """Make a desk for each of the stores; archived desks of theirs come back instead."""
        archived = self.with_context(active_test=False).search(
            [('kind', '=', 'desk'), ('store_id', 'in', stores.ids), ('active', '=', False)]
        )
        archived.action_unarchive()
        stores -= archived.store_id
        return archived + self.create([self._prepare_desk_values(store) for store in stores])

    @api.model
    def _prepare_desk_values(self, store):
        """Hook: return the values of the desk of a store."""
        people = store.member_ids.filtered(lambda user: not user.share)
        # without hours of the store those that ship hold, rather than the office's of the company
        shipped = self.env.ref('retail_crm.resource_calendar_store', raise_if_not_found=False)
        return {
            'name': self.env._('Desk of %(store)s', store=store.name),
            'kind': 'desk',
            'code': store.retail_code and f'desk-{store.retail_code}',
            'store_id': store.id,
            'calendar_id': bool(shipped and not store.retail_calendar_id) and shipped.id,
            'company_id': (store.company_id or self.env.company).id,
            'user_id': store.user_id.id,
            'deputy_id': store.retail_deputy_id.id,
            'member_ids': [Command.create({'user_id': user.id}) for user in people],
        }

    @api.model
    def _follow_stores(self, stores, before):
        """Have desks led by whoever led their store follow when the store gets another leader or deputy.

        :param before: ``{store id: (its leader, its deputy)}`` as they were
        """
        # sudo: who leads a store is decided where stores are; a desk led by somebody else stays as it is
        for desk_sudo in self.sudo().search([('store_id', 'in', stores.ids)]):
            store = desk_sudo.store_id
            leader, deputy = before[store.id]
            vals = {}
            if desk_sudo.user_id == leader and store.user_id != leader:
                vals['user_id'] = store.user_id.id
            if desk_sudo.deputy_id == deputy and store.retail_deputy_id != deputy:
                vals['deputy_id'] = store.retail_deputy_id.id
            if vals:
                desk_sudo.write(vals)
