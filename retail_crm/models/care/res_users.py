from odoo import fields, models


class ResUsers(models.Model):
    """Employees who leave or go away: their follow-ups go on with others (S-FUP-15)."""

    _inherit = 'res.users'

    def write(self, vals):
        result = super().write(vals)
        if vals.get('active') is False:
            for user in self.filtered(lambda one: not one.share):
                user._release_followups()
        elif {'retail_away_from', 'retail_away_until', 'retail_substitute_id'} & set(vals):
            for user in self.filtered(lambda one: one.retail_away_from or one.retail_away_until):
                user._release_followups(user.retail_away_from, user.retail_away_until)
        return result

    def _release_followups(self, first=None, last=None):
        """Give away the open follow-ups of one employee that fall due in an absence; all when there is no end to it.

        :param first: first day, None: away already
        :param last: last day, None: for good
        """
        self.ensure_one()
        if last and last < fields.Date.context_today(self):
            return
        # sudo: follow-ups follow their owner, whoever enters that he goes
        followups_sudo = self.env['retail.followup'].sudo()
        followups_sudo.search(followups_sudo._released_domain(self, first, last))._release(
            self.env._('%(name)s is away.', name=self.sudo().name)
        )
