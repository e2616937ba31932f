from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date


class RetailFollowupLetter(models.Model):
    """Letters: they wait on a list, are printed together, and count as sent when somebody says that they were (S-FUP-02)."""

    _inherit = 'retail.followup'

    def _letters(self):
        """Return those of these that wait to be printed.

        :raise UserError: when there is none
        """
        letters = self.filtered(
            lambda one: one.state == 'todo' and one.channel_id.transport == 'letter'
        )
        if not letters:
            raise UserError(self.env._('None of these is a letter that waits to be printed.'))
        return letters

    def _begin_activities(self):
        """Letters are nobody's task: they are printed together from their list."""
        others = self.filtered(lambda one: one.channel_id.transport != 'letter')
        return super(RetailFollowupLetter, others)._begin_activities()

    def action_print_letters(self):
        """Print letters, each on a page of its own.

        :raise AccessError: for those who may not change them
        """
        self.check_access('write')
        return self.env.ref('retail_crm.action_report_letter').report_action(
            self._letters(), config=False
        )

    def action_letters_printed(self):
        """Note that letters were printed and sent.

        :raise AccessError: for those who may not change them
        """
        self.check_access('write')
        now = fields.Datetime.now()
        letters_sudo = (
            self._letters().sudo()
        )  # sudo: checked above; state and dates are the system's
        letters_sudo.write(
            {
                'state': 'done',
                'result': 'message',
                'contacted_at': now,
                'done_at': now,
                'done_by': self.env.uid,
            }
        )
        self.env['retail.moment']._emit('followup_done', letters_sudo)

    # === PAGE ===#

    def _letter_name(self):
        """Return to whom one letter is addressed: the company of a contact above its name."""
        customer = self.partner_id
        return '\n'.join(filter(None, (customer.parent_id.name, customer.name)))

    def _letter_address(self):
        return self.partner_id._display_address(without_company=True)

    def _letter_sender(self):
        return self.company_id.partner_id._display_address(without_company=True)

    def _letter_date(self):
        return format_date(self.env, self.company_id._retail_today())
