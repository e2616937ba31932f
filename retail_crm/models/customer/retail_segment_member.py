from odoo import api, fields, models
from odoo.tools import SQL


class RetailSegmentMember(models.Model):
    """Who belongs to a segment, since when, and who belonged to it until when: the history of segments.

    Written by ``retail.segment._recompute`` and by merging customers only. A customer who leaves and comes back has two
    rows; the database holds at most one open row of each segment and customer. Rows are closed, never removed.
    """

    _name = 'retail.segment.member'
    _description = 'Customer of a Segment'
    _order = 'entered_on desc, id desc'
    _rec_name = 'partner_id'
    _log_access = False  # derived in bulk; the segment says when

    segment_id = fields.Many2one(
        comodel_name='retail.segment',
        required=True,
        readonly=True,
        ondelete='cascade',
        help='The segment to which the customer belongs or belonged.',
    )
    company_id = fields.Many2one(related='segment_id.company_id')
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        readonly=True,
        index=True,
        ondelete='restrict',  # a cascade would hide the row from the privacy look-up
    )
    entered_on = fields.Date(
        string='Entered', required=True, readonly=True, help='Day on which the customer entered.'
    )
    left_on = fields.Date(
        string='Left', readonly=True, help='Day on which the customer left. Empty: belongs to it.'
    )
    entered_reason = fields.Selection(
        selection=[('customer', 'The customer changed'), ('rule', 'The rule is new or changed')],
        string='Why Entered',
        readonly=True,
        help='Whether the customer changed or the rule. Only the former is a movement.',
    )
    left_reason = fields.Selection(
        selection=[
            ('customer', 'The customer changed'),
            ('rule', 'The rule changed'),
            ('merged', 'Merged with another customer'),
            ('archived', 'No customer any more'),
        ],
        string='Why Left',
        readonly=True,
        help='Whether the customer changed or the rule.',
    )

    _open_uniq = models.UniqueIndex(
        '(segment_id, partner_id) WHERE left_on IS NULL', 'A customer belongs to a segment once.'
    )
    _entered_idx = models.Index('(segment_id, entered_on)')
    _left_idx = models.Index('(segment_id, left_on) WHERE left_on IS NOT NULL')

    def action_open_partner(self):
        """Open the customer's form."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'res.partner',
            'res_id': self.partner_id.id,
            'view_mode': 'form',
        }

    @api.model
    def _merge_partners(self, src_partners, dst_partner):
        """Keep all history of merged customers, and of each segment the open row that is oldest."""
        self.flush_model()
        ids = (src_partners | dst_partner).ids
        self.env.cr.execute(
            SQL(
                """
                WITH ranked AS (
                    SELECT id, row_number() OVER (PARTITION BY segment_id ORDER BY entered_on, id) AS place
                      FROM retail_segment_member WHERE partner_id = ANY(%(ids)s) AND left_on IS NULL
                ), closed AS (
                    UPDATE retail_segment_member AS member SET left_on = %(today)s, left_reason = 'merged'
                      FROM ranked WHERE ranked.id = member.id AND ranked.place > 1
                    RETURNING member.segment_id
                )
                UPDATE retail_segment AS segment SET member_count = member_count - gone.number
                  FROM (SELECT segment_id, count(*) AS number FROM closed GROUP BY segment_id) AS gone
                 WHERE gone.segment_id = segment.id
                """,
                ids=ids,
                today=fields.Date.context_today(self),
            )
        )
        self.env.cr.execute(
            SQL(
                'UPDATE retail_segment_member SET partner_id = %s WHERE partner_id = ANY(%s)',
                dst_partner.id,
                src_partners.ids,
            )
        )
        self.env['retail.segment']._forget_members()
