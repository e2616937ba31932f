from odoo import api, fields, models
from odoo.tools import SQL

from . import _care
from ._effect import ENOUGH
from .retail_followup_churn import LEVELS

#: Percentages by their parts: measured of the sums of a group, never added up.
_SHARES = {
    'save_percent': ('saved', 'closed'),
    'assigned_percent': ('assigned_back', 'assigned'),
    'control_percent': ('control_back', 'control'),
}


class RetailChurnReport(models.Model):
    """How many customers were saved (S-CLV-02): one row per churn intervention, computed when asked.

    Save rate: saved of the closed interventions, of those who were contacted. The effect compares something else, on
    equal terms: of all whom a rule chose and did not leave out, and of the control group, contacted or not, who bought
    within the same days from the due day. Only windows that are over count for it.
    """

    _name = 'retail.churn.report'
    _description = 'Churn Interventions'
    _auto = False
    _order = 'date desc, id desc'
    _rec_name = 'partner_id'

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    partner_id = fields.Many2one(comodel_name='res.partner', string='Customer', readonly=True)
    rule_id = fields.Many2one(
        comodel_name='retail.care.rule', readonly=True, help='Empty: planned by hand.'
    )
    user_id = fields.Many2one(comodel_name='res.users', string='Owner', readonly=True)
    store_id = fields.Many2one(
        comodel_name='crm.team',
        readonly=True,
        help='Store of the follow-up, else of the last purchase before it.',
    )
    offer_id = fields.Many2one(
        comodel_name='retail.offer', readonly=True, help='What was offered, if anything.'
    )
    level = fields.Selection(
        selection=LEVELS, readonly=True, help='How late the customer was when it began.'
    )
    state = fields.Selection(selection=_care.STATES, readonly=True)
    outcome = fields.Selection(
        selection=_care.OUTCOMES, readonly=True, help='What became of the customer.'
    )
    lost_reason_id = fields.Many2one(
        comodel_name='retail.lost.reason',
        string='Why the Customer Left',
        readonly=True,
        help='What the customer said.',
    )
    date = fields.Date(readonly=True, help='Day of the contact, else the day on which it was due.')
    is_over = fields.Boolean(
        string='Window Over',
        readonly=True,
        help='The days in which a purchase counts have passed: the outcome does not change any more.',
    )
    contacted = fields.Integer(readonly=True, help='Customers who were contacted.')
    saved = fields.Integer(readonly=True, help='Contacted, and bought in time.')
    lost = fields.Integer(readonly=True, help='Contacted, and did not buy in time.')
    closed = fields.Integer(readonly=True, help='Contacted, and saved or lost.')
    assigned = fields.Integer(
        string='Chosen', readonly=True, help='Chosen by a rule and not left out; window over.'
    )
    assigned_back = fields.Integer(string='Chosen and Back', readonly=True, help='Of these, back.')
    control = fields.Integer(
        string='Control Group', readonly=True, help='Left out on purpose; window over.'
    )
    control_back = fields.Integer(
        string='Control Group and Back', readonly=True, help='Of the control group, back.'
    )
    save_percent = fields.Float(
        string='Save Rate (%)',
        readonly=True,
        digits=(16, 1),
        aggregator='avg',
        help='Saved of closed. With windows that are not over it is too high: saved is known at once, lost is not.',
    )
    assigned_percent = fields.Float(
        string='Chosen and Back (%)',
        readonly=True,
        digits=(16, 1),
        aggregator='avg',
        help='Of those chosen by a rule, contacted or not.',
    )
    control_percent = fields.Float(
        string='Control Group and Back (%)',
        readonly=True,
        digits=(16, 1),
        aggregator='avg',
        help='Of the control group, within the same days.',
    )
    effect = fields.Float(
        string='Effect (Points)',
        readonly=True,
        digits=(16, 1),
        aggregator='avg',
        help='How many in a hundred more of those chosen came back than of the control group. Empty with fewer than 30 in '
        'one of them.',
    )

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT row.*, row.saved + row.lost AS closed,
                   CASE WHEN row.saved + row.lost > 0 THEN 100.0 * row.saved END AS save_percent,
                   CASE WHEN row.assigned > 0 THEN 100.0 * row.assigned_back END AS assigned_percent,
                   CASE WHEN row.control > 0 THEN 100.0 * row.control_back END AS control_percent,
                   NULL::float8 AS effect
              FROM (%s) AS row
            """,
            self._sql_rows(),
        )

    def _sql_rows(self):
        churn = self.env['retail.churn']
        return SQL(
            """
            SELECT one.id, followup.company_id, followup.partner_id, followup.rule_id, followup.user_id,
                   COALESCE(followup.store_id, %(last_store)s) AS store_id, followup.offer_id, one.level, one.state,
                   one.outcome, followup.lost_reason_id, COALESCE(one.start, one.due_on) AS date,
                   (COALESCE(one.until, one.due_on + one.days) < one.today) AS is_over,
                   has.contact::int AS contacted,
                   (has.contact AND one.outcome = 'saved')::int AS saved,
                   (has.contact AND one.outcome = 'lost')::int AS lost,
                   (has.chosen AND has.over)::int AS assigned,
                   (has.chosen AND has.over AND back.day IS NOT NULL)::int AS assigned_back,
                   (has.control AND has.over)::int AS control,
                   (has.control AND has.over AND back.day IS NOT NULL)::int AS control_back
              FROM (%(interventions)s) AS one
              JOIN retail_followup AS followup ON followup.id = one.id
             CROSS JOIN LATERAL (
                   SELECT one.state = 'held' OR followup.is_control IS TRUE AS out) AS held
             CROSS JOIN LATERAL (
                   SELECT one.start IS NOT NULL AND one.state <> 'held' AS contact,
                          followup.rule_id IS NOT NULL AND one.state <> 'cancelled' AND NOT held.out AS chosen,
                          one.state <> 'cancelled' AND held.out AS control,
                          one.due_on + one.days < one.today AS over) AS has
              LEFT JOIN LATERAL (
                   SELECT min(purchase.date) AS day FROM retail_purchase AS purchase
                    WHERE has.over AND followup.rule_id IS NOT NULL
                      AND purchase.partner_id = one.commercial_partner_id AND purchase.company_id = one.company_id
                      AND purchase.counts AND purchase.date BETWEEN one.due_on AND one.due_on + one.days) AS back ON true
            """,
            # as an expression: PostgreSQL leaves it out where nobody asks for the store
            last_store=SQL(
                """(SELECT purchase.store_id FROM retail_purchase AS purchase
                     WHERE purchase.partner_id = one.commercial_partner_id AND purchase.company_id = one.company_id
                       AND purchase.counts AND purchase.date < one.due_on
                     ORDER BY purchase.date DESC, purchase.id DESC LIMIT 1)"""
            ),
            interventions=churn._sql_interventions(SQL('true')),
        )

    @api.model
    def _search(self, domain, *args, **kwargs):
        """Write what the ORM still holds of what the rows are read from."""
        for model in ('retail.followup', 'retail.care.rule', 'retail.purchase', 'res.company'):
            self.env[model].flush_model()
        # to compile it would take longer than it runs
        self.env.cr.execute(SQL("SELECT set_config('jit', 'off', true)"))
        return super()._search(domain, *args, **kwargs)

    def _read_group_select(self, aggregate_spec, query):
        """Shares of groups are those of all their customers, not means of shares."""

        def total(name):
            return SQL('SUM(%s)', self._field_to_sql(self._table, name, query))

        def share(name):
            hits, size = map(total, _SHARES[name])
            return SQL('100.0 * %s / NULLIF(%s, 0)', hits, size)

        name = aggregate_spec.split(':')[0]
        if name in _SHARES:
            return share(name)
        if name == 'effect':
            return SQL(
                'CASE WHEN %s >= %s AND %s >= %s THEN %s - %s END',
                total('assigned'),
                ENOUGH,
                total('control'),
                ENOUGH,
                share('assigned_percent'),
                share('control_percent'),
            )
        return super()._read_group_select(aggregate_spec, query)

    def action_open_followup(self):
        """Open the follow-up of one row."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.followup',
            'res_id': self.id,
            'view_mode': 'form',
            'views': [(False, 'form')],
        }
