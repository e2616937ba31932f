from odoo import api, models
from odoo.tools import SQL


class RetailFollowupMerge(models.Model):
    """Follow-ups of contacts that are merged: none is lost, and nobody is contacted twice for one occasion."""

    _inherit = 'retail.followup'

    @api.model
    def _merge_partners(self, src_partners, dst_partner):
        """Give all rows to the contact that remains.

        Of several rows of one rule and occasion the one that went furthest keeps it; the others stay, with an
        occasion of their own, and what of them still waits is given up.
        """
        ids = [*src_partners.ids, dst_partner.id]
        self.env.flush_all()
        twins = [
            row_id
            for (row_id,) in self.env.execute_query(
                SQL(
                    """
                    SELECT id FROM (
                        SELECT id, row_number() OVER (
                                   PARTITION BY rule_id, occurrence
                                   ORDER BY contacted_at IS NULL,
                                            array_position(%s::varchar[], state::varchar) NULLS LAST, id) AS place
                          FROM retail_followup
                         WHERE partner_id = ANY(%s) AND rule_id IS NOT NULL) AS ranked
                     WHERE place > 1
                    """,
                    ['done', 'todo', 'held', 'planned', 'failed'],
                    ids,
                )
            )
        ]
        twins_sudo = self.sudo().browse(twins)
        # steps of one plan run once for a customer, too
        running = self.sudo().search(
            [('partner_id', 'in', ids), ('state', '=', 'todo'), ('step_id', '!=', False)],
            order='id',
        )
        for followups in (running - twins_sudo).grouped('rule_id').values():
            twins_sudo |= followups[1:]
        waiting = twins_sudo.filtered(lambda one: one.state in ('planned', 'todo', 'failed'))
        waiting.write(
            {
                'state': 'cancelled',
                'reason_text': self.env._('The customer was merged with another one.'),
            }
        )
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE retail_followup SET occurrence = occurrence || ' #' || id WHERE id = ANY(%s)",
                twins,
            )
        )
        self.env.cr.execute(
            SQL(
                'UPDATE retail_followup SET partner_id = %s WHERE partner_id = ANY(%s)',
                dst_partner.id,
                src_partners.ids,
            )
        )
        self.invalidate_model()
