import math

from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import float_round

from ..models.service.retail_return_request import OPEN_STATES, REASONS
from .portal_request import RetailPortalRequest


class RetailPortalReturn(RetailPortalRequest):
    """The part of the form by which customers give back what they bought (S-SRV-10).

    A request of the kind *return* about one line of an order asks for the return itself, which may be approved at once;
    about a whole order it is a question to the staff.
    """

    def _return_choices(self, name):
        """Return the choices of a field, in the language of the visitor."""
        # sudo: names of choices
        field = request.env['retail.return.request']._fields[name]
        return field._description_selection(request.env(su=True))

    def _ticket_form(self, form, errors=None):
        response = super()._ticket_form(form, errors)
        response.qcontext['return_wishes'] = self._return_choices('wish')
        response.qcontext['return_reasons'] = self._return_choices('reason')
        return response

    def _ticket_read_form(self, data):
        names = ('return_quantity', 'return_wish', 'return_reason')
        return {
            **super()._ticket_read_form(data),
            **{name: (data.get(name) or '').strip() for name in names},
        }

    def _ticket_values(self, form):
        values, errors = super()._ticket_values(form)
        kind = self._ticket_choice(self._ticket_types(), form['type'])
        _order, line = self._ticket_about(form['about'])
        if kind.code == 'return' and line:
            values['retail_return'] = self._return_values(form, line, errors)
        return values, errors

    def _return_values(self, form, line, errors):
        """Return what is asked back of an order line (sudo) of the visitor."""
        env = request.env
        returns_sudo = env['retail.return.request'].sudo()  # sudo: of the visitor's own order line
        try:
            quantity = float(form['return_quantity'].replace(',', '.') or 1)
        except ValueError:
            quantity = math.nan
        if math.isfinite(quantity):  # as it is stored
            quantity = float_round(
                quantity, precision_digits=returns_sudo._fields['quantity'].get_digits(env)[1]
            )
        left = returns_sudo._returnable(line)
        running = returns_sudo.search(
            [('sale_line_id', '=', line.id), ('state', 'in', OPEN_STATES)], limit=1
        )
        if not math.isfinite(quantity) or quantity <= 0:
            errors['return_quantity'] = env._('Say how many you give back.')
        elif running:
            # also who sends the form twice
            errors['about'] = env._(
                'You give back some of this already: see your request %(number)s.',
                number=running.ticket_id.name,
            )
        elif quantity > left:
            errors['return_quantity'] = env._(
                'At most %(count)s can be given back.', count=f'{max(left, 0):g}'
            )
        wishes = dict(self._return_choices('wish'))
        if form['return_wish'] not in wishes:
            errors['return_wish'] = env._('Say what you would like.')
        reason = form['return_reason'] if form['return_reason'] in dict(REASONS) else 'other'
        return {
            'quantity': quantity,
            'wish': form['return_wish'],
            'reason': reason,
            'note': form['text'][:200],
        }

    def _ticket_create(self, values, files):
        asked = values.pop('retail_return', None)
        ticket_sudo = super()._ticket_create(values, files)
        if asked:
            try:
                with request.env.cr.savepoint():
                    # sudo: as the request itself, all values were checked
                    request.env['retail.return.request'].sudo().create(
                        {
                            **asked,
                            'ticket_id': ticket_sudo.id,
                            'line_id': ticket_sudo.line_ids[:1].id,
                        }
                    )
            except UserError as error:
                # the request itself is never lost: somebody looks at it
                ticket_sudo._message_log(body=str(error))
        return ticket_sudo
