from odoo import api, fields, models
from odoo.tools import is_html_empty

from ._classes import TRACKED


class RetailPolicy(models.Model):
    """What holds for the customers of a class: what staff do with them, how often, how urgently, and who.

    The rest of the system asks ``_for_customers`` and never a class itself (design 4.4, S-SEG-24). Attribute by
    attribute the first policy that holds for the customer and says something decides: in the order of the list, on
    the same place one of the customer's company before one of all companies, then the older one.
    """

    _name = 'retail.policy'
    _description = 'Customer Policy'
    _order = 'sequence, company_id.id, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        domain=[('parent_id', '=', False)],
        index='btree_not_null',
        help='Leave empty for a policy of all companies.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Responsible',
        default=lambda self: self.env.user,
        domain=[('share', '=', False)],
        index='btree_not_null',
        help='Looks after this policy: whether it is followed, and whether it still fits.',
    )
    class_key = fields.Selection(
        selection='_selection_class_key',
        string='Applies To',
        help='Class of the customers for whom this holds. Leave empty for all customers: at the end of the list such '
        'a policy holds for those of whom no other one says anything.',
    )
    strategy = fields.Html(
        translate=True,
        help='What staff should do with these customers, in a few words. Shown on the customer.',
    )
    contact_days = fields.Integer(
        string='Contact Every (Days)',
        help='A customer without any contact for this number of days is contacted. 0: this policy says nothing.',
    )
    priority = fields.Selection(
        selection=[('0', 'Normal'), ('1', 'High'), ('2', 'Urgent')],
        help="Priority of these customers' requests. Empty: this policy says nothing.",
    )
    team_id = fields.Many2one(
        comodel_name='crm.team',
        string='Responsible Team',
        check_company=True,
        index='btree_not_null',
        help='Team that looks after these customers. Empty: this policy says nothing.',
    )

    _check_contact_days = models.Constraint(
        'CHECK(contact_days >= 0)', 'The days between two contacts cannot be negative.'
    )

    @api.model
    def _selection_class_key(self):
        """Return the classes as ``('lifecycle.new', 'Lifecycle: New')``, in the user's language."""
        # sudo: only the names of fields and classes
        texts = (
            self.env['retail.profile']
            .sudo()
            .fields_get(self._class_columns(), ['string', 'selection'])
        )
        result = []
        for column in self._class_columns():
            label = texts[column]['string']
            if classes := texts[column].get('selection'):
                result += [(f'{column}.{key}', f'{label}: {name}') for key, name in classes]
            else:
                result.append((f'{column}.true', label))
        return result

    @api.constrains('company_id')
    def _check_company_id(self):
        """Customers are classed by the main company: a policy of a branch would never hold."""
        self.company_id._retail_check_main(
            self.env._(
                'A policy holds for a company with all its branches: choose the main company.'
            )
        )

    def copy_data(self, default=None):
        vals_list = super().copy_data(default=default)
        for policy, vals in zip(self, vals_list, strict=True):
            if 'name' not in (default or {}):
                vals['name'] = self.env._('%(name)s (copy)', name=policy.name)
        return vals_list

    # === HOOKS ===#

    @api.model
    def _attributes(self):
        """Hook: return the names of the fields by which a policy says something."""
        return ['strategy', 'contact_days', 'priority', 'team_id']

    @api.model
    def _class_columns(self):
        """Hook: return the columns of ``retail.profile`` that hold classes; a Boolean is one class."""
        return [*TRACKED, 'coarse_class', 'is_high_value']

    def _conditions(self):
        """Hook: return what must be true of a customer for this policy to hold, as a set of facts.

        A fact is any value; ``_facts_of`` says which are true of whom. All conditions of a policy must be met.
        """
        self.ensure_one()
        return {self.class_key} if self.class_key else set()

    @api.model
    def _facts_of(self, customers_sudo, company, profiles_sudo):
        """Hook: return ``{customer id: set of facts}``, in a fixed number of queries. ``self``: the policies that ask.

        :param customers_sudo: commercial partners
        :param company: the company in which they are judged, no branch
        :param profiles_sudo: their profiles in that company, of those who have one
        """
        columns = self._class_columns()
        return {
            profile.partner_id.id: {
                f'{column}.{"true" if profile[column] is True else profile[column]}'
                for column in columns
                if profile[column]
            }
            for profile in profiles_sudo
        }

    # === ASKING ===#

    @api.model
    def _for_customers(self, partners, company=None, attributes=None, profiles=None):
        """Return what holds for these customers: the question that the rest of the system asks.

        A fixed number of queries whatever the number of customers. A contact gets what holds for the person or company
        he belongs to, a branch's customer what the main company says. Nobody needs rights on policies to ask.

        :param partners: customers or their contacts
        :param company: the company that asks; default: the current one
        :param attributes: what is asked for, see ``_attributes``; default: everything
        :param profiles: the customers' profiles in the main company, by those who have read them already
        :return: ``{partner id: values}`` with the value of each attribute (empty when no policy says anything) and
            under ``'sources'`` the policy that gave each: ``{attribute: policy}``
        """
        company = (company or self.env.company).sudo().root_id  # sudo: a branch's user asks
        # sudo: whoever acts for a customer gets what holds for him, not the figures and policies behind it
        attributes = tuple(attributes or self._attributes())
        policies_sudo = self.sudo().browse(self._saying(company.id, attributes))
        partners_sudo = partners.sudo()
        partners_sudo.fetch(['commercial_partner_id'])
        customers_sudo = partners_sudo.commercial_partner_id._origin
        if profiles is None:
            profiles = (
                self._profiles_of(customers_sudo, company)
                if policies_sudo
                else self.env['retail.profile']
            )
        facts = policies_sudo._facts_of(customers_sudo, company, profiles.sudo())
        asked = set().union(*(policy._conditions() for policy in policies_sudo))
        answers = {}  # customers who differ in nothing that a policy asks for get the same answer
        result = {}
        for partner_sudo in partners_sudo:
            customer_id = partner_sudo.commercial_partner_id._origin.id
            key = frozenset(asked & facts.get(customer_id, set()))
            if key not in answers:
                answers[key] = self._answer(policies_sudo, key, attributes)
            result[partner_sudo.id] = {**answers[key], 'sources': {**answers[key]['sources']}}
        return result

    @api.model
    def _profiles_of(self, customers_sudo, company):
        """Return the customers' profiles in the company, in one query."""
        return (
            self.env['retail.profile']
            .sudo()
            .search_fetch(
                [('partner_id', 'in', customers_sudo.ids), ('company_id', '=', company.id)],
                ['partner_id', *self._class_columns()],
                order='id',
            )
        )

    @api.model
    def _answer(self, policies_sudo, facts, attributes):
        """Return the values and sources that ordered policies give a customer of these facts."""
        holding = policies_sudo.filtered(lambda policy: policy._conditions() <= facts)
        # what all policies name is read at once, not for each answer
        holding = holding.with_prefetch(policies_sudo._prefetch_ids)
        answer = {'sources': {}}
        for attribute in attributes:
            source = next((policy for policy in holding if policy._says(attribute)), self.browse())
            value = source[attribute]
            if isinstance(value, models.BaseModel):
                value = value.with_env(self.env)  # with the rights of whoever asks
            answer[attribute] = value
            if source:
                answer['sources'][attribute] = source.with_env(self.env)
        return answer

    def _says(self, attribute):
        """Return whether this policy says something by this attribute; what is archived says nothing."""
        self.ensure_one()
        value = self[attribute]
        if self._fields[attribute].type == 'html':
            return not is_html_empty(value)
        if isinstance(value, models.BaseModel) and value._active_name:
            return any(value.mapped(value._active_name))
        return bool(value)
