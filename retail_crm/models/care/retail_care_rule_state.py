import hashlib
import json

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from . import _care


class RetailCareRuleState(models.Model):
    """Switching a rule on and off: only what somebody looked at in the preview runs.

    A running rule whose trigger, audience or content changes is stopped and has to be previewed again; words (text,
    script, name), hour, owner, shares and limits may be changed while it runs. Follow-ups planned before a stop stay:
    what becomes due while the rule is off is skipped with that reason, the rest goes on when it is on again. When the
    rule starts with another definition than it ran with, what was planned and not tried is planned anew.
    """

    _inherit = 'retail.care.rule'

    started_mark = fields.Char(
        readonly=True, copy=False, help='Fingerprint of the definition with which the rule runs.'
    )
    is_previewed = fields.Boolean(
        string='Previewed',
        compute='_compute_is_previewed',
        help='Somebody looked at the preview of the rule as it is now.',
    )
    planned_count = fields.Integer(
        string='Follow-Ups Planned',
        compute='_compute_planned_count',
        help='Follow-ups of this rule that are planned and not tried yet.',
    )

    @api.depends(
        lambda self: [
            'previewed_mark',
            *sorted(self._definition_fields()),
            'channel_line_ids.channel_id',
            'channel_line_ids.sequence',
        ]
    )
    def _compute_is_previewed(self):
        for rule in self:
            rule.is_previewed = rule.previewed_mark == rule._definition_mark()

    def _compute_planned_count(self):
        counts = dict(
            self.env['retail.followup']._read_group(
                [('rule_id', 'in', self._origin.ids), ('state', '=', 'planned')],
                ['rule_id'],
                ['__count'],
            )
        )
        for rule in self:
            rule.planned_count = counts.get(rule._origin, 0)

    # === DEFINITION ===#

    def _definition_fields(self):
        """Hook: return the names of the fields that say when whom the rule contacts with what."""
        return _care.DEFINITION_FIELDS & set(self._fields)

    def _definition_mark(self):
        """Return a fingerprint of what the rule does; the same for the same definition."""
        self.ensure_one()
        values = {}
        rule_sudo = self.sudo()  # sudo: a fingerprint tells nothing of what it is made of
        for name in sorted(self._definition_fields()):
            value = rule_sudo[name]
            if name == 'channel_line_ids':
                value = value.sorted().channel_id.ids  # in their order
            elif self._fields[name].relational:
                value = sorted(value.ids)
            values[name] = value
        text = json.dumps(values, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _set_previewed(self):
        """Record that somebody looked at the preview of these rules as they are now."""
        for (
            rule
        ) in self.sudo():  # sudo: run data is nobody's to write; who previews may read the rule
            rule.previewed_mark = rule._definition_mark()

    @api.model_create_multi
    def create(self, vals_list):
        rules = super().create(vals_list)
        # shipped as running: it runs from the day of the installation
        rules.sudo().filtered(lambda rule: rule.state == 'on' and not rule.started_on)._start()
        return rules

    def write(self, vals):
        result = super().write(vals)
        if self._definition_fields() & set(vals):
            self._stop_changed()
        if vals.get('active') is False:
            self.sudo().filtered(lambda rule: rule.state == 'on')._stop()
        return result

    def _stop_changed(self):
        """Stop running rules that are no longer what they were when they started, except while data is loaded."""
        changed = self.sudo().filtered(
            lambda rule: (
                rule.state == 'on'
                and rule.started_mark
                and rule.started_mark != rule._definition_mark()
            )
        )
        if self.env.context.get('install_mode'):
            for rule in changed:
                rule.started_mark = rule._definition_mark()
            return
        changed._stop(
            self.env._(
                'Stopped because what the rule does was changed. Look at the preview and start it again.'
            )
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        # sudo: whether there is any, in whatever company
        if self.env['retail.followup'].sudo().search_count([('rule_id', 'in', self.ids)], limit=1):
            raise UserError(
                self.env._(
                    'This rule contacted customers already: archive it instead of deleting it.'
                )
            )

    # === ACTIONS ===#

    def action_start(self):
        """Switch rules on.

        :raise AccessError: for those who may not write them
        :raise UserError: for a rule that nobody previewed as it is now
        """
        self.check_access('write')
        for rule in self:
            rule._check_domain()
            if not rule.is_previewed:
                raise UserError(
                    self.env._(
                        'Look at the preview of "%(rule)s" first: it has not been previewed as it is now.',
                        rule=rule.name,
                    )
                )
        # sudo: checked above; run data is nobody's to write
        self.sudo().filtered(lambda rule: rule.state != 'on')._start()
        return self._tell_state(self.env._('Switched on. Follow-ups are planned within minutes.'))

    def action_stop(self):
        """Switch rules off; what is planned stays and is skipped when it becomes due before they are on again.

        :raise AccessError: for those who may not write them
        """
        self.check_access('write')
        count = sum(self.mapped('planned_count'))
        self.sudo()._stop()  # sudo: checked above
        return self._tell_state(
            self.env._(
                'Switched off. Planned follow-ups that will not be sent: %(count)s.', count=count
            )
        )

    def action_retry(self):
        """Start failed rules again from where they failed; what was missed is planned as far as it is not too late.

        :raise AccessError: for those who may not write them
        """
        self.check_access('write')
        failed = self.filtered(lambda rule: rule.state == 'failed')
        for rule in failed:
            rule._check_domain()
        # sudo: checked above; run data is nobody's to write
        failed.sudo().write({'state': 'on', 'error': False, 'planned_days': False})
        failed.sudo()._close_failure_activities()
        failed._wake_planning()
        return self._tell_state(self.env._('Started again.'))

    def _tell_state(self, message):
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': message,
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    # === WORK ===#

    def _start(self):
        for rule in self:
            mark = rule._definition_mark()
            if rule.started_mark and rule.started_mark != mark:
                rule._forget_planned()
            company = rule.company_id or self.env.company.root_id
            rule.write(
                {
                    'state': 'on',
                    'error': False,
                    'started_on': company._retail_today(),
                    'started_mark': mark,
                    'planned_days': False,
                }
            )
        self._close_failure_activities()
        if self:
            self._wake_planning()

    def _stop(self, message=None):
        if not self:
            return
        self.write({'state': 'off', 'error': False, 'started_on': False})
        self._close_failure_activities()
        if message:
            for rule in self:
                rule.message_post(body=message, message_type='notification')

    def _fail(self, error):
        """Stop a rule that cannot be planned, and tell who is responsible for it."""
        text = str(error.args[0] if error.args else error) or type(error).__name__
        # sudo: the system found it
        rule_sudo = self.sudo()
        rule_sudo.write({'state': 'failed', 'error': text})
        if not rule_sudo._failure_activities():
            rule_sudo.with_context(mail_activity_quick_update=True).activity_schedule(
                'mail.mail_activity_data_warning',
                user_id=rule_sudo.user_id.id,
                summary=self.env._('The care rule "%(rule)s" failed', rule=rule_sudo.name),
                note=text,
            )

    def _failure_activities(self):
        kind = self.env.ref('mail.mail_activity_data_warning', raise_if_not_found=False)
        return self.activity_ids.filtered(lambda one: one.activity_type_id == kind)

    def _close_failure_activities(self):
        self._failure_activities().unlink()

    def _forget_planned(self):
        """Remove what was planned under another definition and never tried: it is planned anew where it still fits."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """DELETE FROM retail_followup AS planned
                    WHERE planned.rule_id = %s AND planned.state = 'planned'
                      AND NOT EXISTS (SELECT FROM retail_followup_attempt AS attempt WHERE attempt.followup_id = planned.id)
                      AND planned.contacted_at IS NULL AND planned.counted_on IS NULL
                      AND NOT EXISTS (SELECT FROM mail_activity AS activity
                            WHERE activity.res_model = 'retail.followup' AND activity.res_id = planned.id)
                      AND NOT EXISTS (SELECT FROM mail_message AS message
                            WHERE message.model = 'retail.followup' AND message.res_id = planned.id)""",
                self.id,
            )
        )
        self.env['retail.followup'].invalidate_model()
