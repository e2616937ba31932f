from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .res_partner_file import FILE_GROUPS


class ResPartnerSegment(models.Model):
    """The segments of a customer, to see and to search by, also where other apps ask for a domain (S-SEG-01)."""

    _inherit = 'res.partner'

    retail_segment_ids = fields.Many2many(
        comodel_name='retail.segment',
        string='Segments',
        compute='_compute_retail_segment_ids',
        search='_search_retail_segment_ids',
        groups=FILE_GROUPS,
        help='Segments of the current company to which the customer belongs. Contacts of a company have those of the '
        'company.',
    )
    retail_segment_text = fields.Char(
        string='Belongs To',
        compute='_compute_retail_segment_text',
        groups=FILE_GROUPS,
        help='Segments of the current company to which the customer belongs, without those about sensitive data.',
    )

    # === COMPUTE ===#

    @api.depends('commercial_partner_id')
    @api.depends_context('company', 'uid')
    def _compute_retail_segment_ids(self):
        """Show the segments that the user may see, in two queries for any number of contacts."""
        found = dict(
            self.env['retail.segment.member']
            .sudo()  # sudo: the field's groups decide who sees segments, and the search below which of them
            ._read_group(
                [
                    ('partner_id', 'in', self.commercial_partner_id._origin.ids),
                    ('left_on', '=', False),
                    ('segment_id.company_id', '=', self.env.company.root_id.id),
                ],
                ['partner_id'],
                ['segment_id:recordset'],
            )
        )
        ids = {segment.id for segments in found.values() for segment in segments}
        visible = self.env['retail.segment'].search([('id', 'in', list(ids))])
        for partner in self:
            mine = found.get(partner.commercial_partner_id._origin.sudo())
            partner.retail_segment_ids = visible.filtered(
                lambda s, mine=mine: mine and s.id in mine.ids
            )

    @api.depends('retail_summary')
    @api.depends_context('company', 'lang')
    def _compute_retail_segment_text(self):
        for partner in self:
            partner.retail_segment_text = ', '.join(
                (partner.retail_summary or {}).get('segments') or []
            )

    def _search_retail_segment_ids(self, operator, value):
        """Search contacts by the segments of their customer, among those that the user may see.

        Names, and "none", are those of the current company.
        """
        # Odoo asks for a field's groups in a domain only where it reads the field's column, not in its search method.
        self._check_field_access(self._fields['retail_segment_ids'], 'read')
        Segment = self.env['retail.segment']
        here = Domain('company_id', '=', self.env.company.root_id.id)
        if operator == 'in':
            wanted = [item for item in value if item]
            ids = [item for item in wanted if isinstance(item, int)]
            names = [item for item in wanted if isinstance(item, str)]
            # Named by id they are meant, also where another company is the current one (lists, mailings at night).
            found = Domain('id', 'in', ids) | (
                here & Domain.OR(Domain('name', '=', name) for name in names)
            )
            domain = self._domain_of_segments(Segment._search(found))
            if len(wanted) < len(value):  # those without any segment
                domain |= ~self._domain_of_segments(Segment._search(here))
            return domain
        if operator in ('like', 'ilike', '=like', '=ilike') and isinstance(value, str):
            return self._domain_of_segments(Segment._search(here & Domain('name', operator, value)))
        if operator in ('any', 'any!') and isinstance(value, Domain):
            return self._domain_of_segments(Segment._search(here & value))
        return NotImplemented

    def _domain_of_segments(self, segments):
        """Return the domain of contacts whose customer belongs to one of these segments, a query."""

        def to_sql(_model, alias, _query):
            return SQL(
                """EXISTS (SELECT FROM retail_segment_member AS member
                            WHERE member.partner_id = %s AND member.left_on IS NULL AND member.segment_id IN %s)""",
                SQL.identifier(alias, 'commercial_partner_id'),
                segments.subselect(),
                to_flush=self.env['retail.segment.member']._fields['left_on'],
            )

        return Domain.custom(to_sql=to_sql)

    # === SUMMARY ===#

    @api.model
    def _summary_parts(self):
        """Add the names of the customer's segments; sensitive ones never, as the summary is the same for everybody."""
        return {
            **super()._summary_parts(),
            'segments': SQL(
                """(SELECT jsonb_agg(%s ORDER BY segment.sequence, segment.id)
                      FROM retail_segment_member AS member
                      JOIN retail_segment AS segment ON segment.id = member.segment_id
                     WHERE member.partner_id = customer.commercial_partner_id AND member.left_on IS NULL
                       AND segment.active AND segment.is_sensitive IS NOT TRUE AND segment.company_id = %s)""",
                self._summary_name('segment'),
                self.env.company.root_id.id,
            ),
        }

    @api.model
    def _summary_flush(self):
        return [
            *super()._summary_flush(),
            (None, 'retail.segment'),
            (None, 'retail.segment.member'),
        ]

    # === CRUD ===#

    def write(self, vals):
        """Announce changes of what the rules of segments read, so that the customers enter and leave."""
        result = super().write(vals)
        if self.env['retail.segment']._watched_fields().intersection(vals):
            self._announce_changed()
        return result

    def unlink(self):
        """Take the rows of deleted contacts along: they are derived."""
        self.check_access('unlink')
        if self.ids:
            self.env['retail.segment.member'].flush_model()
            self.env.cr.execute(
                SQL(
                    """WITH gone AS (DELETE FROM retail_segment_member WHERE partner_id = ANY(%s)
                                     RETURNING segment_id, left_on)
                       UPDATE retail_segment AS segment SET member_count = member_count - open.number
                         FROM (SELECT segment_id, count(*) AS number FROM gone WHERE left_on IS NULL
                                GROUP BY segment_id) AS open
                        WHERE open.segment_id = segment.id""",
                    self.ids,
                )
            )
            self.env['retail.segment']._forget_members()
        return super().unlink()

    # === ACTIONS ===#

    def action_retail_segments(self):
        """Open the segments of the customer with their history."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_segment_member_action'
        )
        return {
            **action,
            'domain': [
                ('partner_id', '=', self.commercial_partner_id.id),
                ('segment_id.company_id', '=', self.env.company.root_id.id),
            ],
            'context': {},
        }
