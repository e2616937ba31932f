from collections import defaultdict

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
    retail_role_group_ids = fields.Many2many(
        comodel_name='res.groups',
        relation='retail_role_group_user_rel',
        string='Groups Given by the Role',
        readonly=True,
        copy=False,
        groups='base.group_erp_manager',
        help='Groups that the user did not have before he got his role: they go when the role no longer gives them.',
    )

    @api.model_create_multi
    def create(self, vals_list):
        users = super().create(vals_list)
        users.filtered('retail_role_id')._retail_follow_role()
        return users

    def write(self, vals):
        """Exchange the groups of the old role for those of the new one.

        Only those who may write users get here with a role: it is none of the fields that one may write on oneself.
        """
        result = super().write(vals)
        if 'retail_role_id' in vals:
            self._retail_follow_role()
        return result

    def _retail_follow_role(self):
        """Give users the groups of their role, and take away what a role gave them and theirs does not.

        What somebody gave by hand before stays, also when a role contained it for a while.
        """
        changes = defaultdict(self.browse)
        for user in self:
            wanted, given = user.retail_role_id.group_ids, user.retail_role_group_ids
            changes[wanted - user.group_ids, given - wanted] |= user
        for (more, less), users in changes.items():
            if more or less:
                commands = [Command.unlink(group.id) for group in less]
                commands += [Command.link(group.id) for group in more]
                users.write({'group_ids': commands, 'retail_role_group_ids': commands})
