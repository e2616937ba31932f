from odoo import api, models
from odoo.tools import SQL, ormcache

SEQUENCE = 'retail.ticket'


class RetailTicketNumber(models.Model):
    """Numbers of tickets: from Odoo's sequence, a whole batch in one statement."""

    _inherit = 'retail.ticket'

    @api.model
    def _fill_numbers(self, vals_list):
        """Give numbers to values without one, company by company."""
        wanted = {}
        for vals in vals_list:
            if vals.get('name', '/') == '/':
                wanted.setdefault(vals.get('company_id') or self.env.company.id, []).append(vals)
        for company_id, of_company in wanted.items():
            numbers = self._next_numbers(len(of_company), company_id)
            for vals, number in zip(of_company, numbers, strict=True):
                vals['name'] = number

    @api.model
    @ormcache('company_id')
    def _sequence_id(self, company_id):
        """Return the id of the sequence of a company, its own or the shared one; kept until sequences change."""
        return (
            self.env['ir.sequence']
            .sudo()  # sudo: as above
            .search(
                [('code', '=', SEQUENCE), ('company_id', 'in', (company_id, False))],
                order='company_id',
                limit=1,
            )
            .id
        )

    @api.model
    def _next_numbers(self, count, company_id):
        """Return ``count`` numbers of the company's sequence; a usual one is asked once, a gapless one each time."""
        # sudo: numbering is the system's work, nobody else may touch sequences
        Sequence = self.env['ir.sequence'].sudo().with_company(company_id)
        sequence_sudo = Sequence.browse(self._sequence_id(company_id))
        if (
            not sequence_sudo
            or sequence_sudo.implementation != 'standard'
            or sequence_sudo.use_date_range
        ):
            return [sequence_sudo.next_by_id() if sequence_sudo else '/' for _index in range(count)]
        rows = self.env.execute_query(
            SQL(
                'SELECT nextval(%s) FROM generate_series(1, %s)',
                f'ir_sequence_{sequence_sudo.id:03d}',
                count,
            )
        )
        prefix, suffix = sequence_sudo._get_prefix_suffix()  # the same for all of them
        return [f'{prefix}{number:0{sequence_sudo.padding}d}{suffix}' for (number,) in rows]
