from odoo import api, fields, models
from odoo.tools import SQL

from ._classes import TRACKED

#: Classifications that are kept from the first time on; of the others only changes are.
_KEPT_FIRST = ['lifecycle', 'ladder']


class RetailProfileChange(models.Model):
    """The history of classes: which customer moved from which class to which, when and why.

    Written only by the refresh of ``retail.profile``, for what customers did or time brought. A class that moves
    because rules, limits or the basis of purchases changed leaves no row. Never changed afterwards.
    """

    _name = 'retail.profile.change'
    _description = 'Class Change'
    _inherit = ['retail.class.mixin']
    _order = 'date desc, id desc'
    _rec_name = 'partner_id'
    _log_access = False  # written in bulk; the date is the row's own

    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        readonly=True,
        ondelete='restrict',  # a cascade would hide the row from the privacy look-up
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, readonly=True, ondelete='cascade'
    )
    date = fields.Date(required=True, readonly=True, help='Day from which the new class holds.')
    classification = fields.Selection(
        selection='_selection_classification',
        required=True,
        readonly=True,
        help='Which of the classifications moved.',
    )
    old_class = fields.Selection(
        selection='_selection_class', string='From', readonly=True, help='Class before the change.'
    )
    new_class = fields.Selection(
        selection='_selection_class', string='To', readonly=True, help='Class after the change.'
    )
    direction = fields.Selection(
        selection=[('up', 'Up'), ('down', 'Down'), ('first', 'First')],
        readonly=True,
        help='Whether the new class is better than the old one.',
    )
    reason = fields.Selection(
        selection=[
            ('purchase', 'Purchase'),
            ('return', 'Return or cancellation'),
            ('contact', 'Contact or enquiry'),
            ('time', 'Time passed'),
        ],
        readonly=True,
        help='What brought the change about.',
    )

    _partner_idx = models.Index('(partner_id, company_id, date)')
    _date_idx = models.Index('(company_id, classification, date)')

    @api.model
    def _selection_classification(self):
        profiles = self.env['retail.profile']
        return [(name, profiles._fields[name]._description_string(self.env)) for name in TRACKED]

    @api.model
    def _selection_class(self):
        """Return all classes as ``<classification>.<key>``, with the labels of the profile's fields."""
        profiles = self.env['retail.profile']
        return [
            (f'{name}.{key}', label)
            for name in TRACKED
            for key, label in profiles._fields[name]._description_selection(self.env)
        ]

    def _class_ranks(self):
        keys = [f'{name}.{key}' for name, classes in TRACKED.items() for key, _label in classes]
        return {**super()._class_ranks(), 'old_class': keys, 'new_class': keys}

    def action_open_partner(self):
        """Open the customer's form."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'res.partner',
            'res_id': self.partner_id.id,
            'view_mode': 'form',
        }

    # === SQL ===#

    @api.model
    def _sql_insert(self, day, company_ids):
        """Return the INSERT of the history of the rows of ``differing`` (see ``retail.profile._write_fresh``).

        A class has changed when it differs from the stored one and also would under the rules and figures of before.
        """
        classes = SQL(', ').join(
            SQL(
                '(%s, differing.%s, differing.%s, differing.%s, %s::varchar[])',
                name,
                SQL.identifier(f'old_{name}'),
                SQL.identifier(name),
                SQL.identifier(f'kept_{name}'),
                [key for key, _label in keys],
            )
            for name, keys in TRACKED.items()
        )
        return SQL(
            """
            INSERT INTO retail_profile_change (
                   partner_id, company_id, date, classification, old_class, new_class, direction, reason)
            SELECT partner_id, company_id, %(day)s, name, name || '.' || old_key, name || '.' || new_key,
                   CASE WHEN old_id IS NULL THEN 'first'
                        WHEN COALESCE(array_position(ranks, new_key), nothing)
                           > COALESCE(array_position(ranks, old_key), nothing) THEN 'up'
                        ELSE 'down' END,
                   CASE WHEN order_count = 0 AND COALESCE(old_order_count, 0) = 0 THEN 'contact'
                        WHEN old_id IS NULL OR order_count > old_order_count OR spend_total > old_spend_total THEN 'purchase'
                        WHEN order_count < old_order_count OR spend_total < old_spend_total THEN 'return'
                        ELSE 'time' END
              FROM differing
              CROSS JOIN LATERAL (VALUES %(classes)s) AS class (name, old_key, new_key, kept_key, ranks)
              CROSS JOIN LATERAL (SELECT CASE name WHEN 'star_class' THEN 1.5 ELSE 0 END AS nothing) AS rank
             WHERE old_key IS DISTINCT FROM new_key AND company_id = ANY(%(companies)s)
               AND CASE WHEN old_id IS NULL THEN name = ANY(%(first)s) ELSE old_key IS DISTINCT FROM kept_key END
            RETURNING id, partner_id, company_id, classification, old_class, new_class, direction
            """,
            day=day,
            companies=company_ids,
            classes=classes,
            first=_KEPT_FIRST,
        )

    @api.model
    def _sql_announce(self, day):
        """Return the INSERT of the moments of the rows of ``change``: each of them, overdue customers, returned ones."""
        return SQL(
            """
            INSERT INTO retail_moment (
                   kind, partner_id, company_id, res_model, res_id, date, state, attempts,
                   create_uid, write_uid, create_date, write_date)
            SELECT said.kind, change.partner_id, change.company_id, %(model)s, change.id, %(now)s, 'pending', 0,
                   %(user)s, %(user)s, %(now)s, %(now)s
              FROM change
              CROSS JOIN LATERAL (VALUES
                   ('class_changed', true),
                   ('came_back', new_class = 'lifecycle.won_back'),
                   ('churn_alert', classification = 'churn_level' AND direction = 'down' AND NOT EXISTS (
                        SELECT FROM res_partner AS partner
                         WHERE partner.id = change.partner_id AND partner.retail_snoozed_until > %(day)s))
                   ) AS said (kind, fits)
             WHERE said.fits
             ORDER BY change.id
            RETURNING id
            """,
            model=self._name,
            now=fields.Datetime.now(),
            user=self.env.uid,
            day=day,
        )
