from odoo import api, fields, models

#: Settings of care with a shipped value, in the order of the screen.
SETTINGS = (
    'retail_care_marketing_week',
    'retail_care_marketing_month',
    'retail_care_all_week',
    'retail_care_silent_count',
    'retail_care_pause_days',
    'retail_care_message_from',
    'retail_care_message_to',
    'retail_care_call_from',
    'retail_care_call_to',
    'retail_care_call_capacity',
    'retail_care_overdue_days',
    'retail_care_minor_age',
    'retail_care_control_percent',
    'retail_care_offer_control_percent',
)


class ResCompanyCare(models.Model):
    """How often, when and to whom a company writes of its own accord (defaults 19). Branches follow their company."""

    _inherit = 'res.company'

    retail_care_marketing_week = fields.Integer(
        string='Marketing in 7 Days',
        default=1,
        help='At most so many marketing contacts reach a customer within 7 days, today included. 0: none at all.',
    )
    retail_care_marketing_month = fields.Integer(
        string='Marketing in 30 Days',
        default=4,
        help='At most so many marketing contacts reach a customer within 30 days, today included. 0: none at all.',
    )
    retail_care_all_week = fields.Integer(
        string='All Unasked in 7 Days',
        default=2,
        help='At most so many contacts that the customer does not expect, marketing or not, reach him within 7 days, '
        'today included. Notices that he expects are neither limited nor counted.',
    )
    retail_care_silent_count = fields.Integer(
        string='Pause After (Contacts)',
        default=3,
        help='After so many marketing contacts one after another without any reaction, marketing pauses for this '
        'customer. 0: never.',
    )
    retail_care_pause_days = fields.Integer(
        string='Pause For (Days)',
        default=90,
        help='So long such a pause lasts, counted from the last of these contacts. Also proposed for pauses by hand.',
    )
    retail_care_message_from = fields.Float(
        string='Messages From',
        default=9.0,
        help='Messages leave from this hour on, by the clock of the customer.',
    )
    retail_care_message_to = fields.Float(
        string='Messages Until',
        default=20.5,
        help='Messages leave before this hour, by the clock of the customer. Later ones wait for the next morning.',
    )
    retail_care_call_from = fields.Float(
        string='Calls From',
        default=10.0,
        help='Customers are called from this hour on, by their clock.',
    )
    retail_care_call_to = fields.Float(
        string='Calls Until',
        default=20.0,
        help='Customers are called before this hour, by their clock.',
    )
    retail_care_call_capacity = fields.Integer(
        string='Calls per Employee and Day',
        default=12,
        help='More calls than this wait for the next day; what cannot wait goes to a substitute. 0: no limit.',
    )
    retail_care_overdue_days = fields.Integer(
        string='Tell the Leader After (Days)',
        default=1,
        help='A follow-up that staff did not do within so many days after it was due is shown to the leader.',
    )
    retail_care_minor_age = fields.Integer(
        string='No Marketing Under (Age)',
        default=14,
        help='Nobody who is younger by his date of birth gets marketing. Have your lawyer confirm the age.',
    )
    retail_care_control_percent = fields.Float(
        string='Control Group (%)',
        default=5.0,
        help='So many of the customers whom a marketing rule would contact are left out, to see what the contact '
        'changes. Proposed for new rules.',
    )
    retail_care_offer_control_percent = fields.Float(
        string='Control Group of Offers (%)',
        default=10.0,
        help='The same for rules that make an offer: what an offer earns has to be known more exactly.',
    )
    retail_care_gap_ids = fields.One2many(
        comodel_name='retail.care.gap',
        inverse_name='company_id',
        string='Gaps Between Contacts of a Kind',
        help='Least days between two contacts of the same kind.',
    )

    _check_retail_care_counts = models.Constraint(
        'CHECK(retail_care_marketing_week >= 0 AND retail_care_marketing_month >= 0 AND retail_care_all_week >= 0'
        ' AND retail_care_silent_count >= 0 AND retail_care_pause_days >= 0 AND retail_care_call_capacity >= 0'
        ' AND retail_care_overdue_days >= 0 AND retail_care_minor_age >= 0)',
        'Numbers of contacts and days cannot be negative.',
    )
    _check_retail_care_hours = models.Constraint(
        'CHECK(retail_care_message_from >= 0 AND retail_care_message_to <= 24'
        ' AND retail_care_message_from < retail_care_message_to AND retail_care_call_from >= 0'
        ' AND retail_care_call_to <= 24 AND retail_care_call_from < retail_care_call_to)',
        'Hours of contact lie between 0:00 and 24:00, and begin before they end.',
    )
    _check_retail_care_percents = models.Constraint(
        'CHECK(retail_care_control_percent >= 0 AND retail_care_control_percent <= 100'
        ' AND retail_care_offer_control_percent >= 0 AND retail_care_offer_control_percent <= 100)',
        'A control group is a part between 0 and 100 percent.',
    )

    @api.model
    def _get_company_root_delegated_field_names(self):
        return [*super()._get_company_root_delegated_field_names(), *SETTINGS]

    def _retail_care_gaps(self):
        """Return ``{family: least days between two contacts of it}`` of one company; families without are not there."""
        # sudo: what holds is asked by whoever sends
        return {gap.family: gap.days for gap in self.sudo().root_id.retail_care_gap_ids if gap.days}

    def _retail_reset_care(self):
        """Set the limits and hours of care to their shipped values and drop gaps between families."""
        roots = self.root_id
        roots.write({name: self._fields[name].default(roots) for name in SETTINGS})
        roots.retail_care_gap_ids.unlink()
