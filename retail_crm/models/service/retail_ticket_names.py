from odoo import api, models
from odoo.tools import ormcache


class RetailNameKept(models.AbstractModel):
    """Names of small tables of settings, kept in memory: pages that only name them do not ask for them (budgets).

    A list of tickets names five of these tables: five queries, each of which costs as much as ten rows.
    Invariant: whatever changes a name, or adds or removes a row, forgets them.
    """

    _name = 'retail.name.kept'
    _description = 'Setting Whose Name Is Kept'

    @api.depends('name')
    @api.depends_context('lang')
    def _compute_display_name(self):
        names = self._kept_names(self.env.lang) if any(self._ids) else {}
        unknown = self.browse()
        for record in self:
            if record.id in names:
                record.display_name = names[record.id]
            else:  # entered just now, or gone
                unknown |= record
        return super(RetailNameKept, unknown)._compute_display_name()

    @api.model
    @ormcache('lang')
    def _kept_names(self, lang):
        """Return ``{id: name}`` of all of them."""
        # sudo: names only; who may read a record that names one of them sees its name in all of Odoo
        everything = (
            self.sudo().with_context(active_test=False, lang=lang).search_fetch([], ['name'])
        )
        return {record.id: record.name for record in everything}

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        self.env.registry.clear_cache()  # of _kept_names
        return records

    def write(self, vals):
        result = super().write(vals)
        if 'name' in vals:
            self.env.registry.clear_cache()
        return result

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()

    def _update_field_translations(self, field_name, *args, **kwargs):
        result = super()._update_field_translations(field_name, *args, **kwargs)
        self.env.registry.clear_cache()
        return result


class RetailTicketType(models.Model):
    _name = 'retail.ticket.type'
    _inherit = ['retail.ticket.type', 'retail.name.kept']


class RetailTicketStage(models.Model):
    _name = 'retail.ticket.stage'
    _inherit = ['retail.ticket.stage', 'retail.name.kept']


class RetailTicketTeam(models.Model):
    _name = 'retail.ticket.team'
    _inherit = ['retail.ticket.team', 'retail.name.kept']


class RetailTicketReason(models.Model):
    _name = 'retail.ticket.reason'
    _inherit = ['retail.ticket.reason', 'retail.name.kept']


class RetailTicketCause(models.Model):
    _name = 'retail.ticket.cause'
    _inherit = ['retail.ticket.cause', 'retail.name.kept']


class RetailSlaPolicy(models.Model):
    _name = 'retail.sla.policy'
    _inherit = ['retail.sla.policy', 'retail.name.kept']


class RetailChannel(models.Model):
    _name = 'retail.channel'
    _inherit = ['retail.channel', 'retail.name.kept']
