from odoo import api, fields, models

from .retail_ticket_stage import OPEN_CATEGORIES


class RetailTicketValues(models.Model):
    """What tickets get by themselves when they are made: type, stage, team, company and priority, batch by batch."""

    _inherit = 'retail.ticket'

    @api.depends('partner_id')
    def _compute_priority(self):
        """Ask the policy once for the priority of all customers; what is higher already stays."""
        for company, tickets in self.grouped('company_id').items():
            priorities = self._priorities_of(tickets.partner_id, company)
            for ticket in tickets:
                by_policy = priorities.get(ticket.partner_id.id, '0')
                ticket.priority = max(ticket.priority or '0', by_policy)

    @api.model
    def _priorities_of(self, partners, company):
        """Return ``{partner id: priority}`` as policies and privileges give it."""
        answers = self.env['retail.policy']._for_customers(partners, company, ['priority'])
        return {partner_id: answer['priority'] or '0' for partner_id, answer in answers.items()}

    def _fill_types(self, vals_list):
        """Give type and first stage to those without."""
        Type = self.env['retail.ticket.type']
        if any(not vals.get('type_id') for vals in vals_list):
            usual = self.env.context.get('default_type_id') or Type._default_type().id
            for vals in vals_list:
                vals['type_id'] = vals.get('type_id') or usual
        first = Type.browse({vals['type_id'] for vals in vals_list})._first_stages()
        for vals in vals_list:
            if not vals.get('stage_id'):
                vals['stage_id'] = first[Type.browse(vals['type_id'])].id

    def _fill_teams(self, vals_list):
        """Give a team (and its company) to those without, by type, company and store; each case is asked once."""
        Team, Type = self.env['retail.ticket.team'], self.env['retail.ticket.type']
        Company, Store = self.env['res.company'], self.env['crm.team']
        found = {}
        for vals in vals_list:
            if vals.get('team_id'):
                vals.setdefault('company_id', Team.browse(vals['team_id']).sudo().company_id.id)
                continue
            company = Company.browse(vals.get('company_id') or self.env.company.id)
            key = (vals['type_id'], company.id, vals.get('store_id'))
            if key not in found:
                kind = Type.browse(vals['type_id']).with_company(company)
                found[key] = kind.team_id or Team._find(
                    kind.team_kind or 'desk',
                    company,
                    Store.browse(vals.get('store_id') or []),
                    kind,
                )
            vals['team_id'] = found[key].id

    def _fill_ends(self, vals_list):
        """Say when those ended that are entered as solved or filed."""
        now = fields.Datetime.now()
        for vals in vals_list:
            category = self.env['retail.ticket.stage'].browse(vals['stage_id']).category
            if category in ('solved', 'archived'):
                for name in ('solved_at', 'first_solved_at'):
                    vals[name] = vals.get(name) or now
                vals['solved_by'] = vals.get('solved_by') or self.env.uid
            if category == 'archived':
                vals['archived_at'] = vals.get('archived_at') or now

    def _keep_stage_of_type(self, vals):
        """A type with another process keeps the meaning of the stage: the first stage of the same category."""
        if not vals.get('type_id') or 'stage_id' in vals or not self:
            return
        kind = self.env['retail.ticket.type'].browse(vals['type_id'])
        stages = kind._stages()
        if stages and any(ticket.stage_id not in stages for ticket in self):
            category = self[:1].category
            stage = kind._stage_of([category]) or kind._stage_of(OPEN_CATEGORIES) or stages[:1]
            vals['stage_id'] = stage.id
