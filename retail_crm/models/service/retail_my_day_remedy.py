from odoo import api, fields, models

from .retail_my_day import _LIMIT


class RetailMyDayRemedy(models.AbstractModel):
    """What waits for the approval of the user comes first: somebody stands at the counter."""

    _inherit = 'retail.my.day'

    def _sections(self, start, end):
        sections = super()._sections(start, end)
        approvals = self._section_approvals()
        return [approvals, *sections] if approvals['count'] else sections

    @api.model
    def _section_approvals(self):
        Remedy = self.env['retail.remedy']
        domain = [('state', '=', 'waiting'), ('approver_id', '=', self.env.uid)]
        rows = Remedy.search(domain, order='approve_until, id', limit=_LIMIT)
        return {
            'key': 'approvals',
            'title': self.env._('To approve'),
            'icon': 'fa-gavel',
            'count': len(rows) if len(rows) < _LIMIT else Remedy.search_count(domain),
            'empty': self.env._('Nothing waits for your approval.'),
            'action': {
                'type': 'ir.actions.act_window',
                'name': self.env._('To Approve'),
                'res_model': 'retail.remedy',
                'views': [[False, 'list'], [False, 'kanban'], [False, 'form']],
                'domain': domain,
            },
            'rows': [
                {
                    'id': row.id,
                    'model': 'retail.remedy',
                    'title': row._words(),
                    # sudo: names on a ticket that the user reads
                    'text': row.partner_id.sudo().display_name or '',
                    'date': fields.Datetime.to_string(row.approve_until) or '',
                    'countdown': True,
                    'note': row.sudo().requested_by.name or '',
                }
                for row in rows
            ],
        }
