from odoo import models


class IrUiMenu(models.Model):
    _inherit = 'ir.ui.menu'

    def _load_menus_blacklist(self):
        """My Day is for those who handle requests: others would open the app with a refusal."""
        hidden = super()._load_menus_blacklist()
        menu = self.env.ref('retail_crm.retail_my_day_menu', raise_if_not_found=False)
        if menu and not self.env['retail.ticket'].has_access('read'):
            hidden = [*hidden, menu.id]
        return hidden
