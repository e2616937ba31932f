from dataclasses import replace

from odoo import fields, models
from odoo.exceptions import AccessError, UserError

#: Settings of a programme that are rules. A preview has fields of the same names.
RULE_SETTINGS = (
    'criteria',
    'window',
    'window_months',
    'first_month',
    'validity_months',
    'grace_days',
    'drop',
    'strict',
    'entry_counts',
)
#: Those by which a tier is reached or taken back: where they change, a tier reached before is not taken back by the new ones.
ENTRY_SETTINGS = {
    'criteria',
    'window',
    'window_months',
    'first_month',
    'strict',
    'entry_counts',
}


class RetailProgrammeChange(models.Model):
    """Other rules for a running programme: from when those of today hold, and those that are planned."""

    _inherit = 'retail.programme'

    rules_since = fields.Date(
        readonly=True,
        copy=False,
        help='Day from which the present settings hold: tiers reached before are not taken back by them.',
    )
    change_on = fields.Date(
        string='Other Rules From',
        readonly=True,
        copy=False,
        help='Day on which a planned change of the rules begins.',
    )
    preview_count = fields.Integer(
        string='Previews',
        compute='_compute_preview_count',
        help='Other rules that were tried out.',
    )

    def _compute_preview_count(self):
        previews = self.env['retail.tier.preview']
        counts = {}
        if previews.has_access('read'):
            counts = dict(
                previews._read_group(
                    [('programme_id', 'in', self.ids)], ['programme_id'], ['__count']
                )
            )
        for programme in self:
            programme.preview_count = counts.get(programme, 0)

    def write(self, vals):
        """Keep what was granted: criteria and window act on tiers that are reached from now on.

        :raise UserError: for whoever enters from when rules hold: it decides what can be taken back
        """
        if not self.env.su and {'rules_since', 'change_on'} & set(vals):
            raise UserError(self.env._('From when rules hold is not entered.'))
        if ENTRY_SETTINGS & set(vals) and 'rules_since' not in vals:
            for programme in self:
                changed = any(programme[name] != vals[name] for name in ENTRY_SETTINGS & set(vals))
                if changed and programme.state == 'running':
                    today = programme.company_id._retail_today()
                    super(RetailProgrammeChange, programme).write({'rules_since': today})
        return super().write(vals)

    def _rules(self):
        """Return the rules of today, also when the scheduled action that writes a planned change comes later."""
        rules = replace(super()._rules(), settled=self.rules_since or None)
        if self.change_on and self.change_on <= self.company_id._retail_today():
            # sudo: rules hold for everybody
            change = self.env['retail.tier.preview'].sudo()
            change = change.search([('programme_id', '=', self.id), ('state', '=', 'scheduled')])
            rules = change._with_settings(rules) if len(change) == 1 else rules
        return rules

    def _rule_settings(self):
        """Return the settings that are rules."""
        self.ensure_one()
        return {name: self[name] for name in RULE_SETTINGS}

    def action_preview_rules(self):
        """Open a new preview that starts with the present rules.

        :raise AccessError: for those who are no Retail CRM managers
        """
        self.ensure_one()
        self._check_manager()
        preview = self.env['retail.tier.preview']._of_programme(self)
        return preview._form_action()

    def action_open_previews(self):
        """Open what was tried out for this programme.

        :raise AccessError: for those who are no Retail CRM managers
        """
        self.ensure_one()
        self._check_manager()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_tier_preview_action'
        )
        return {**action, 'domain': [('programme_id', '=', self.id)]}

    def action_propose(self):
        """Open thresholds by what customers buy.

        :raise AccessError: for those who are no Retail CRM managers
        """
        self.ensure_one()
        self._check_manager()
        return self.env['retail.tier.proposal']._open(self)

    def _check_manager(self):
        """Refuse whoever does not set the rules.

        :raise AccessError: saying so
        """
        if not self.env.user.has_group('retail_crm.group_manager'):
            raise AccessError(self.env._('Only a Retail CRM manager can change the rules.'))
        self.check_access('write')
