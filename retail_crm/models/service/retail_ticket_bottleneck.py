from odoo import api, fields, models
from odoo.tools import SQL

from .retail_ticket_stage_report import WAITED_FOR

#: Days that are looked at, unless the search asks for others.
DAYS = 90


class RetailTicketBottleneck(models.Model):
    """Where the time goes, by type of request and stage, with the largest share and the longest mean marked (S-IMP-05).

    Sums of the time per stage that began within the last 90 days (or as many as ``retail_days`` in the context says),
    read when asked. Restricted tickets and tasks are left out: the figures are for all leaders.
    """

    _name = 'retail.ticket.bottleneck'
    _description = 'Bottleneck'
    _auto = False
    _order = 'company_id, type_id, share desc, id'
    _rec_name = 'stage_id'
    _depends = {
        'retail.ticket.stage.report': [
            'company_id',
            'date',
            'hours',
            'is_internal',
            'is_restricted',
            'stage_id',
            'ticket_id',
            'type_id',
            'waited_for',
        ],
    }

    company_id = fields.Many2one(comodel_name='res.company', readonly=True)
    type_id = fields.Many2one(
        comodel_name='retail.ticket.type', readonly=True, help='Kind of request.'
    )
    stage_id = fields.Many2one(
        comodel_name='retail.ticket.stage', readonly=True, help='Stage in which the time went.'
    )
    waited_for = fields.Selection(
        selection=WAITED_FOR, readonly=True, help='Who had to do something in this stage.'
    )
    tickets = fields.Integer(readonly=True, aggregator=None, help='Tickets that were in the stage.')
    hours = fields.Float(readonly=True, digits=(16, 1), help='Hours by the clock, all together.')
    mean_hours = fields.Float(
        string='Hours per Pass',
        readonly=True,
        digits=(16, 1),
        aggregator=None,
        help='Hours by the clock that a ticket was in the stage each time.',
    )
    share = fields.Float(
        string='Share (%)',
        readonly=True,
        digits=(16, 1),
        help='Share of all time of the type that went in this stage.',
    )
    is_bottleneck = fields.Boolean(
        string='Bottleneck', readonly=True, help='No other stage of the type takes more time.'
    )
    is_slowest = fields.Boolean(
        string='Longest Stage', readonly=True, help='In no other stage a ticket stays longer.'
    )

    @api.model
    def _first_moment(self):
        """Return from when on stages are looked at."""
        stages = self.env['retail.ticket.stage.report']
        return stages._since(self.env.context.get('retail_days')) or stages._since(DAYS)

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT MIN(spell.id) AS id, spell.company_id, spell.type_id, spell.stage_id, MIN(spell.waited_for) AS waited_for,
                   COUNT(DISTINCT spell.ticket_id)::int AS tickets, SUM(spell.hours) AS hours,
                   AVG(spell.hours) AS mean_hours,
                   100 * SUM(spell.hours) / NULLIF(SUM(SUM(spell.hours)) OVER kind, 0) AS share,
                   SUM(spell.hours) > 0 AND SUM(spell.hours) = MAX(SUM(spell.hours)) OVER kind AS is_bottleneck,
                   SUM(spell.hours) > 0 AND AVG(spell.hours) = MAX(AVG(spell.hours)) OVER kind AS is_slowest
              FROM (%s) spell
             WHERE spell.is_restricted IS NOT TRUE AND spell.is_internal IS NOT TRUE
          GROUP BY spell.company_id, spell.type_id, spell.stage_id
            WINDOW kind AS (PARTITION BY spell.company_id, spell.type_id)
            """,
            self.env['retail.ticket.stage.report']._sql_rows(self._first_moment()),
        )

    def action_open_rows(self):
        """Open the passes of one stage, from which the tickets can be opened."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.stage_id.display_name,
            'res_model': 'retail.ticket.stage.report',
            'view_mode': 'list,pivot,graph,form',
            'context': {'retail_days': self.env.context.get('retail_days') or DAYS},
            'domain': [
                ('company_id', '=', self.company_id.id),
                ('type_id', '=', self.type_id.id),
                ('stage_id', '=', self.stage_id.id),
                ('date', '>=', self._first_moment()),
                ('is_restricted', '!=', True),
                ('is_internal', '!=', True),
            ],
        }
