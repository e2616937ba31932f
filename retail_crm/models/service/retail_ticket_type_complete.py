from odoo import api, fields, models
from odoo.fields import Domain


class RetailTicketTypeComplete(models.Model):
    """Whether a type has its five parts: channels, response, process, content, rating (S-SRV-22).

    A type without one of them works; managers see what is missing.
    """

    _inherit = 'retail.ticket.type'

    is_complete = fields.Boolean(
        string='Complete',
        compute='_compute_missing_parts',
        search='_search_is_complete',
        help='Has channels, deadlines, process and content; whether it asks for a rating is said either way.',
    )
    missing_parts = fields.Char(
        string='Still Missing',
        compute='_compute_missing_parts',
        help='Which of the five parts of a type are not given yet.',
    )

    @api.depends('channel_ids', 'stage_ids.category', 'content', 'is_internal')
    @api.depends_context('lang')
    def _compute_missing_parts(self):
        missing = self._missing_parts()
        for kind in self:
            parts = missing[kind]
            kind.is_complete = not parts
            kind.missing_parts = ', '.join(parts)

    def _search_is_complete(self, operator, value):
        if operator not in ('in', 'not in'):
            return NotImplemented
        # a shop has a dozen types
        every = self.with_context(active_test=False).search(Domain.TRUE)
        complete = every.filtered('is_complete')
        wanted = self.browse()
        if True in value:
            wanted += complete
        if False in value:
            wanted += every - complete
        return [('id', operator, wanted.ids)]

    def _missing_parts(self):
        """Return ``{type: [names of its missing parts]}``."""
        without_targets = self._without_targets()
        return {
            kind: [
                name
                for name, is_missing in (
                    (self.env._('channels'), not kind.channel_ids),
                    (self.env._('response (deadlines)'), kind in without_targets),
                    (self.env._('process (a first stage and one that solves)'), kind._lacks_way()),
                    (self.env._('content'), not kind._has_content()),
                )
                if is_missing
            ]
            for kind in self
        }

    def _without_targets(self):
        """Return those of the types for whose tickets no policy says within which time they are answered."""
        # sudo: whether there is a policy is no secret
        policies_sudo = self.env['retail.sla.policy'].sudo().search(Domain.TRUE)
        if any(not policy.type_ids for policy in policies_sudo):
            return self.browse()
        return self - policies_sudo.type_ids.sudo(False)

    def _lacks_way(self):
        """Return whether the stages of one type do not lead from receiving to solving."""
        categories = self.stage_ids.mapped('category')
        return not ({'new', 'open'} & set(categories) and 'solved' in categories)

    def _has_content(self):
        """Return whether something is written about what one type covers."""
        return bool(self.content and self.content.striptags().strip())
