from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

#: How late a customer was when the intervention began.
LEVELS = [
    ('watch', 'Overdue'),
    ('alert', 'Warning'),
    ('lapse', 'Lapsed or lost'),
    ('other', 'Other signs'),
]


class RetailFollowupChurn(models.Model):
    """Churn interventions: follow-ups of the family churn, with what became of the customer (S-CLV-02, S-CLV-03).

    The outcome is no opinion: ``retail.churn`` derives it from purchases and figures, for the control group, too. Staff
    say what the customer named as the reason, and that he is lost for good; a purchase in time still says otherwise.
    """

    _inherit = 'retail.followup'

    outcome_on = fields.Date(
        string='Outcome Since',
        readonly=True,
        copy=False,
        help='Day of the purchase that saved the customer, or on which he counted as lost.',
    )
    outcome_until = fields.Date(
        string='Saved If Back By',
        readonly=True,
        copy=False,
        help='A purchase up to this day counts as saved.',
    )
    churn_level = fields.Selection(
        selection=LEVELS,
        string='Warning Level',
        readonly=True,
        copy=False,
        help='How late the customer was when it began.',
    )
    lost_reason_id = fields.Many2one(
        comodel_name='retail.lost.reason',
        string='Why the Customer Left',
        index='btree_not_null',
        ondelete='restrict',
        tracking=True,
        copy=False,
        help='What the customer said when asked why he does not buy any more.',
    )
    lost_note = fields.Text(
        string="Customer's Words on It",
        copy=False,
        help='The reason in detail, such as which shop.',
    )
    lost_reason_on = fields.Date(
        string='Reason Asked On', readonly=True, copy=False, help='Day on which he said so.'
    )
    lost_reason_by = fields.Many2one(
        comodel_name='res.users',
        string='Reason Asked By',
        readonly=True,
        copy=False,
        ondelete='set null',
        help='Who asked.',
    )
    given_up_on = fields.Date(
        readonly=True,
        copy=False,
        help='Day on which somebody noted that the customer is lost. A purchase in time undoes it.',
    )

    _churn_idx = models.Index("(company_id, outcome_until) WHERE family = 'churn'")

    # === WRITING ===#

    @api.model
    def _work_fields(self):
        return super()._work_fields() | {'lost_reason_id', 'lost_note'}

    def _forget_fields(self):
        return [*super()._forget_fields(), 'lost_note']

    def write(self, vals):
        """Note when and by whom a reason was asked."""
        result = super().write(vals)
        if 'lost_reason_id' in vals and 'lost_reason_on' not in vals:
            asked = bool(vals['lost_reason_id'])
            for company, followups in self.grouped('company_id').items():
                # sudo: the day of the company, for staff of a branch
                day = company.sudo()._retail_today()
                followups._stamp(
                    {
                        'lost_reason_on': asked and day,
                        'lost_reason_by': asked and self.env.uid,
                    }
                )
        return result

    # === ACTIONS ===#

    def action_give_up(self):
        """Ask for the reason of customers who are lost.

        :raise UserError: for follow-ups that are no interventions
        """
        self.check_access('write')
        self._check_interventions()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Customer Is Lost'),
            'res_model': 'retail.followup.lost',
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_followup_ids': [fields.Command.set(self.ids)]},
        }

    def _check_interventions(self):
        if self.filtered(lambda one: one.family != 'churn' or one.state == 'held'):
            raise UserError(
                self.env._('Only a contact with a customer who was about to leave can say this.')
            )

    def _note_loss(self, reason, note=False):
        """Note that customers are lost, and why; rights are checked by the caller."""
        self._check_interventions()
        for company, followups in self.grouped('company_id').items():
            # sudo: the day of the company, for staff of a branch
            day = company.sudo()._retail_today()
            followups._stamp(
                {
                    'lost_reason_id': reason.id,
                    'lost_reason_on': day,
                    'lost_reason_by': self.env.uid,
                    'given_up_on': day,
                    **({'lost_note': note} if note else {}),
                }
            )
        self.env['retail.churn']._settle(self.commercial_partner_id.ids)

    # === PLANNING BY HAND ===#

    @api.model
    def _check_may_plan_churn(self, customers):
        """Refuse those who may not plan interventions: one is for staff, several for leaders and marketing.

        :raise AccessError: for others
        """
        if not self.has_access('create'):
            raise AccessError(self.env._('Only employees of the shop contact customers.'))
        if len(customers) > 1 and not self.env.user.has_groups(
            'retail_crm.group_lead,retail_crm.group_marketing,retail_crm.group_manager'
        ):
            raise AccessError(
                self.env._('Follow-ups of several customers are planned by leaders and marketing.')
            )

    def _tell_saved(self):
        """Tell owners that customers whom they contacted bought again."""
        for followup in self.filtered(lambda one: one.user_id and one.state != 'held'):
            followup.message_notify(
                partner_ids=followup.user_id.partner_id.ids,
                subject=self.env._('%(name)s is back', name=followup.partner_id.display_name),
                body=self.env._(
                    '%(name)s bought again on %(day)s, after you got in touch.',
                    name=followup.partner_id.display_name,
                    day=fields.Date.to_string(followup.outcome_on),
                ),
            )
