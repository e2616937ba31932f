"""What Odoo says of our views when they are read."""

from odoo.tests import TransactionCase, tagged


@tagged('post_install', '-at_install', 'retail_crm')
class TestViews(TransactionCase):
    def test_icons_have_words(self):
        """Odoo warns of no icon without words in our views: each has a label, a title or text beside it."""
        ids = (
            self.env['ir.model.data']
            .search([('module', '=', 'retail_crm'), ('model', '=', 'ir.ui.view')])
            .mapped('res_id')
        )
        views = self.env['ir.ui.view'].search([('id', 'in', ids), ('type', '!=', 'qweb')])
        views = views.filtered(lambda view: '"fa ' in view.arch_db)
        self.assertGreaterEqual(len(views), 3)
        for view in views:
            with (
                self.subTest(view=view.xml_id),
                self.assertNoLogs('odoo.addons.base.models.ir_ui_view', 'WARNING'),
            ):
                view._check_xml()
