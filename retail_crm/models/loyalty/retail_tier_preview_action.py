from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain

#: Customers that a rule can name one by one.
MAX_NAMED = 1_000


class RetailTierPreviewAction(models.Model):
    """What is done with the result: a floor for those who would fall, a segment, a list of calls."""

    _inherit = 'retail.tier.preview'

    def action_open_lines(self):
        """Open the members who would hold another tier."""
        self.ensure_one()
        self.check_access('read')
        action = self.env['ir.actions.act_window']._for_xml_id(
            'retail_crm.retail_tier_preview_line_action'
        )
        return {
            **action,
            'domain': [('preview_id', '=', self.id)],
            'context': {'search_default_result': 1},
        }

    def action_open_differences(self):
        """Open the members for whom the result is not the approved one any more."""
        return {
            **self.action_open_lines(),
            'domain': [
                ('preview_id', '=', self.id),
                ('difference', 'in', ('new', 'changed', 'gone')),
            ],
            'context': {'search_default_group_difference': 1},
        }

    def action_floor(self):
        """Ask for the floor to give to all who would fall.

        :raise AccessError: for those who are no Retail CRM managers
        """
        return self._floor_action(None)

    def action_call_list(self):
        """Ask who calls those who would fall.

        :raise AccessError: for those who are no Retail CRM managers
        """
        return self._call_action(None)

    def action_segment(self):
        """Make a segment of all who would fall.

        :raise AccessError: for those who are no Retail CRM managers
        """
        return self._segment(None)

    def action_propose(self):
        """Open thresholds by what customers buy, for this preview.

        :raise AccessError: for those who are no Retail CRM managers
        """
        self.ensure_one()
        self._check_manager()
        self._check_state('draft')
        return self.env['retail.tier.proposal']._open(self.programme_id, self)

    # === WIZARDS ===#

    def _lines_domain(self, lines):
        """Return the domain of chosen lines; none chosen: all members who would fall, by the result that holds."""
        if lines is not None:
            return Domain('id', 'in', lines.ids)
        return (
            Domain('preview_id', '=', self.id)
            & Domain('round', '=', 'result')
            & Domain('direction', '=', 'down')
        )

    def _check_lines(self, lines):
        """Refuse what concerns nobody, or several previews.

        :raise UserError: saying so
        """
        self._check_manager()
        if len(self) != 1:
            raise UserError(self.env._('Choose customers of one preview.'))
        if not self.env['retail.tier.preview.line'].search_count(
            self._lines_domain(lines), limit=1
        ):
            raise UserError(self.env._('Nobody would fall by these rules.'))

    def _floor_action(self, lines):
        return self._wizard('retail.tier.preview.floor', self.env._('Give a Floor'), lines)

    def _call_action(self, lines):
        return self._wizard('retail.tier.preview.call', self.env._('Call List'), lines)

    def _wizard(self, model, name, lines):
        """Return the action of a question about these lines."""
        self._check_lines(lines)
        return {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': model,
            'view_mode': 'form',
            'target': 'new',
            'context': {
                'default_preview_id': self.id,
                'default_line_ids': lines.ids if lines is not None else [],
            },
        }

    # === SEGMENT ===#

    def _segment(self, lines):
        """Make a segment and open it: by the lines of this preview, or of the customers chosen, by name."""
        self._check_lines(lines)
        if lines is None:
            rule = [('retail_tier_preview_line_ids', 'any', list(self._lines_domain(None)))]
        else:
            partner_ids = lines.partner_id.ids
            if len(partner_ids) > MAX_NAMED:
                raise UserError(
                    self.env._(
                        'Choose up to %(count)s customers, or make a segment of all on the preview.',
                        count=MAX_NAMED,
                    )
                )
            rule = [('id', 'in', partner_ids)]
        segment = self.env['retail.segment'].create(
            {
                'name': self.env._('Would fall: %(preview)s', preview=self.name)
                if lines is None
                else self.env._('From the preview: %(preview)s', preview=self.name),
                'company_id': self.company_id.id,
                'domain': repr(rule),
            }
        )
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'retail.segment',
            'res_id': segment.id,
            'view_mode': 'form',
        }
