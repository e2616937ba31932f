from datetime import datetime

import pytz

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache


class ResCompany(models.Model):
    _inherit = 'res.company'

    retail_purchase_basis = fields.Selection(
        selection=[
            ('order', 'Confirmed orders less credited goods'),
            ('invoice', 'Posted invoices less credit notes'),
        ],
        string='Purchases Counted',
        required=True,
        default='order',
        help='Documents from which customer figures are made. A change recomputes all figures in the background.',
    )
    retail_margin_percent = fields.Float(
        string='Usual Margin (%)',
        default=30.0,
        help='Margin in percent of the net price, used where neither the order line nor the product category knows better.',
    )
    retail_service_consent = fields.Boolean(
        string='Service Contacts Need Consent',
        default=True,
        help='On: customers are called and written to about what they bought only when they agreed. Off: unless they '
        'refused. Answers to their own requests are always allowed.',
    )
    retail_adviser_rule = fields.Selection(
        selection=[
            ('none', 'Chosen by hand'),
            ('guide', 'Usual shop guide'),
            ('leader', 'Leader of the usual store'),
        ],
        string='Adviser of High-Value Customers',
        required=True,
        default='none',
        help='Who becomes the adviser of a customer of high value who has none: the employee or the leader of the store '
        'of most purchases of the last 12 months. An adviser who was chosen is never replaced.',
    )
    retail_gap_days = fields.Float(
        string='Usual Days Between Purchases',
        readonly=True,
        digits=(16, 4),
        help='Mean over all customers with two purchase days or more of their own mean number of days between purchases. '
        'Measured by the full refresh; customers with few purchases are judged by it.',
    )
    retail_refreshed_at = fields.Datetime(
        string='Figures Last Computed',
        readonly=True,
        help='When customer figures were last brought up to date.',
    )
    retail_full_refreshed_at = fields.Datetime(
        string='Figures Last Computed in Full',
        readonly=True,
        help='When all customers were last compared with each other.',
    )
    retail_rebuild_pending = fields.Boolean(
        string='Rebuild Pending',
        readonly=True,
        help='All purchases will be derived again by the next run of the nightly repair.',
    )
    retail_repair_cursor = fields.Char(
        string='Repair Continues After',
        readonly=True,
        copy=False,
        help='Document up to which the nightly repair has compared purchases with documents.',
    )

    retail_repair_tonight = fields.Char(
        string='Repair Tonight',
        readonly=True,
        copy=False,
        help='What the nightly repair that is under way still has to look at.',
    )

    _check_retail_margin_percent = models.Constraint(
        'CHECK(retail_margin_percent >= -100 AND retail_margin_percent <= 100)',
        'The margin must be between -100 and 100 percent.',
    )

    @api.model_create_multi
    def create(self, vals_list):
        """Take our own companies and branches for no customers."""
        companies = super().create(vals_list)
        companies.partner_id.retail_customer = False
        self.env.registry.clear_cache()  # of _sql_not_counted_partners
        return companies

    def write(self, vals):
        """Derive purchases again when a rule that makes them changes."""
        watched = {
            'retail_purchase_basis',
            'retail_margin_percent',
            'resource_calendar_id',
        } & set(vals)
        before = {company.id: [company[name] for name in watched] for company in self}
        result = super().write(vals)
        if 'resource_calendar_id' in vals:
            self.env.registry.clear_cache()  # of _retail_timezone
        changed = self.filtered(lambda c: [c[name] for name in watched] != before[c.id])
        if watched == {'resource_calendar_id'}:
            # Only the zone of purchases counts: core gives a calendar to each new company and branch.
            purchases = self.env['retail.purchase'].sudo()  # sudo: only asks whether there is any
            changed = changed.filtered(
                lambda c: (
                    c == c.root_id and purchases.search_count([('company_id', '=', c.id)], limit=1)
                )
            )
        if changed:
            changed.root_id._retail_request_rebuild()
        return result

    @api.model
    def _get_company_root_delegated_field_names(self):
        """Branches count and judge purchases as the company they belong to."""
        return [
            *super()._get_company_root_delegated_field_names(),
            'retail_purchase_basis',
            'retail_margin_percent',
            'retail_service_consent',
            'retail_adviser_rule',
        ]

    @api.model
    def _retail_roots(self):
        """Return all companies that are no branches, archived ones too: their figures stay true."""
        # sudo: figures are made for all companies, whoever asks
        companies = self.sudo().with_context(active_test=False)
        return companies.search([('parent_id', '=', False)], order='id')

    def _retail_check_main(self, message):
        """Refuse branches where something holds for a company with all its branches.

        :raise ValidationError: with the message
        """
        if self.sudo().filtered('parent_id'):  # sudo: whether it is a branch is no secret
            raise ValidationError(message)

    def _retail_request_rebuild(self):
        """Ask the nightly repair to derive all purchases of these companies again, soon."""
        if not self:
            return
        self.sudo().retail_rebuild_pending = True  # sudo: settings users may not write run times
        # The walk begins anew, so that it passes every document after the change.
        self._retail_roots()[:1].write(
            {'retail_repair_cursor': False, 'retail_repair_tonight': False}
        )
        cron = self.env.ref('retail_crm.ir_cron_repair_purchases', raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger()  # sudo: only starts our own scheduled action

    @ormcache('self.id')
    def _retail_timezone(self):
        """Return the name of the zone in which this company counts days, which every customer form asks for."""
        self.ensure_one()
        return self.root_id.resource_calendar_id.tz or 'UTC'

    def _retail_today(self):
        """Return today's date where this company is."""
        # fields.Datetime.now() can be frozen by tests, unlike the database's clock
        now = pytz.utc.localize(fields.Datetime.now())
        return datetime.astimezone(now, pytz.timezone(self._retail_timezone())).date()
