from odoo import api, models
from odoo.tools import SQL

#: Products that the summary of a purchase names.
_NAMED_PRODUCTS = 3


class RetailTimelineText(models.Model):
    """The time line in words: of each source, what its rows were about."""

    _inherit = 'retail.timeline'

    def _timeline_text_purchase(self):
        """Return ``{row: text}`` of purchases: number of the document and the products."""
        # sudo: whoever may see the time line may see what was bought, and nothing else of the documents
        purchases = self.env['retail.purchase'].sudo().browse(self.mapped('row_id'))
        products = {
            (model, res_id): names
            for model, rows in self.grouped('res_model').items()
            for res_id, names in self._timeline_products(model, rows.mapped('res_id')).items()
        }
        return {
            purchase.id: self._with_products(
                purchase.display_name, products.get((purchase.res_model, purchase.res_id))
            )
            for purchase in purchases
        }

    def _timeline_text_quotation(self):
        """Return ``{row: text}`` of quotations: number, state unless it is open, and the products."""
        # sudo: as for purchases
        orders = self.env['sale.order'].sudo().browse(self.mapped('res_id'))
        orders.fetch(['name', 'state'])
        states = dict(orders._fields['state']._description_selection(self.env))
        products = self._timeline_products('sale.order', orders.ids)
        texts = {}
        for order in orders:
            name = order.name
            if order.state == 'cancel':
                name = self.env._('%(order)s (%(state)s)', order=name, state=states['cancel'])
            texts[order.id] = self._with_products(name, products.get(order.id))
        return texts

    def _with_products(self, name, products):
        if not products:
            return name
        return self.env._('%(document)s: %(products)s', document=name, products=products)

    @api.model
    def _timeline_products(self, model, ids):
        """Hook: return ``{document id: names of its products}``; add-ons with other documents add theirs."""
        self.env['product.template'].flush_model(['name'])
        sources = {
            'sale.order': SQL(
                'SELECT order_id, product_id, sequence, id FROM sale_order_line '
                'WHERE order_id = ANY(%s) AND display_type IS NULL AND product_id IS NOT NULL',
                ids,
                to_flush=self.env['sale.order.line']._fields['product_id'],
            ),
            'account.move': SQL(
                'SELECT move_id, product_id, sequence, id FROM account_move_line '
                "WHERE move_id = ANY(%s) AND display_type = 'product' AND product_id IS NOT NULL",
                ids,
                to_flush=self.env['account.move.line']._fields['product_id'],
            ),
        }
        if model not in sources:
            return {}
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.document_id, COALESCE(template.name->>%(lang)s, template.name->>'en_US')
                  FROM (%(lines)s) AS line (document_id, product_id, sequence, id)
                  JOIN product_product AS product ON product.id = line.product_id
                  JOIN product_template AS template ON template.id = product.product_tmpl_id
                 ORDER BY line.document_id, line.sequence, line.id
                """,
                lang=self.env.lang or 'en_US',
                lines=sources[model],
            )
        )
        names = {}
        for document_id, name in rows:
            names.setdefault(document_id, {})[name] = True
        return {document_id: self._few(list(found)) for document_id, found in names.items()}

    def _few(self, names):
        """Return the first names and how many more there are."""
        text = ', '.join(names[:_NAMED_PRODUCTS])
        if len(names) <= _NAMED_PRODUCTS:
            return text
        return self.env._(
            '%(products)s and %(count)s more', products=text, count=len(names) - _NAMED_PRODUCTS
        )

    def _timeline_text_touch(self):
        """Return ``{row: text}`` of logged contacts: the first line of the note."""
        # sudo: whoever may see the time line may read what was noted
        touches = self.env['retail.touch'].sudo().browse(self.mapped('row_id'))
        touches.fetch(['note'])
        return {touch.id: (touch.note or '').strip().partition('\n')[0] for touch in touches}

    def _timeline_text_consent(self):
        """Return ``{row: text}`` of consents: what for, on which channel, granted or withdrawn."""
        # sudo: whoever may see the time line may read consents
        consents = self.env['retail.consent'].sudo().browse(self.mapped('row_id'))
        consents.fetch(['purpose', 'channel_id', 'state'])
        purposes, states = (
            dict(consents._fields[name]._description_selection(self.env))
            for name in ('purpose', 'state')
        )
        return {
            consent.id: ': '.join(
                [
                    ', '.join(
                        filter(None, [purposes.get(consent.purpose), consent.channel_id.name])
                    ),
                    states.get(consent.state, ''),
                ]
            )
            for consent in consents
        }

    def _timeline_text_change(self):
        """Return ``{row: text}`` of class changes: which classification, from where to where, and why."""
        # sudo: whoever may see the time line may read class changes
        changes = self.env['retail.profile.change'].sudo().browse(self.mapped('row_id'))
        changes.fetch(['classification', 'old_class', 'new_class', 'reason'])
        labels = {
            name: dict(changes._fields[name]._description_selection(self.env))
            for name in ('classification', 'new_class', 'reason')
        }
        texts = {}
        for change in changes:
            classes = labels['new_class']
            new = classes.get(change.new_class) or self.env._('none')
            old = classes.get(change.old_class)
            moved = f'{old} → {new}' if old else new
            reason = labels['reason'].get(change.reason)
            text = f'{labels["classification"].get(change.classification)}: {moved}'
            texts[change.id] = f'{text} ({reason})' if reason else text
        return texts
