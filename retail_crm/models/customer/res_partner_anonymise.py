from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL

#: Customers that are anonymised at once: each is a decision, not a campaign.
MAX_CUSTOMERS = 200

#: Fields of core and its add-ons that tell who somebody is or how to reach him. Country and language stay: they are
#: needed for taxes and statistics and tell nobody's name.
_CORE_FIELDS = (
    'email',
    'phone',
    'street',
    'street2',
    'zip',
    'city',
    'state_id',
    'vat',
    'company_registry',
    'company_name',
    'ref',
    'comment',
    'website',
    'function',
    'barcode',
    'image_1920',
    'partner_latitude',
    'partner_longitude',
    'global_location_number',
    'peppol_endpoint',
    'sale_warn_msg',
    'properties',
    'user_id',
)
#: Fields of ours that are no personal data or are kept on purpose.
_KEPT = {'retail_customer', 'retail_anonymised_on', 'retail_snoozed_until'}


class ResPartnerAnonymise(models.Model):
    """Erase who a customer was and keep what was bought (S-SEC-07).

    Names, contact data, the whole file, notes and pictures go; purchases, figures, orders and invoices stay with a
    contact that has no name, so no total of the company changes. It cannot be undone.
    """

    _inherit = 'res.partner'

    def action_retail_anonymise(self):
        """Ask for the reason and show what will happen.

        :raise AccessError: for users who are not both manager and in the group of sensitive data
        """
        self._retail_check_privacy_officer()
        self.check_access('write')
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._('Anonymise Customers'),
            'res_model': 'retail.anonymise',
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_partner_ids': [Command.set(self.ids)]},
        }

    def _retail_anonymise(self, reason):
        """Anonymise customers and their contacts.

        :raise UserError: naming those who cannot be, and why; nobody is then
        """
        self._retail_check_privacy_officer()
        self.check_access('write')
        if not (reason or '').strip():
            raise UserError(
                self.env._('Say why the customer is anonymised: it is written to the access log.')
            )
        if len(self) > MAX_CUSTOMERS:
            raise UserError(
                self.env._('Anonymise at most %(count)s customers at once.', count=MAX_CUSTOMERS)
            )
        if obstacles := self._retail_anonymise_obstacles():
            raise UserError('\n'.join(obstacles))
        # sudo: the officer erases also what lies in apps that he does not use himself; rights were checked above
        family = self._retail_family_sudo().with_context(
            tracking_disable=True, mail_notrack=True, mail_create_nolog=True
        )
        family._retail_erase_copies()  # before the next step notes why consents are withdrawn
        family._retail_withdraw_consents()
        family._retail_close_accounts()
        family._retail_erase_documents()
        family._retail_anonymise_rows()
        family._retail_erase_file()
        # last: some of the steps before leave a note of what was there
        family._retail_erase_notes()
        for partner in self:  # one row each: that it was done must be found for each of them
            self.env['retail.access.log']._log('anonymise', partner, note=reason.strip())

    def _retail_family_sudo(self):
        """Return the customers and their contacts, whatever the user may see of them."""
        # sudo: see _retail_anonymise
        return self.sudo().with_context(active_test=False).search([('id', 'child_of', self.ids)])

    # === OBSTACLES ===#

    def _retail_anonymise_obstacles(self):
        """Return in words why some of the customers cannot be anonymised; empty when all can."""
        family = self._retail_family_sudo()
        found = {
            self.env._('%(names)s: employees are no customers.'): family.filtered(
                lambda partner: (
                    any(not user.share for user in partner.user_ids) or partner.is_public
                )
            ),
            self.env._('%(names)s: a company of this shop.'): self.env['res.company']
            .sudo()
            .search([('partner_id', 'in', family.ids)])
            .partner_id,
            self.env._(
                '%(names)s: there are open quotations. Confirm or cancel them first.'
            ): family
            & self._retail_partners_of(
                'sale.order',
                ('partner_id', 'partner_invoice_id', 'partner_shipping_id'),
                Domain('state', 'in', ('draft', 'sent')),
                family,
            ),
            self.env._('%(names)s: there are invoices that are drafts or not paid.'): family
            & self._retail_partners_of(
                'account.move',
                ('partner_id', 'partner_shipping_id', 'commercial_partner_id'),
                Domain('move_type', '!=', 'entry')
                & (
                    Domain('state', '=', 'draft')
                    | Domain('state', '=', 'posted')
                    & Domain('payment_state', 'in', ('not_paid', 'partial', 'in_payment'))
                ),
                family,
            ),
        }
        return [
            text % {'names': ', '.join(partners.mapped('display_name'))}
            for text, partners in found.items()
            if partners
        ]

    @api.model
    def _retail_partners_of(self, model, names, domain, partners):
        """Return the contacts whom such documents name."""
        named = Domain.OR(Domain(name, 'in', partners.ids) for name in names)
        documents = self.env[model].sudo().search_fetch(domain & named, names)  # sudo: see above
        return partners.browse().union(*(documents[name] for name in names))

    # === STEPS ===#

    def _retail_withdraw_consents(self):
        """Withdraw what was agreed to; the evidence that it was stays."""
        groups = self.env['retail.consent']._read_group(
            [
                ('partner_id', 'in', self.ids),
                ('is_current', '=', True),
                ('state', '=', 'granted'),
            ],
            ['partner_id', 'company_id'],
            ['id:recordset'],
        )
        for partner, company, consents in groups:
            self.env['retail.consent']._record(
                partner,
                {(consent.purpose, consent.channel_id): False for consent in consents},
                source='other',
                company=company,
                note=self.env._('Anonymised'),
            )

    def _retail_close_accounts(self):
        """Close portal accounts: nobody signs in by them, and their names tell nothing."""
        users = self.with_context(active_test=False).user_ids
        for user in users:  # each has a name of its own; one or none for each customer
            user.write({'login': f'__anonymous_{user.id}', 'password': '', 'signature': False})
        users.api_key_ids._remove()
        users.filtered('active').action_archive()

    def _retail_erase_notes(self):
        """Empty the conversation on the contact and remove files, activities and followers."""
        env = self.env
        env.flush_all()
        banks = env['res.partner.bank'].with_context(active_test=False)
        messages = SQL(
            "(model = 'res.partner' AND res_id = ANY(%s) OR model = 'res.partner.bank' AND res_id = ANY(%s))",
            self.ids,
            banks.search([('partner_id', 'in', self.ids)]).ids,
        )
        self._retail_empty_messages(messages)
        # what he wrote elsewhere stays with the document; the address from which he wrote does not
        env.cr.execute(
            SQL(
                'UPDATE mail_message SET email_from = NULL, reply_to = NULL WHERE author_id = ANY(%s)',
                self.ids,
            )
        )
        env.cr.execute(
            SQL(
                'UPDATE mail_notification SET mail_email_address = NULL WHERE res_partner_id = ANY(%s)',
                self.ids,
            )
        )
        env.invalidate_all()
        on_contact = [('res_model', '=', 'res.partner'), ('res_id', 'in', self.ids)]
        env['ir.attachment'].search([*on_contact, ('res_field', '=', False)]).unlink()
        env['mail.activity'].with_context(active_test=False).search(on_contact).unlink()
        env['mail.followers'].search(
            Domain(on_contact) | Domain('partner_id', 'in', self.ids)
        ).unlink()

    @api.model
    def _retail_empty_messages(self, messages):
        """Empty the messages of a condition on ``mail_message``, their mails and what they tell of changes."""
        env = self.env
        env.cr.execute(
            SQL(
                'DELETE FROM mail_tracking_value WHERE mail_message_id IN (SELECT id FROM mail_message WHERE %s)',
                messages,
            )
        )
        env.cr.execute(
            SQL(
                """
                UPDATE mail_message
                   SET body = '', subject = NULL, email_from = NULL, reply_to = NULL,
                       incoming_email_to = NULL, incoming_email_cc = NULL, outgoing_email_to = NULL
                 WHERE %s
                """,
                messages,
            )
        )
        env.cr.execute(
            SQL(
                'UPDATE mail_notification SET mail_email_address = NULL '
                'WHERE mail_message_id IN (SELECT id FROM mail_message WHERE %s)',
                messages,
            )
        )
        env.cr.execute(
            SQL(
                """
                UPDATE mail_mail
                   SET body_html = '', email_to = NULL, email_cc = NULL
                 WHERE mail_message_id IN (SELECT id FROM mail_message WHERE %s)
                """,
                messages,
            )
        )

    def _retail_erase_copies(self):
        """Empty what other records have copied from the contact."""
        self.env.flush_all()
        for model, (link, names) in self._retail_personal_copies().items():
            table = self.env[model]._table
            self.env.cr.execute(
                SQL(
                    'UPDATE %s SET %s WHERE %s = ANY(%s)',
                    SQL.identifier(table),
                    SQL(', ').join(SQL('%s = NULL', SQL.identifier(name)) for name in names),
                    SQL.identifier(link),
                    self.ids,
                )
            )
        self.env.invalidate_all()

    @api.model
    def _retail_personal_copies(self):
        """Hook: return ``{model: (its link to the contact, its columns that repeat personal data)}``.

        Only columns that may be empty, and never those of issued documents.
        """
        return {
            'payment.transaction': (
                'partner_id',
                (
                    'partner_name',
                    'partner_email',
                    'partner_phone',
                    'partner_address',
                    'partner_zip',
                    'partner_city',
                ),
            ),
            'retail.consent': ('partner_id', ('note',)),
            'retail.touch': ('partner_id', ('note',)),
            'sale.order': ('partner_id', ('client_order_ref', 'signed_by')),
            'survey.user_input': ('partner_id', ('email', 'nickname')),
        }

    def _retail_erase_documents(self):
        """Remove the signatures on orders, and empty what staff noted on activities of any documents of the customers.

        The activities stay: what is to be done is still to be done.
        """
        env = self.env
        env.flush_all()
        orders = env['sale.order'].search([('partner_id', 'in', self.ids)])
        env['ir.attachment'].search(
            [
                ('res_model', '=', 'sale.order'),
                ('res_field', '=', 'signature'),
                ('res_id', 'in', orders.ids),
            ]
        ).unlink()
        activities = env['mail.activity'].with_context(active_test=False)
        for (model,) in activities._read_group([('res_model', '!=', False)], ['res_model']):
            field = env[model]._fields.get('partner_id') if model in env else None
            if field and field.store and field.comodel_name == 'res.partner':
                env.cr.execute(
                    SQL(
                        """
                        UPDATE mail_activity SET summary = NULL, note = NULL, feedback = NULL
                         WHERE res_model = %s AND res_id IN (SELECT id FROM %s WHERE partner_id = ANY(%s))
                        """,
                        model,
                        SQL.identifier(env[model]._table),
                        self.ids,
                    )
                )
        env.invalidate_all()

    def _retail_anonymise_rows(self):
        """Hook: remove rows of other models that describe these customers. Runs as superuser, rights are checked."""
        self.env['retail.duplicate']._forget_partners(self)
        self.env['retail.occasion.date'].search([('partner_id', 'in', self.ids)]).unlink()
        banks = self.env['res.partner.bank'].with_context(active_test=False)
        banks = banks.search([('partner_id', 'in', self.ids)])
        banks.filtered('allow_out_payment').allow_out_payment = False
        for (
            bank
        ) in banks:  # numbers are unique; payments may name the account, so it cannot be deleted
            bank.write({'acc_number': f'anonymous-{bank.id}', 'acc_holder_name': False})
        banks.action_archive()

    @api.model
    def _retail_personal_fields(self):
        """Hook: return the fields of contacts that are emptied: core's by name, and all that we store by ourselves."""
        ours = [
            name
            for name, field in self._fields.items()
            if (name.startswith('retail_') and name not in _KEPT)
            and (field.store or field.type == 'many2many')
            and field.type != 'one2many'
            and not field.compute
        ]
        core = [name for name in _CORE_FIELDS if name in self._fields]
        return [*core, *ours, 'category_id']

    def _retail_erase_file(self):
        """Empty the contacts, give them a name that tells nothing, and archive them.

        Addresses and names go by SQL: written on a contact of a company, an empty address empties the company's, too.
        """
        names = self._retail_personal_fields()
        commercial = [name for name in names if name in self._synced_commercial_fields()]
        by_sql = {name for name in names if name in self._address_fields()}
        by_sql |= {
            name for name in names if self._fields[name].company_dependent
        }  # of all companies
        values = {
            name: [Command.clear()] if self._fields[name].type == 'many2many' else False
            for name in names
            if name not in by_sql and name not in commercial
        }
        self.write(values | {'retail_anonymised_on': fields.Date.context_today(self)})
        # a contact repeats the tax number of its company, which is nobody's personal data
        own = self.filtered(lambda partner: partner.commercial_partner_id in self)
        own.write(dict.fromkeys(commercial, False))
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                'UPDATE res_partner SET %s, name = %s || id WHERE id = ANY(%s)',
                SQL(', ').join(SQL('%s = NULL', SQL.identifier(name)) for name in by_sql),
                f'{self.env._("Anonymous")} ',
                self.ids,
            )
        )
        self.invalidate_recordset()
        self.modified(['name', *by_sql])
        # core would take closed accounts for open ones
        self.filtered('active').with_context(active_test=True).action_archive()
