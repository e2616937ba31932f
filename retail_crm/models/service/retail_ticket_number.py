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
    def _sequence_kept(self, company_id):
        """Return the sequence of a company, its own or the shared one; kept until sequences change.

        :return: id, or None, and prefix, suffix and padding, or None when it has to be asked for each number
        """
        # sudo: numbering is the system's work, nobody else may touch sequences
        sequence_sudo = (
            self.env['ir.sequence']
            .sudo()
            .search(
                [('code', '=', SEQUENCE), ('company_id', 'in', (company_id, False))],
                order='company_id',
                limit=1,
            )
        )
        prefix, suffix = sequence_sudo.prefix or '', sequence_sudo.suffix or ''
        is_plain = sequence_sudo.implementation == 'standard' and not sequence_sudo.use_date_range
        if not is_plain or '%' in prefix + suffix:  # of the day, for example
            return sequence_sudo.id or None, None
        return sequence_sudo.id, (prefix, suffix, sequence_sudo.padding)

    @api.model
    def _next_numbers(self, count, company_id):
        """Return ``count`` numbers of the company's sequence; a usual one is asked once, others each time."""
        sequence_id, parts = self._sequence_kept(company_id)
        if not sequence_id:
            return ['/'] * count
        if not parts:
            # sudo: as above
            sequence_sudo = self.env['ir.sequence'].sudo().with_company(company_id)
            sequence_sudo = sequence_sudo.browse(sequence_id)
            return [sequence_sudo.next_by_id() for _index in range(count)]
        rows = self.env.execute_query(
            SQL(
                'SELECT nextval(%s) FROM generate_series(1, %s)',
                f'ir_sequence_{sequence_id:03d}',
                count,
            )
        )
        prefix, suffix, padding = parts
        return [f'{prefix}{number:0{padding}d}{suffix}' for (number,) in rows]
