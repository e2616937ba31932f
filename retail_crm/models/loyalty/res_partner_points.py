from odoo import api, fields, models
from odoo.tools import SQL

from ..customer.res_partner import FIGURE_GROUPS


class ResPartner(models.Model):
    """Points of the customer in the current company; a company's are those of all its contacts."""

    _inherit = 'res.partner'

    retail_points_text = fields.Char(
        string='Points',
        compute='_compute_retail_points_text',
        groups=FIGURE_GROUPS,
        help='Points that the customer can spend, and those that wait.',
    )

    @api.depends('retail_summary')
    @api.depends_context('company', 'lang')
    def _compute_retail_points_text(self):
        entries = self.env['retail.points.entry']
        # sudo: writes the cache of a field that only some groups may read
        for partner in self.sudo():
            points = (partner.retail_summary or {}).get('points') or {}
            partner.retail_points_text = False
            if not points:
                continue
            now, later = points['now'] or 0.0, points['later'] or 0.0
            partner.retail_points_text = entries._format(now)
            if later:
                partner.retail_points_text = self.env._(
                    '%(points)s, %(waiting)s waiting',
                    points=entries._format(now),
                    waiting=entries._format(later),
                )

    @api.model
    def _summary_parts(self):
        """Add the points in loyalty programs in the current company."""
        return {
            **super()._summary_parts(),
            'points': SQL(
                """(SELECT jsonb_build_object(
                               'now', round(sum(entry.points) FILTER (WHERE entry.state = 'available')::numeric, 2),
                               'later', round(sum(entry.points) FILTER (WHERE entry.state = 'pending')::numeric, 2))
                      FROM res_partner AS contact
                      JOIN retail_points_entry AS entry ON entry.partner_id = contact.id
                      JOIN loyalty_program AS program ON program.id = entry.program_id
                     WHERE contact.commercial_partner_id = customer.commercial_partner_id
                       AND program.program_type = 'loyalty' AND entry.company_id = %(company)s
                    HAVING count(*) > 0)""",
                company=self.env.company.root_id.id,
            ),
        }

    @api.model
    def _summary_flush(self):
        return [
            *super()._summary_flush(),
            (['points', 'state', 'partner_id', 'company_id'], 'retail.points.entry'),
        ]

    def action_retail_points(self):
        """Open the points ledger of the customer and, for a company, of its contacts: its balance is their sum."""
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_points_entry_action'
        )
        domain = [('partner_id', 'child_of', self.commercial_partner_id.ids)]
        return {**action, 'domain': domain, 'context': {}}
