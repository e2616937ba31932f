from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    retail_purchase_basis = fields.Selection(
        related='company_id.retail_purchase_basis',
        readonly=False,
    )
    retail_margin_percent = fields.Float(
        related='company_id.retail_margin_percent',
        readonly=False,
    )
    retail_adviser_rule = fields.Selection(
        related='company_id.retail_adviser_rule',
        readonly=False,
    )
    retail_service_consent = fields.Boolean(
        related='company_id.retail_service_consent',
        readonly=False,
    )
    retail_company_is_root = fields.Boolean(compute='_compute_retail_company_is_root')
    retail_gap_days = fields.Float(related='company_id.root_id.retail_gap_days')
    retail_refreshed_at = fields.Datetime(related='company_id.root_id.retail_refreshed_at')
    retail_full_refreshed_at = fields.Datetime(
        related='company_id.root_id.retail_full_refreshed_at'
    )
    retail_rebuild_pending = fields.Boolean(related='company_id.root_id.retail_rebuild_pending')
    retail_block_loyalty = fields.Boolean(
        string='Loyalty',
        help='Programme, tiers, privileges and points. Off: its menus, buttons and scheduled actions go, its data stays.',
    )
    retail_block_service = fields.Boolean(
        string='Service Tickets',
        help='Requests and complaints. Off: its menus, buttons and scheduled actions go, its data stays.',
    )
    retail_block_care = fields.Boolean(
        string='Customer Care',
        help='Follow-ups and messages by rule. Off: its menus, buttons and scheduled actions go, its data stays.',
    )
    retail_block_feedback = fields.Boolean(
        string='Surveys and Feedback',
        help='Questionnaires, ratings and the voice of the customer. '
        'Off: its menus, buttons and scheduled actions go, its data stays.',
    )
    retail_block_churn = fields.Boolean(
        string='Churn Warning',
        help='When each customer is expected back. Off: the dates and warnings go from the screens, the figures stay.',
    )
    retail_block_portal = fields.Boolean(
        string='Customer Portal',
        help='Pages on which customers see and change what is theirs. Off: the pages go, the data stays.',
    )

    @api.depends('company_id')
    def _compute_retail_company_is_root(self):
        for settings in self:
            settings.retail_company_is_root = not settings.company_id.parent_id

    @api.model
    def _retail_blocks(self):
        """Hook: return ``{block: {'group': xmlid, 'users': [xmlids], 'crons': [xmlids]}}``.

        A block is on when the users of ``users`` have its group, which its menus, buttons and views ask for; its
        scheduled actions run only while it is on.
        """
        internal = ['base.group_user']
        blocks = {
            block: {'group': f'retail_crm.group_block_{block}', 'users': internal, 'crons': []}
            for block in ('loyalty', 'service', 'care', 'feedback', 'churn')
        }
        blocks['churn']['crons'] = ['retail_crm.ir_cron_backtest']
        blocks['portal'] = {
            'group': 'retail_crm.group_block_portal',
            'users': ['base.group_portal', 'base.group_user'],
            'crons': [],
        }
        return blocks

    @api.model
    def get_values(self):
        values = super().get_values()
        for block, parts in self._retail_blocks().items():
            users = self.env.ref(parts['users'][0])
            values[f'retail_block_{block}'] = self.env.ref(parts['group']) in users.all_implied_ids
        return values

    def set_values(self):
        result = super().set_values()
        for block, parts in self._retail_blocks().items():
            self._retail_switch_block(parts, self[f'retail_block_{block}'])
        return result

    def _retail_switch_block(self, parts, on):
        """Switch one block on or off, and write only when that changes something."""
        group = self.env.ref(parts['group'])
        for users in map(self.env.ref, parts['users']):
            if on and group not in users.implied_ids:
                users._apply_group(group)
            elif not on and group in users.implied_ids:
                users._remove_group(group)
        # somebody may have deleted one
        found = (self.env.ref(xmlid, raise_if_not_found=False) for xmlid in parts['crons'])
        crons = self.env['ir.cron'].browse(cron.id for cron in found if cron)
        crons.filtered(lambda cron: cron.active != on).active = on

    def action_retail_rebuild(self):
        """Derive all figures again in the background."""
        return self.env['retail.profile'].action_rebuild()
