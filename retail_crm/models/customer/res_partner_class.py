from odoo import fields, models

from ._classes import ABC, CHURN_LEVEL, COARSE, LADDER, LIFECYCLE, RFM_GROUP, STAGE, STAR
from .res_partner import FIGURE_GROUPS, figure
from .retail_profile_class import CLASS_RANKS


class ResPartnerClass(models.Model):
    """The classes of the customer's profile in the current company, on the contact: to filter, sort and group by."""

    _name = 'res.partner'
    _inherit = ['res.partner', 'retail.class.mixin']

    retail_lifecycle = figure(
        fields.Selection,
        'lifecycle',
        selection=LIFECYCLE,
        string='Lifecycle',
        help='Where the customer stands between the first purchase and the last.',
    )
    retail_lifecycle_stage = figure(
        fields.Selection,
        'lifecycle_stage',
        selection=STAGE,
        string='Stage',
        help='Introduction: acquire. Growth: retain. Maturity: raise value. Decline: prevent loss.',
    )
    retail_ladder = figure(
        fields.Selection,
        'ladder',
        selection=LADDER,
        string='Ladder',
        help='From a potential customer to one who recommends us.',
    )
    retail_coarse_class = figure(
        fields.Selection,
        'coarse_class',
        selection=COARSE,
        string='Customer Class',
        help='The ladder in three classes.',
    )
    retail_rfm_code = figure(
        fields.Char,
        'rfm_code',
        string='RFM',
        help='Scores of recency, frequency and amount, each from 1 to 5.',
    )
    retail_rfm_group = figure(
        fields.Selection,
        'rfm_group',
        selection=RFM_GROUP,
        string='RFM Group',
        help='How recent, against how often and how much.',
    )
    retail_abc_class = figure(
        fields.Selection,
        'abc_class',
        selection=ABC,
        string='ABC Class',
        help='A: the best customers who together bring most of the sales, by what they spent and may spend.',
    )
    retail_star_class = figure(
        fields.Selection,
        'star_class',
        selection=STAR,
        string='Star Class',
        help='Value and loyalty: golden both, meteor value only, small star loyalty only, burden neither and at a loss.',
    )
    retail_is_high_value = figure(
        fields.Boolean,
        'is_high_value',
        string='High Value',
        help='Among the best by margin of the last 12 months.',
    )
    retail_loyalty_score = figure(
        fields.Integer,
        'loyalty_score',
        string='Loyalty Score',
        aggregator='avg',
        help='From 0 to 100: weighted mean of the tests of loyalty that are measured.',
    )
    retail_churn_level = figure(
        fields.Selection,
        'churn_level',
        selection=CHURN_LEVEL,
        string='Churn Warning',
        help='How far the customer is over the own interval between purchases.',
    )
    retail_clv_past = figure(
        fields.Monetary,
        'clv_past',
        string='Customer Value So Far',
        currency_field='retail_currency_id',
        help='Margin of all purchases.',
    )
    retail_clv_next_12m = figure(
        fields.Monetary,
        'clv_next_12m',
        string='Expected Margin, Next 12 Months',
        currency_field='retail_currency_id',
        help='Margin per purchase day x 365 / own interval x expected years of the lifecycle stage (Classification Rules).',
    )
    retail_churn_reason = fields.Char(
        string='Churn Reason',
        compute='_compute_retail_sentences',
        groups=FIGURE_GROUPS,
        help='Why the customer is on the churn list, in words and with its own figures.',
    )
    retail_loyalty_text = fields.Text(
        string='Tests of Loyalty',
        compute='_compute_retail_sentences',
        groups=FIGURE_GROUPS,
        help='The five tests with their weights, and which of them are not measured yet.',
    )
    retail_snoozed_until = fields.Date(
        string='No Churn Warning Before',
        index='btree_not_null',
        tracking=True,
        groups='base.group_user',
        help='The customer is not on the churn list before this day, and a warning that falls into the pause is not announced.',
    )

    def _compute_retail_sentences(self):
        for partner in self.sudo():  # sudo: the fields' groups decide who sees figures
            partner.retail_churn_reason = partner.retail_profile_id.churn_reason
            partner.retail_loyalty_text = partner.retail_profile_id.loyalty_text

    def _class_ranks(self):
        ranks = {f'retail_{name}': keys for name, keys in CLASS_RANKS.items()}
        return {**super()._class_ranks(), **ranks}

    def action_retail_history(self):
        """Open the history of this customer's classes."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_profile_change_action'
        )
        return {
            **action,
            'domain': [('partner_id', '=', self.commercial_partner_id.id)],
            'context': {},
        }
