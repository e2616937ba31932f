from odoo import api, fields, models
from odoo.fields import Command


class ResUsersRole(models.Model):
    """The role of an employee, which gives the groups that go with it."""

    _inherit = 'res.users'

    retail_role_id = fields.Many2one(
        comodel_name='retail.role',
        index='btree_not_null',
        ondelete='restrict',
        copy=False,
        help='Gives the groups of the role when you save, and takes away those that only the role before gave. '
        'Other groups stay.',
    )

    @api.model_create_multi
    def create(self, vals_list):
        users = super().create(vals_list)
        for role, members in users.filtered('retail_role_id').grouped('retail_role_id').items():
            members._retail_change_groups(role.group_ids.browse(), role.group_ids)
        return users

    def write(self, vals):
        """Exchange the groups of the old role for those of the new one.

        Only those who may write users get here with a role: it is none of the fields that one may write on oneself.
        """
        if 'retail_role_id' not in vals:
            return super().write(vals)
        by_role = self.grouped('retail_role_id')
        result = super().write(vals)
        for role, users in by_role.items():
            users._retail_change_groups(role.group_ids, users.retail_role_id.group_ids)
        return result

    def _retail_change_groups(self, old, new):
        """Give users the groups ``new`` and take away those of ``old`` that are not among them."""
        commands = [Command.unlink(group.id) for group in old - new]
        commands += [Command.link(group.id) for group in new]
        if commands and self:
            self.write({'group_ids': commands})
