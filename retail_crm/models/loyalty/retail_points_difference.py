from odoo import api, fields, models
from odoo.tools import SQL


class RetailPointsDifference(models.Model):
    """Cards that do not say what the ledger says, found by the nightly reconciliation. Nothing is repaired silently.

    Written by ``_cron_reconcile`` only. A row stays as history with the day on which it was no longer found.
    """

    _name = 'retail.points.difference'
    _description = 'Points Difference'
    _order = 'resolved_on desc, id desc'
    _rec_name = 'kind'

    card_id = fields.Many2one(
        comodel_name='loyalty.card',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
        help='Card whose points are not what the ledger says.',
    )
    partner_id = fields.Many2one(related='card_id.partner_id', string='Customer')
    program_id = fields.Many2one(
        comodel_name='loyalty.program',
        readonly=True,
        ondelete='cascade',
        help='Program of the card.',
    )
    company_id = fields.Many2one(comodel_name='res.company', readonly=True, ondelete='cascade')
    kind = fields.Selection(
        selection=[
            ('balance', 'Card is not the sum of its entries'),
            ('lots', 'Card is not what remains of its points'),
            ('second', 'Customer has several cards of one program'),
        ],
        required=True,
        readonly=True,
        help='What does not agree.',
    )
    card_points = fields.Float(readonly=True, aggregator=None, help='Points on the card.')
    ledger_points = fields.Float(
        readonly=True, aggregator=None, help='Points by the ledger, or on the other cards.'
    )
    found_on = fields.Datetime(
        required=True,
        readonly=True,
        default=fields.Datetime.now,
        help='When it was found first.',
    )
    resolved_on = fields.Datetime(readonly=True, help='When it was not found any more.')

    _open_uniq = models.UniqueIndex(
        '(card_id, kind) WHERE resolved_on IS NULL', 'This difference is known already.'
    )

    @api.depends('kind')
    def _compute_display_name(self):
        # not by its card: a manager without rights in sales may not read that
        kinds = dict(self._fields['kind']._description_selection(self.env))
        for difference in self:
            difference.display_name = kinds.get(difference.kind)

    @api.model
    def _cron_reconcile(self):
        """Compare all cards with the ledger, note what differs, and what no longer does."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                WITH sums AS MATERIALIZED (
                    SELECT card_id, sum(points) AS points, sum(remaining) AS remaining
                      FROM retail_points_entry WHERE state = 'available' GROUP BY card_id
                ), cards AS MATERIALIZED (
                    SELECT card.id, card.program_id, card.partner_id, card.active, program.company_id,
                           COALESCE(card.points, 0) AS points, COALESCE(sums.points, 0) AS ledger,
                           COALESCE(sums.remaining, 0) AS remaining
                      FROM loyalty_card AS card
                      JOIN loyalty_program AS program ON program.id = card.program_id
                      LEFT JOIN sums ON sums.card_id = card.id
                     WHERE program.program_type IN ('loyalty', 'ewallet')
                ), found AS MATERIALIZED (
                    SELECT id, program_id, company_id, 'balance' AS kind, points, ledger AS other
                      FROM cards WHERE abs(points - ledger) > 0.005
                     UNION ALL
                    SELECT id, program_id, company_id, 'lots', points, remaining
                      FROM cards WHERE abs(points - remaining) > 0.005
                     UNION ALL
                    SELECT id, program_id, company_id, 'second', points, others
                      FROM (SELECT cards.*, sum(points) OVER same - points AS others,
                                   row_number() OVER (same ORDER BY id) AS place
                              FROM cards WHERE active AND partner_id IS NOT NULL
                            WINDOW same AS (PARTITION BY program_id, partner_id)) AS twins
                     WHERE place > 1
                ), gone AS (
                    UPDATE retail_points_difference AS known SET resolved_on = %(now)s
                     WHERE resolved_on IS NULL
                       AND NOT EXISTS (SELECT FROM found WHERE found.id = known.card_id AND found.kind = known.kind)
                )
                INSERT INTO retail_points_difference (
                       card_id, program_id, company_id, kind, card_points, ledger_points, found_on,
                       create_uid, write_uid, create_date, write_date)
                SELECT id, program_id, company_id, kind, points, other, %(now)s, %(uid)s, %(uid)s, %(now)s, %(now)s
                  FROM found
                ON CONFLICT (card_id, kind) WHERE resolved_on IS NULL
                DO UPDATE SET card_points = EXCLUDED.card_points, ledger_points = EXCLUDED.ledger_points
                """,
                now=fields.Datetime.now(),
                uid=self.env.uid,
            )
        )
        self.invalidate_model(flush=False)
