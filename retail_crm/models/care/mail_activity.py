from odoo import api, fields, models
from odoo.exceptions import UserError


class MailActivity(models.Model):
    """The activity of a follow-up: what is done with the one is done with the other (S-FUP-15)."""

    _inherit = 'mail.activity'

    retail_followup_id = fields.Many2one(
        comodel_name='retail.followup',
        string='Follow-up',
        readonly=True,
        index='btree_not_null',
        ondelete='cascade',
        groups='base.group_user',
        help='Follow-up that this activity is.',
    )

    @api.model_create_multi
    def create(self, vals_list):
        """Only the follow-up says which activity it is."""
        if not self.env.su:
            vals_list = [
                {name: value for name, value in vals.items() if name != 'retail_followup_id'}
                for vals in vals_list
            ]
        return super().create(vals_list)

    def _retail_followups(self):
        """Return the follow-ups that these activities are and that still wait for somebody."""
        if self.env.su and self.env.context.get('retail_crm_followup_leads'):
            return self.env['retail.followup'].sudo()
        # sudo: who has the activity may do it
        return self.sudo().retail_followup_id.filtered(lambda one: one.state == 'todo')

    def write(self, vals):
        followups = self.env['retail.followup'].sudo()
        if 'retail_followup_id' in vals and not self.env.su:
            raise UserError(self.env._('An activity stays with its follow-up.'))
        if {'date_deadline', 'user_id'} & set(vals):
            followups = self._retail_followups()
        if followups and vals.get('user_id') and not self.env.su:
            followups._check_may_own(self.env['res.users'].browse(vals['user_id']))
        if followups and vals.get('date_deadline'):
            followups._activity_moved(fields.Date.to_date(vals['date_deadline']))
        result = super().write(vals)
        if followups and vals.get('user_id'):
            followups.with_context(retail_crm_activity_leads=True).write(
                {'user_id': vals['user_id']}
            )
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_followups(self):
        """The task of a follow-up goes with it only.

        :raise UserError: while the follow-up waits for somebody
        """
        if not self.env.su and (followups := self._retail_followups()):
            raise UserError(
                self.env._(
                    'This is the task of a follow-up: %(name)s. Put it off, give it to a colleague or say what came of '
                    'it there.',
                    name=followups[0].display_name,
                )
            )

    def _action_done(self, feedback=False, attachment_ids=None):
        """Ask for the result of follow-ups, or go on with their next step."""
        going_on = self._retail_followups()
        if going_on:
            going_on = going_on._activity_done(feedback)
        result = super()._action_done(feedback=feedback, attachment_ids=attachment_ids)
        if going_on:
            going_on._go_to_next_step(self)
        return result
