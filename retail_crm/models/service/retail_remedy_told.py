from odoo import api, fields, models
from odoo.tools import format_date

from .retail_remedy_kind import WORDS

_BATCH = 50


class RetailRemedyTold(models.Model):
    """Customers are told what they got: one message per ticket for all that was granted, by the channel of each.

    Neither the basis nor our cost is ever told. Words need no message of their own.
    """

    _inherit = 'retail.remedy'

    told_at = fields.Datetime(
        string='Customer Told', readonly=True, copy=False, help='When the customer was told.'
    )

    _tell_idx = models.Index(
        "(ticket_id) WHERE state = 'granted' AND told_at IS NULL"
        " AND method NOT IN ('apology', 'explanation')"
    )

    def _plan_telling(self):
        """Have the customers of what was just granted told soon."""
        if self.filtered(lambda remedy: remedy.method not in WORDS) and not (
            self.env['retail.ticket']._is_quiet()
        ):
            self.ticket_id._wake_cron('retail_crm.ir_cron_tell')

    @api.model
    def _untold_domain(self):
        return [('state', '=', 'granted'), ('told_at', '=', False), ('method', 'not in', WORDS)]

    @api.model
    def _tell_granted(self):
        """Tell the customers of what was granted, a batch at a time."""
        cron = self.env['ir.cron']
        template = self.env.ref('retail_crm.mail_template_ticket_remedy', raise_if_not_found=False)
        while remedies := self.search(self._untold_domain(), limit=_BATCH, order='ticket_id, id'):
            remedies = self.search(
                [*self._untold_domain(), ('ticket_id', 'in', remedies.ticket_id.ids)]
            )
            tickets = remedies.ticket_id.filtered(
                lambda ticket, remedies=remedies: (
                    ticket.active
                    and not ticket.merged_into_id
                    and ticket._merge_own(remedies & ticket.remedy_ids)
                )
            )
            # first: an error below never sends anything twice
            remedies.write({'told_at': fields.Datetime.now()})
            if template and template.active:
                tickets._tell(template)
            if not cron._commit_progress(len(remedies)):
                break

    # === WORDS ===#

    def _words_of_state(self):
        """Return who has to approve one remedy and until when, or why it failed."""
        if self.state == 'failed':
            return self.env._('%(what)s: %(error)s', what=self._words(), error=self.error or '')
        if self.approver_id and self.approve_until:
            return self.env._(
                '%(what)s: %(user)s decides until %(time)s',
                what=self._words(),
                user=self.approver_id.name,
                time=self.ticket_id._moment_words(
                    self.approve_until,
                    self.env.user.tz or self.company_id._retail_timezone(),
                ),
            )
        return self.env._('%(what)s: nobody decided in time', what=self._words())

    def _portal_words(self):
        """Return what remedies are, as texts for the customer: name, worth, until when."""
        result = []
        for remedy in self:
            words = remedy._words()
            if remedy.valid_until:
                words = self.env._(
                    '%(what)s, valid until %(date)s',
                    what=words,
                    date=format_date(self.env, remedy.valid_until),
                )
            result.append(words)
        return result
