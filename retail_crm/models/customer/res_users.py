from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ._evidence import names_of_evidence

#: What every employee sets himself in his preferences.
_OWN_FIELDS = ['retail_substitute_id', 'retail_away_from', 'retail_away_until']


class ResUsers(models.Model):
    """Employees as advisers with their substitutes; and a portal account makes its contact a potential customer."""

    _inherit = 'res.users'

    retail_substitute_id = fields.Many2one(
        comodel_name='res.users',
        string='Substitute',
        domain=[('share', '=', False)],
        index='btree_not_null',
        ondelete='set null',
        help="Looks after this employee's customers while the employee is away.",
    )
    retail_away_from = fields.Date(
        string='Away From',
        help='First day of absence. Empty, with a last day: away already.',
    )
    retail_away_until = fields.Date(
        string='Away Until',
        help='Last day of absence. Empty, with a first day: until further notice.',
    )

    _check_retail_away = models.Constraint(
        'CHECK(retail_away_until >= retail_away_from)',
        'The last day of absence cannot be before the first.',
    )
    _check_retail_substitute = models.Constraint(
        'CHECK(retail_substitute_id != id)', 'Nobody can be his own substitute.'
    )

    @api.constrains('retail_substitute_id')
    def _check_retail_substitute_id(self):
        if self.sudo().retail_substitute_id.filtered('share'):  # sudo: a flag of the colleague
            raise ValidationError(self.env._('Only an employee can be a substitute.'))

    @property
    def SELF_READABLE_FIELDS(self):
        return [*super().SELF_READABLE_FIELDS, *_OWN_FIELDS]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return [*super().SELF_WRITEABLE_FIELDS, *_OWN_FIELDS]

    # === CRUD ===#

    @api.model_create_multi
    def create(self, vals_list):
        users = super().create(vals_list)
        users._announce_accounts(users.filtered('share').partner_id)
        return users

    def write(self, vals):
        """Announce accounts that are given, taken away or handed to somebody else."""
        if not {'active', 'group_ids', 'partner_id'} & set(vals):
            return super().write(vals)
        partners = self.filtered('share').partner_id
        result = super().write(vals)
        self._announce_accounts(partners | self.filtered('share').partner_id)
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_evidence(self):
        if names := names_of_evidence(self):
            raise UserError(
                self.env._(
                    'This user cannot be deleted, he is named in: %(what)s. Archive him instead.',
                    what=', '.join(names),
                )
            )

    def _announce_accounts(self, partners):
        self.env.registry.clear_cache()  # of _sql_not_counted_partners
        self.env['retail.moment']._emit('partner_changed', partners)

    # === ADVISERS ===#

    def _retail_is_away(self, day):
        """Return whether the employee is away on this day."""
        self.ensure_one()
        first, last = self.retail_away_from, self.retail_away_until
        return bool(first or last) and (not first or first <= day) and (not last or day <= last)

    def _retail_stand_ins(self, day=None):
        """Return who works for each of these employees on a day (today): himself, or the substitute of a substitute.

        Nobody where the chain ends with somebody who has left, with an absence without substitute, or in a circle.

        :return: ``{user id: user or empty recordset}``
        """
        day = day or fields.Date.context_today(self)
        result = {}
        for user in self.sudo():  # sudo: absences of colleagues, which are no secret
            seen, present = user.browse(), user
            while present.active and present not in seen and present._retail_is_away(day):
                seen |= present
                present = present.retail_substitute_id
            fits = present.active and not present.share and present not in seen
            result[user.id] = self.browse(present.id if fits else ())
        return result

    def _on_class_changed(self, moments):
        """Give an adviser to those who came to be of high value, by the rule of their company."""
        self.env['res.partner']._assign_advisers(moments.partner_id.exists())

    @api.model
    def _action_retail_hand_over(self, users):
        """Return the dialog that hands the customers of an adviser to another."""
        return self.env['retail.adviser.assign']._action_open(
            {'default_mode': 'hand_over', 'default_from_user_id': users[:1].id}
        )
