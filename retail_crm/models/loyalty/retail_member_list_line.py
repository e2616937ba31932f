from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

STATES = [
    ('offered', 'Offered'),
    ('accepted', 'Accepted'),
    ('used', 'Attended or tried'),
    ('declined', 'Declined'),
    ('missed', 'Did not come'),
]


class RetailMemberListLine(models.Model):
    """A customer on a list of invitations or trials: whether he accepted, came or tried, and what he thinks of it.

    Made by the drawing or by hand; a customer stands on a list once, and gets one trial of a product.
    """

    _name = 'retail.member.list.line'
    _description = 'Invited Customer'
    _order = 'list_id desc, id'
    _rec_name = 'partner_id'

    list_id = fields.Many2one(
        comodel_name='retail.member.list',
        required=True,
        ondelete='cascade',
        help='Event or trial for which the customer was chosen.',
    )
    kind = fields.Selection(related='list_id.kind')
    company_id = fields.Many2one(related='list_id.company_id', store=True, precompute=True)
    product_id = fields.Many2one(
        comodel_name='product.product',
        compute='_compute_product_id',
        store=True,
        precompute=True,
        help='The product that is tried.',
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string='Customer',
        required=True,
        index=True,
        ondelete='restrict',
    )
    state = fields.Selection(selection=STATES, required=True, default='offered')
    date = fields.Date(
        string='Answered On', readonly=True, help='Day on which the state changed last.'
    )
    opinion_on = fields.Date(
        string='Opinion Asked for On',
        readonly=True,
        help='Day for which the question about the opinion is planned.',
    )
    rating = fields.Selection(
        selection=[(str(number), str(number)) for number in range(1, 6)],
        help='What the customer thinks of it, 5 is best.',
    )
    opinion = fields.Text(help='What the customer says about it, in his words.')
    note = fields.Char(help='Anything else, such as whom the customer brings along.')

    _list_uniq = models.UniqueIndex(
        '(list_id, partner_id)', 'A customer stands on a list only once.'
    )
    _product_uniq = models.UniqueIndex(
        '(product_id, partner_id) WHERE product_id IS NOT NULL',
        'A customer gets one trial of a product.',
    )

    @api.depends('list_id.product_id', 'list_id.kind')
    def _compute_product_id(self):
        for line in self:
            line.product_id = line.list_id.kind == 'trial' and line.list_id.product_id

    def write(self, vals):
        """Date each answer; who accepted a trial is asked for his opinion later.

        :raise UserError: when the customer or the list of a line is changed
        """
        if {'partner_id', 'list_id'} & set(vals) and not self.env.su:
            raise UserError(self.env._('Take the customer off the list and add the right one.'))
        if 'state' in vals:
            vals = {**vals, 'date': fields.Date.context_today(self)}
        result = super().write(vals)
        if vals.get('state') in ('accepted', 'used'):
            self._plan_opinions()
        return result

    def _plan_opinions(self):
        """Plan the question about the opinion once for each accepted trial, for who is responsible for the list."""
        lines = self.filtered(lambda line: line.kind == 'trial' and not line.opinion_on)
        task = self.env.ref('mail.mail_activity_data_todo', raise_if_not_found=False)
        if not lines or not task:
            return
        today = fields.Date.context_today(self)
        values = []
        for (
            line
        ) in lines.sudo():  # sudo: the task stands on a customer whom not everybody may write
            line.opinion_on = today + timedelta(days=line.list_id.opinion_days)
            values.append(
                {
                    'res_model_id': self.env['ir.model']._get_id('res.partner'),
                    'res_id': line.partner_id.id,
                    'activity_type_id': task.id,
                    'summary': self.env._(
                        'Ask for the opinion: %(product)s', product=line.product_id.display_name
                    ),
                    'date_deadline': line.opinion_on,
                    'user_id': line.list_id.user_id.id or self.env.uid,
                }
            )
        # sudo: as above; quick update: no e-mail for each of them
        activities = self.env['mail.activity'].sudo().with_context(mail_activity_quick_update=True)
        activities.create(values)

    def action_open_partner(self):
        """Open the customer."""
        self.ensure_one()
        self.check_access('read')
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'res.partner',
            'res_id': self.partner_id.id,
            'view_mode': 'form',
        }

    @api.model
    def _merge_partners(self, src_partners, dst_partner):
        """Of the lines of merged customers for one list or one product keep the one that came furthest."""
        self.flush_model()
        self.env.cr.execute(
            SQL(
                """
                WITH ranked AS (
                    SELECT id, row_number() OVER (
                           PARTITION BY COALESCE('product/' || product_id, 'list/' || list_id)
                           ORDER BY array_position(ARRAY['used', 'accepted', 'missed', 'declined', 'offered'],
                                                   state::text), id) AS place
                      FROM retail_member_list_line WHERE partner_id = ANY(%(ids)s)
                )
                DELETE FROM retail_member_list_line AS line USING ranked
                 WHERE ranked.id = line.id AND ranked.place > 1
                """,
                ids=(src_partners | dst_partner).ids,
            )
        )
        self.env.cr.execute(
            SQL(
                'UPDATE retail_member_list_line SET partner_id = %s WHERE partner_id = ANY(%s)',
                dst_partner.id,
                src_partners.ids,
            )
        )
        self.env['retail.member.list'].invalidate_model()
        self.invalidate_model()
