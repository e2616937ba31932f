from odoo import api, fields, models
from odoo.exceptions import ValidationError

DIMENSIONS = [
    ('product', 'Product'),
    ('lot', 'Lot'),
    ('category', 'Product category'),
    ('store', 'Store'),
    ('class', 'Class'),
    ('reason', 'Sub-cause'),
    ('cause', 'Root cause'),
]


class RetailSpikeRule(models.Model):
    """When complaints about one thing are more than usual, and what is done then (R-svc E 8, S-TKT-33, S-TKT-41).

    The complaints of the last days are compared with what was to be expected (``_spike.py``). A rule without factor and
    without probability only counts. Evaluated every night for everything, and soon after a complaint for what it is
    about. That three complaints on one product make a major case is said by ``retail.major.rule``, not here.
    """

    _name = 'retail.spike.rule'
    _description = 'Rule of Complaint Spikes'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company', index='btree_not_null', help='Empty: for all companies.'
    )
    dimension = fields.Selection(
        selection=DIMENSIONS,
        required=True,
        default='product',
        help='What complaints are counted by.',
    )
    window_days = fields.Integer(
        string='Within Days',
        required=True,
        default=7,
        aggregator=None,
        help='Complaints of this number of days are counted.',
    )
    baseline_days = fields.Integer(
        string='Compared With Days Before',
        required=True,
        default=90,
        aggregator=None,
        help='The days before the window tell what is usual.',
    )
    min_count = fields.Integer(
        string='From a Number Of',
        required=True,
        default=3,
        aggregator=None,
        help='Fewer complaints never ring: 1 complaint about the only piece sold is no spike.',
    )
    factor = fields.Float(
        string='Times the Expected',
        default=2,
        aggregator=None,
        help='So many times the number that was to be expected. 0: not asked.',
    )
    p_limit = fields.Float(
        string='Probability Below',
        digits=(16, 6),
        default=0.001,
        aggregator=None,
        help='How improbable so many complaints must be by chance (Poisson). 0: not asked.',
    )
    min_rate = fields.Float(
        string='From a Rate Of',
        digits=(16, 2),
        aggregator=None,
        help='Complaints per 1,000 pieces (of stores, classes and causes: orders) sold in window and baseline. Not '
        'asked where it is not known what was sold. 0: not asked.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        domain=[('share', '=', False)],
        help='Who is told. Empty: the leader of the department "quality".',
    )
    action = fields.Selection(
        selection=[
            ('alert', 'Tell the responsible'),
            ('problem', 'Open a problem with the complaints'),
            ('improve', 'Open a problem and propose an improvement'),
        ],
        required=True,
        default='problem',
        help='What is done when it rings.',
    )
    alert_ids = fields.One2many(
        comodel_name='retail.spike.alert',
        inverse_name='rule_id',
        string='Alerts',
        help='When it rang.',
    )

    _check_numbers = models.Constraint(
        'CHECK(window_days BETWEEN 1 AND 366 AND baseline_days BETWEEN 1 AND 1461 AND min_count >= 1 '
        'AND factor >= 0 AND p_limit BETWEEN 0 AND 1 AND min_rate >= 0)',
        'A window has 1 to 366 days, the days before it 1 to 1461; a number is at least 1, limits are not negative.',
    )

    @api.constrains('min_count', 'factor', 'p_limit')
    def _check_sense(self):
        if any(rule.min_count < 2 and not rule.factor and not rule.p_limit for rule in self):
            raise ValidationError(
                self.env._('A rule that only counts rings from 2 complaints at the earliest.')
            )

    def _limits(self):
        """Return the limits of one rule for ``_spike.is_spike``."""
        return {name: self[name] for name in ('min_count', 'factor', 'p_limit', 'min_rate')}

    def action_evaluate(self):
        """Evaluate rules now, for everything that complaints are about. For managers."""
        self.check_access('write')
        # sudo: alerts and problems are the system's to open
        self.sudo()._evaluate()
