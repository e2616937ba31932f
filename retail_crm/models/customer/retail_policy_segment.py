from odoo import api, fields, models
from odoo.exceptions import ValidationError


class RetailPolicySegment(models.Model):
    """Policies of a segment: a further condition beside the class (S-SEG-24)."""

    _inherit = 'retail.policy'

    segment_id = fields.Many2one(
        comodel_name='retail.segment',
        index='btree_not_null',
        ondelete='restrict',
        domain=[('is_sensitive', '=', False)],
        help='Only customers of this segment. With a class as well: those of the segment who are in the class.',
    )

    @api.constrains('segment_id')
    def _check_segment_id(self):
        """Everybody who serves customers sees which policy holds: it must not tell income or funds."""
        # sudo: the segment is hidden from those of whom this is about
        if any(self.segment_id.sudo().mapped('is_sensitive')):
            raise ValidationError(
                self.env._('A policy cannot be limited to a segment that reads sensitive data.')
            )

    def _conditions(self):
        conditions = super()._conditions()
        # An archived segment is computed no more: its policy holds for nobody.
        return conditions | {f'segment.{self.segment_id.id}'} if self.segment_id else conditions

    @api.model
    def _facts_of(self, customers_sudo, company, profiles_sudo):
        """Add the segments that policies ask for: one query more, and only when one does."""
        facts = super()._facts_of(customers_sudo, company, profiles_sudo)
        if not any(policy.segment_id for policy in self):
            return facts
        members = self.env['retail.segment.member'].sudo()  # sudo: as for the profiles
        for customer, segments in members._read_group(
            [
                ('partner_id', 'in', customers_sudo.ids),
                ('left_on', '=', False),
                ('segment_id', 'in', self.segment_id.ids),
                ('segment_id.company_id', '=', company.id),
                ('segment_id.active', '=', True),
                # it may have become so since it was chosen
                ('segment_id.is_sensitive', '=', False),
            ],
            ['partner_id'],
            ['segment_id:array_agg'],
        ):
            facts.setdefault(customer.id, set()).update(f'segment.{item}' for item in segments)
        return facts
