from odoo import api, models
from odoo.fields import Domain


class RetailFollowup(models.Model):
    """Customers read their messages, and nothing of what staff noted about them."""

    _name = 'retail.followup'
    _inherit = ['retail.followup', 'retail.portal.access']

    _portal_fields = frozenset(
        {
            'partner_id',
            'company_id',
            'subject',
            'body',
            'due_on',
            'contacted_at',
            'state',
            'reaction',
        }
    )

    @api.model
    def _portal_is_on(self):
        """Return whether customers reach their messages: neither care nor portal are switched off."""
        # sudo: how the blocks are switched is no secret
        users, portal = (
            self.env.ref(name).sudo().all_implied_ids
            for name in ('base.group_user', 'base.group_portal')
        )
        return (
            self.env.ref('retail_crm.group_block_care') in users
            and self.env.ref('retail_crm.group_block_portal') in portal
        )

    @api.model
    def _portal_domain(self):
        """Return which messages the visitor's pages list; for customers that is what their record rule says."""
        if not self.env.user._is_internal():  # employees read more than what is theirs
            return Domain.TRUE
        return (
            Domain('partner_id', '=', self.env.user.partner_id.id)
            & Domain('state', '=', 'done')
            & Domain('channel_id.transport', '=', 'portal')
        )
