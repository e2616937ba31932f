import json

from odoo import http
from odoo.exceptions import UserError
from odoo.http import content_disposition, request

from odoo.addons.web.controllers.export import CSVExport, ExcelExport

XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'


class RetailPrivacy(http.Controller):
    @http.route(
        '/retail_crm/customer/<int:partner_id>/data',
        type='http',
        auth='user',
        methods=['GET'],
        readonly=False,  # that the data was handed out is written down
    )
    def customer_data(self, partner_id):
        """Hand out all that is stored about a customer; nothing of it is kept as a file."""
        partner = request.env['res.partner'].browse(partner_id).exists()
        if not partner:
            raise request.not_found()
        name = request.env._('Data of customer %(number)s', number=partner.id)
        return request.make_response(
            partner._retail_data_report(),
            headers=[
                ('Content-Type', XLSX),
                ('Content-Disposition', content_disposition(f'{name}.xlsx')),
                ('Cache-Control', 'no-store'),
            ],
        )


class RetailGroupedExport:
    """Headings of a grouped export are no cells: they would show what is masked in the rows (S-SEC-09)."""

    def base(self, data):
        params = json.loads(data)
        model = request.env[params['model']]
        if params.get('groupby') and model._retail_masks_contacts():
            paths = [spec.split(':')[0].split('.') for spec in params['groupby']]
            if any(name for _model, name in model._retail_contact_paths(paths)):
                raise UserError(
                    request.env._(
                        'A list that is grouped by telephone number or e-mail address cannot be exported without '
                        'the group "Retail CRM: Sensitive Data".'
                    )
                )
        return super().base(data)


class RetailCSVExport(RetailGroupedExport, CSVExport):
    pass


class RetailExcelExport(RetailGroupedExport, ExcelExport):
    pass
