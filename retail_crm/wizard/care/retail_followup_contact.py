from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

#: Customers that are contacted at once by hand: more is a campaign, for which there are rules.
MAX_CUSTOMERS = 500


class RetailFollowupContact(models.TransientModel):
    """Dialog: contact a customer by template, in his language, on a channel on which he may be contacted (S-FUP-10).

    It makes follow-ups without a rule. Several customers at once are marketing's to contact: then consents and limits
    decide about each of them.
    """

    _name = 'retail.followup.contact'
    _description = 'Contact Customers'

    partner_ids = fields.Many2many(
        comodel_name='res.partner', string='Customers', help='Who is contacted.'
    )
    customer_count = fields.Integer(
        string='How Many', compute='_compute_warning', help='How many customers are contacted.'
    )
    purpose = fields.Selection(
        selection=[('service', 'Service'), ('marketing', 'Marketing')],
        required=True,
        default=lambda self: (
            'marketing' if len(self.env.context.get('active_ids') or ()) > 1 else 'service'
        ),
        help='Service: about what was bought or asked. Marketing: offers, which need the consent of the customer.',
    )
    channel_id = fields.Many2one(
        comodel_name='retail.channel',
        compute='_compute_channel_id',
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        domain=[('transport', '!=', 'none')],
        help='How. Starts with what the customer prefers.',
    )
    transport = fields.Selection(related='channel_id.transport', string='How It Leaves')
    warning = fields.Char(
        compute='_compute_warning',
        help='What speaks against this channel: the customer refused it, prefers another one, or it is late there.',
    )
    template_id = fields.Many2one(
        comodel_name='mail.template',
        domain=[('model', '=', 'retail.followup')],
        help='Words to begin with, in the language of the customer.',
    )
    subject = fields.Char(
        compute='_compute_words',
        store=True,
        readonly=False,
        help='What it is about; the subject of a mail.',
    )
    body = fields.Html(
        compute='_compute_words',
        store=True,
        readonly=False,
        sanitize='email_outgoing',
        help='What is written, or said.',
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string='Who Does It',
        required=True,
        default=lambda self: self.env.user,
        domain=[('share', '=', False)],
        help='Who calls, or sends it by hand.',
    )
    due_on = fields.Date(
        string='When',
        required=True,
        default=fields.Date.context_today,
        help='Day on which it leaves or has to be done.',
    )
    res_model = fields.Char(string='Document Model')
    res_id = fields.Many2oneReference(string='Document', model_field='res_model')

    @api.model
    def _check_contacts(self, partners):
        """Refuse those who may not contact these customers.

        :raise AccessError: for others than employees, and for many customers than marketing and managers
        """
        user = self.env.user
        if not self.env['retail.followup'].has_access('write'):
            raise AccessError(self.env._('Only employees of the shop contact customers.'))
        if len(partners) > 1 and not user.has_groups(
            'retail_crm.group_marketing,retail_crm.group_manager'
        ):
            raise AccessError(self.env._('Several customers at once are contacted by marketing.'))

    @api.depends('partner_ids')
    def _compute_channel_id(self):
        phone = self.env.ref('retail_crm.retail_channel_phone', raise_if_not_found=False)
        email = self.env.ref('retail_crm.retail_channel_email', raise_if_not_found=False)
        for dialog in self:
            preferred = dialog.partner_ids.retail_preferred_channel_id
            usable = preferred.filtered(lambda one: one.transport != 'none')
            dialog.channel_id = usable if len(usable) == 1 else phone or email

    @api.depends('partner_ids', 'channel_id')
    def _compute_warning(self):
        for dialog in self:
            warnings = (
                dialog.partner_ids._contact_warnings(dialog.channel_id.transport)
                if dialog.channel_id
                else {}
            )
            dialog.customer_count = len(dialog.partner_ids)
            if len(dialog.partner_ids) == 1:
                dialog.warning = next(iter(warnings.values()), False)
            else:
                dialog.warning = bool(warnings) and self.env._(
                    'For %(count)s of them something speaks against this channel.',
                    count=len(warnings),
                )

    @api.depends('template_id', 'partner_ids')
    def _compute_words(self):
        """Fill the template in the language of one customer; for many it is filled when it leaves."""
        for dialog in self:
            template, partner = dialog.template_id, dialog.partner_ids[:1]._origin
            if not template or len(dialog.partner_ids) != 1:
                continue
            partner.check_access('read')
            # sudo: only of a customer whom the user sees
            followup = (
                self.env['retail.followup']
                .sudo()
                .new(
                    {
                        'partner_id': partner.id,
                        'company_id': self.env.company.sudo().root_id.id,
                        'purpose': dialog.purpose or 'service',
                        'user_id': dialog.user_id.id,
                    }
                )
            )
            contents = followup._contents_begun(template, partner.lang or self.env.lang)
            dialog.update(contents.get(followup.id, {}))

    def action_apply(self):
        """Contact them, or have it done.

        :raise AccessError: for those who may not
        :raise UserError: to the past, without words, when nobody can be contacted, and for somebody who may not do it
        """
        self.ensure_one()
        partners = self.partner_ids
        self._check_contacts(partners)
        partners.check_access('read')
        if not partners:
            raise UserError(self.env._('Choose the customers.'))
        if len(partners) > MAX_CUSTOMERS:
            raise UserError(
                self.env._(
                    'Contact at most %(count)s customers at once; for more make a rule.',
                    count=MAX_CUSTOMERS,
                )
            )
        if self.due_on < fields.Date.context_today(self):
            raise UserError(self.env._('The day cannot be in the past.'))
        is_written = self.transport in ('email', 'sms', 'letter', 'portal')
        if is_written and not (self.body or self.template_id):
            raise UserError(self.env._('Choose a template, or write something.'))
        followups = self.env['retail.followup']._start_contacts(partners, self._values(), now=False)
        followups._check_may_own(self.user_id)
        followups.sudo()._leave_now()  # sudo: the sending is the system's
        return self._told(followups)

    def _values(self):
        """Return the values of the follow-ups."""
        is_many = len(self.partner_ids) > 1
        return {
            'purpose': self.purpose,
            'family': 'other',
            # who asks or is served expects an answer; many at once are limited as any other marketing
            'is_expected': not is_many and self.purpose == 'service',
            'channel_id': self.channel_id.id,
            'template_id': self.template_id.id,
            **(
                {} if is_many and self.template_id else {'subject': self.subject, 'body': self.body}
            ),
            'user_id': self.user_id.id,
            'due_on': self.due_on,
            **self._document(),
        }

    def _document(self):
        """Return what the contact is about, if the user may read it and it is this customer's."""
        if self.res_model not in ('sale.order', 'retail.ticket') or not self.res_id:
            return {}
        document = self.env[self.res_model].browse(self.res_id).exists()._filtered_access('read')
        # sudo: read above
        document_sudo = document.sudo()
        customers = self.partner_ids.commercial_partner_id
        if not document or document_sudo.partner_id.commercial_partner_id != customers:
            return {}
        return {'res_model': self.res_model, 'res_id': self.res_id}

    def _told(self, followups):
        """Return what happened: the follow-up itself, or how many were made and why others were not contacted."""
        if len(followups) == 1:
            return {
                'type': 'ir.actions.act_window',
                'res_model': 'retail.followup',
                'res_id': followups.id,
                'view_mode': 'form',
                'views': [(False, 'form')],
            }
        action = self.env['ir.actions.act_window']._for_xml_id('retail_crm.retail_followup_action')
        return {**action, 'domain': [('id', 'in', followups.ids)], 'context': {}}
