from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tools import SQL

KINDS = [
    ('phone', 'Same telephone number'),
    ('email', 'Same e-mail address'),
    ('birthday', 'Same name and birthday'),
    ('address', 'Same name and address'),
    ('household', 'Same family name and address'),
]
SUSPICIONS = [
    ('person', 'The same customer'),
    ('guest', 'Guest checkout'),
    ('household', 'One household'),
    ('shared', 'Shared entry'),
]
#: Decisions of a human, which are kept.
DECISIONS = ('distinct', 'household')
#: Core merges no more at once.
MAX_MERGE = 3


class RetailDuplicate(models.Model):
    """Customers who may be one: all with the same telephone, e-mail, or name and birthday or address.

    Derived by the nightly search and for changed customers (``retail_duplicate_search.py``), except for the decision
    of a human, which stands while no further customer joins the group. ``member_ids`` is what the search last found;
    ``partner_ids`` are those of them who still exist.
    """

    _name = 'retail.duplicate'
    _description = 'Possible Duplicates'
    _order = 'suspicion, customer_count desc, id desc'

    kind = fields.Selection(
        selection=KINDS, required=True, readonly=True, help='What these customers have in common.'
    )
    key = fields.Char(
        required=True, readonly=True, help='Fingerprint of the common entry, not the entry itself.'
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        readonly=True,
        ondelete='cascade',
    )
    suspicion = fields.Selection(
        selection=SUSPICIONS,
        string='Probably',
        required=True,
        readonly=True,
        help='Guest checkout: several contacts with one purchase each and no account. One household: the same '
        'telephone or address and different names. Shared entry: a placeholder, or in use by too many.',
    )
    partner_ids = fields.Many2many(
        comodel_name='res.partner',
        relation='retail_duplicate_partner_rel',
        column1='duplicate_id',
        column2='partner_id',
        string='Customers',
        readonly=True,
        help='Those who share the entry; of very many only the first.',
    )
    customer_count = fields.Integer(
        string='Number of Customers', readonly=True, help='How many share the entry.'
    )
    member_ids = fields.Json(
        string='Found', readonly=True, help='Ids of the customers as the search found them.'
    )
    state = fields.Selection(
        selection=[
            ('open', 'To decide'),
            ('distinct', 'Not duplicates'),
            ('household', 'Same household'),
            ('merged', 'Merged'),
        ],
        required=True,
        readonly=True,
        default='open',
        help='A decision stands until another customer joins the group.',
    )
    decided_ids = fields.Json(
        string='Decided For', readonly=True, help='Ids of the customers whom the decision is about.'
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Decided By',
        readonly=True,
        help='Who decided.',
    )
    decided_on = fields.Datetime(string='Decided At', readonly=True, help='When it was decided.')
    found_on = fields.Date(readonly=True, help='Day on which the group was found or grew.')
    reason = fields.Char(
        compute='_compute_reason', help='Why these customers may be one, in a sentence.'
    )

    _key_uniq = models.UniqueIndex(
        '(kind, key, COALESCE(company_id, 0))', 'A group is listed once.'
    )
    _open_idx = models.Index("(suspicion, customer_count DESC, id DESC) WHERE state = 'open'")

    # === COMPUTE ===#

    @api.depends('kind', 'partner_ids')
    def _compute_display_name(self):
        for group in self:
            names = sorted({partner.name or '' for partner in group.partner_ids[:MAX_MERGE]})
            group.display_name = ', '.join(names)

    @api.depends('kind', 'suspicion', 'customer_count')
    def _compute_reason(self):
        for group in self:
            group.reason = group._reason()

    def _reason(self):
        """Return why these customers may be one."""
        count = self.customer_count
        if self.suspicion == 'shared':
            text = self.env._(
                'One entry with %(count)s customers: a placeholder or a shared number, no duplicates.',
                count=count,
            )
        elif self.suspicion == 'guest':
            text = self.env._(
                'Guest checkout: %(count)s contacts with at most one purchase each and the same e-mail.',
                count=count,
            )
        elif self.kind == 'household':
            text = self.env._(
                '%(count)s customers of one family name at one address: perhaps one household.',
                count=count,
            )
        elif self.suspicion == 'household':
            text = self.env._(
                '%(count)s customers with one telephone number and different names: perhaps one household.',
                count=count,
            )
        elif self.kind == 'phone':
            text = self.env._('%(count)s customers with one telephone number.', count=count)
        elif self.kind == 'email':
            text = self.env._('%(count)s customers with one e-mail address.', count=count)
        elif self.kind == 'birthday':
            text = self.env._('%(count)s customers of one name and birthday.', count=count)
        else:
            text = self.env._('%(count)s customers of one name and address.', count=count)
        return text

    # === ACTIONS ===#

    def action_open_partners(self):
        """Open the customers of these groups."""
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Possible Duplicates'),
            'res_model': 'res.partner',
            'view_mode': 'list,kanban,form',
            'domain': [('id', 'in', self.partner_ids.ids)],
        }

    def action_distinct(self):
        """Note that these are different customers. For staff."""
        self._check_may_decide()
        self._decide('distinct')

    def action_household(self):
        """Note that these are different customers of one household. For staff."""
        self._check_may_decide()
        self._decide('household')

    def action_reopen(self):
        """Take a decision back. For staff."""
        self._check_may_decide()
        # sudo: checked; rows are nobody's to write otherwise
        self.sudo().filtered(lambda group: group.state in DECISIONS).write(
            {'state': 'open', 'decided_ids': False, 'user_id': False, 'decided_on': False}
        )

    def action_merge(self):
        """Open Odoo's merge of contacts with these customers; the one with most purchases is to remain.

        :raise AccessError: for those who may not merge contacts (team leaders and contact managers may)
        :raise UserError: when there is nobody left to merge, or when the e-mail addresses differ, with which Odoo lets
            nobody but administrators merge
        """
        self.ensure_one()
        self.check_access('read')
        Wizard = self.env['base.partner.merge.automatic.wizard']
        Wizard.check_access('create')
        partners = self._by_purchases()[:MAX_MERGE]
        if len(partners) < 2:
            raise UserError(self.env._('There is nobody left to merge.'))
        if len(set(partners.mapped('email'))) > 1 and not self.env.is_admin():
            raise UserError(
                self.env._(
                    'These customers have different e-mail addresses, and only an administrator can merge such. '
                    'Ask one, or first give them one address if they are the same person.'
                )
            )
        wizard = Wizard.create(
            {
                'state': 'selection',
                'partner_ids': [Command.set(partners.ids)],
                'dst_partner_id': partners[0].id,
            }
        )
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Merge Customers'),
            'res_model': wizard._name,
            'res_id': wizard.id,
            'view_mode': 'form',
            'target': 'new',
        }

    def _by_purchases(self):
        """Return the customers, those with most purchases first; of equal ones those with an account, then the oldest."""
        partners = self.partner_ids
        # sudo: only who remains is decided by it
        counts = dict(
            self.env['retail.profile']
            .sudo()
            ._read_group([('partner_id', 'in', partners.ids)], ['partner_id'], ['order_count:sum'])
        )
        accounts = partners.sudo().filtered('user_ids')._ids
        return partners.sorted(
            lambda partner: (-counts.get(partner, 0), partner.id not in accounts, partner.id)
        )

    def _check_may_decide(self):
        """Refuse those who are no staff.

        :raise AccessError: also for rows of other companies
        """
        self.check_access('read')
        if not self.env.user.has_group('retail_crm.group_user'):
            raise AccessError(self.env._('Only Retail CRM staff can decide about duplicates.'))

    def _decide(self, state):
        """Note the decision, also on open groups all of whose customers it is about."""
        # sudo: the caller checked the right; rows are nobody's to write otherwise
        groups = self.sudo()
        others = groups.search(
            [('state', '=', 'open'), ('partner_ids', 'in', groups.partner_ids.ids)]
        )
        decided = [set(group.member_ids or group.partner_ids.ids) for group in groups]
        covered = others.filtered(
            lambda other: any(set(other.member_ids or ()) <= members for members in decided)
        )
        for group in (groups | covered).filtered(lambda group: group.state != 'merged'):
            group.write(
                {
                    'state': state,
                    'decided_ids': group.member_ids,
                    'user_id': self.env.uid,
                    'decided_on': fields.Datetime.now(),
                }
            )

    # === MERGE AND REMOVAL OF CONTACTS ===#

    @api.model
    def _note_merged(self, partner):
        """Close the groups of which only this contact is left after a merge."""
        # sudo: follows from a merge that was allowed
        groups = self.sudo().search([('partner_ids', 'in', partner.ids)])
        groups.filtered(lambda group: len(group.partner_ids) < 2).write(
            {'state': 'merged', 'user_id': self.env.uid, 'decided_on': fields.Datetime.now()}
        )

    @api.model
    def _forget_partners(self, partners):
        """Take contacts who were anonymised out of all groups; those without two others go, decisions included.

        What was decided about the others stands: the fingerprint of such a group is of their entry, too.
        """
        self.flush_model()
        gone = set(partners.ids)
        # also what the search once found and what was decided about, which no longer need be members
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM retail_duplicate AS duplicate
                 WHERE EXISTS (SELECT FROM retail_duplicate_partner_rel AS member
                                WHERE member.duplicate_id = duplicate.id AND member.partner_id = ANY(%(ids)s))
                    OR EXISTS (SELECT FROM jsonb_path_query(jsonb_build_array(member_ids, decided_ids),
                                                            '$[*][*] ? (@.type() == "number")') AS found (id)
                                WHERE found.id::int = ANY(%(ids)s))
                """,
                ids=list(gone),
            )
        )
        # sudo: the caller decides; fingerprints of what was erased must not stay
        groups = self.sudo().browse(row[0] for row in rows)
        kept = groups.filtered(lambda group: len(set(group.partner_ids.ids) - gone) > 1)
        (groups - kept).unlink()
        for group in kept:  # few: each of its own members
            group.write(
                {
                    'partner_ids': [Command.unlink(id_) for id_ in gone],
                    'customer_count': group.customer_count
                    - len(gone.intersection(group.member_ids or ())),
                    **{
                        name: [id_ for id_ in group[name] if id_ not in gone]
                        for name in ('member_ids', 'decided_ids')
                        if group[name]
                    },
                }
            )
