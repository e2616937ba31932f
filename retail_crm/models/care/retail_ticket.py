from collections import Counter

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

#: Rules that ask the customer of a solved complaint, by their code.
CALL_BACK_RULES = ('after_complaint',)


class RetailTicket(models.Model):
    """Tickets and follow-ups: the call-back after a complaint is a follow-up where its rule runs (S-TKT-18, S-FUP-07)."""

    _inherit = 'retail.ticket'

    followup_ids = fields.One2many(
        comodel_name='retail.followup',
        inverse_name='ticket_id',
        string='Follow-ups That Led Here',
        help='Follow-ups in which the customer was dissatisfied.',
    )
    followup_count = fields.Integer(
        string='Follow-ups',
        compute='_compute_followup_count',
        groups='retail_crm.group_user',
        help='Follow-ups about this ticket, or from which it came.',
    )

    # === RESTRICTED ===#

    def write(self, vals):
        result = super().write(vals)
        self._restrict_followups(vals)
        return result

    def _stamp(self, vals):
        result = super()._stamp(vals)
        self._restrict_followups(vals)
        return result

    def _restrict_followups(self, vals):
        """Follow-ups are as restricted as their tickets, and open again with them."""
        if {'is_restricted', 'blocked_user_id'} & set(vals):
            # sudo: those of all companies and colleagues follow, whoever changed the ticket
            tickets_sudo = self.sudo()
            followups_sudo = tickets_sudo._followups_about() | tickets_sudo._followups_made()
            followups_sudo._follow_tickets()

    # === FOLLOW-UPS ===#

    def _followups_made(self):
        """Return the follow-ups from which these tickets came."""
        return self.env['retail.followup'].search([('ticket_id', 'in', self.ids)])

    def _followups_about(self):
        """Return the follow-ups that ask about these tickets, and those from which they came."""
        about = Domain('res_model', '=', self._name) & Domain('res_id', 'in', self.ids)
        return self.env['retail.followup'].search_fetch(
            about | Domain('ticket_id', 'in', self.ids), ['res_id', 'res_model', 'ticket_id']
        )

    def _compute_followup_count(self):
        """Count both in one query; one that came from a ticket about itself counts once."""
        counts = Counter()
        for followup in self._followups_about():
            about = followup.res_id if followup.res_model == self._name else False
            counts.update({about, followup.ticket_id.id})
        for ticket in self:
            ticket.followup_count = counts[ticket._origin.id]

    def action_followups(self):
        """Open the follow-ups about the ticket, and those from which it came."""
        self.ensure_one()
        self.check_access('read')
        followups = self._followups_about()
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_followup_action')
        return {**action, 'domain': [('id', 'in', followups.ids)], 'context': {}}

    def action_contact(self):
        """Contact the customer of the ticket by template, on a channel of his choice (S-FUP-10)."""
        self.ensure_one()
        self.check_access('read')
        if not self.partner_id:
            raise UserError(self.env._('Nobody knows yet who asks.'))
        self.env['retail.followup.contact']._check_contacts(self.partner_id)
        return self.partner_id._action_retail_contact(self)

    # === CALL-BACK ===#

    @api.model
    def _call_back_rules(self, companies):
        """Return ``{main company id: the running rule that asks after complaints}``."""
        # sudo: whoever solves a complaint may not read the rules
        rules = (
            self.env['retail.care.rule']
            .sudo()
            .search([('code', 'in', CALL_BACK_RULES), ('state', '=', 'on')])
        )
        return {
            company.id: rule
            for company in companies
            for rule in rules
            if not rule.company_id or rule.company_id == company
        }

    def _plan_call_back(self):
        """Leave the question to the rule "after complaint" where it runs; else plan the activity as before.

        The rule hears of the solved ticket by itself. It asks customers whom it can reach: of the others the activity
        stays.
        """
        by_rule = self.browse()
        if self.env['res.groups']._is_feature_enabled('retail_crm.group_block_care'):
            # sudo: staff of a branch, and who may not read rules
            tickets_sudo = self.sudo()
            rules = self._call_back_rules(tickets_sudo.company_id.root_id)
            by_rule = tickets_sudo.filtered(
                lambda one: one._is_asked_by(rules.get(one.company_id.root_id.id))
            ).sudo(self.env.su)
            by_rule._drop_call_backs()  # of an earlier round: he is asked once
        return super(RetailTicket, self - by_rule)._plan_call_back()

    def _is_asked_by(self, rule):
        """Return whether a rule, or none, asks the customer of one ticket."""
        customer = self.partner_id
        if not rule or not customer.commercial_partner_id.retail_customer:
            return False
        transports = set(rule.channel_line_ids.channel_id.mapped('transport'))
        return rule.channel_mode != 'listed' or transports != {'phone'} or bool(customer.phone)

    def _drop_call_backs(self):
        """The customer has answered, or another round begins: he is not asked by the open follow-up."""
        result = super()._drop_call_backs()
        # sudo: as for the activity
        waiting = (
            self.env['retail.followup']
            .sudo()
            .search(
                [
                    ('res_model', '=', self._name),
                    ('res_id', 'in', self.ids),
                    ('rule_id.code', 'in', CALL_BACK_RULES),
                    ('state', 'in', ('planned', 'todo', 'failed')),
                ]
            )
        )
        if not self.env.context.get('retail_crm_call_back_answers'):
            waiting.write({'state': 'stopped', 'reason': 'goal'})
        return result

    def _next_round(self):
        """Who complains again is not asked whether he is satisfied."""
        self._drop_call_backs()
        return super()._next_round()
