from odoo import fields, models
from odoo.exceptions import UserError


class RetailRemedyDecide(models.TransientModel):
    """Dialog: approve, refuse or take back remedies, with the reason that is kept."""

    _name = 'retail.remedy.decide'
    _description = 'Decide on Remedies'

    remedy_ids = fields.Many2many(
        comodel_name='retail.remedy',
        string='Remedies',
        required=True,
        readonly=True,
        help='Remedies that are decided on.',
    )
    decision = fields.Selection(
        selection=[('approve', 'Approve'), ('refuse', 'Refuse'), ('reverse', 'Take back')],
        required=True,
        readonly=True,
        help='What is done with them.',
    )
    reason = fields.Text(help='Why. Kept with the remedy; whoever asked for it reads it.')
    legal_advice_by = fields.Char(
        string='Advice By', help='Who gave legal advice, where more than the price paid is given.'
    )

    def action_decide(self):
        """Do it. Who may is checked by the remedies.

        :raise UserError: without a reason
        """
        self.ensure_one()
        self.check_access('write')
        self.remedy_ids.check_access('read')
        if self.decision != 'approve' and not (self.reason or '').strip():
            raise UserError(self.env._('Say why.'))
        # sudo: nobody writes remedies but by their methods, which check who may decide
        remedies_sudo = self.remedy_ids.sudo()
        if self.decision == 'refuse':
            remedies_sudo._refuse(self.env.user, self.reason)
        elif self.decision == 'approve':
            remedies_sudo._advised(self.env.user, self.legal_advice_by)
            remedies_sudo._approve(self.env.user, self.reason)
        else:
            remedies_sudo._check_may_reverse(self.env.user)
            if rest := remedies_sudo._reverse(self.reason):
                return self._action_rest(rest)
        return {'type': 'ir.actions.act_window_close'}

    def _action_rest(self, rest):
        """Say what could not be taken back."""
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'warning',
                'sticky': True,
                'title': self.env._('Not everything could be taken back'),
                'message': rest,
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }
