"""What pages about customers cost more with the add-on: list of 80, form, and our own lists.

The specifications are those that the web client makes of the real views, with and without the
add-on, in two databases with the same customers.
"""

from ast import literal_eval

from common import Bench, Variant, calm_ratio
from lxml import etree

LIST, FORM = 'partner list of 80', 'partner form'


def specification(env, model, kind, xmlid=None):
    """Return the specification that the web client sends for a view, invisible parts as it does."""
    view_id = env.ref(xmlid).id if xmlid else False
    got = env[model].get_views([(view_id, kind)])
    arch = etree.fromstring(got['views'][kind]['arch'])
    return fields_of(arch, got['models'], model)


def fields_of(node, models, model):
    """Return the specification of the fields below a node, not of those in views inside a field."""
    spec = {}
    for child in node.iterchildren(etree.Element):
        field = models[model]['fields'].get(child.get('name')) if child.tag == 'field' else None
        if field:
            part = field_specification(child, field, models)
            spec[child.get('name')] = {**spec.get(child.get('name'), {}), **part}
        elif child.tag not in ('field', 'groupby'):
            for name, part in fields_of(child, models, model).items():
                spec[name] = {**spec.get(name, {}), **part}
    return spec


def field_specification(node, field, models):
    """Return what is asked of one field; of an always invisible relation only the ids."""
    invisible = {node.get('invisible'), node.get('column_invisible')} & {'1', 'True'}
    if field['type'] in ('many2one', 'reference'):
        return {'fields': {} if invisible else {'display_name': {}}}
    if field['type'] not in ('one2many', 'many2many') or invisible:
        return {}
    inner = {}
    for view in node.iterchildren('list', 'kanban', 'form'):
        inner.update(fields_of(view, models, field['relation']))
    if 'tags' in node.get('widget', ''):
        inner['display_name'] = {}
    return {'fields': inner, 'limit': 40}


def buyer(env):
    """Return the id of a person with 20 orders."""
    env.cr.execute(
        """SELECT partner_id FROM sale_order JOIN res_partner AS p ON p.id = partner_id
            WHERE p.parent_id IS NULL AND NOT p.is_company GROUP BY 1 HAVING count(*) = 20
            ORDER BY md5(partner_id::text) LIMIT 1"""
    )
    return env.cr.fetchone()[0]


def listed(env, spec, domain=(), order=None):
    """Return a function that reads a list's first page, as the web client does."""

    def read(_given):
        env['res.partner'].web_search_read(
            list(domain), spec, limit=80, count_limit=10001, order=order
        )

    return read


def core_pages(bench, plain, crm):
    """Odoo's own pages with the add-on against without it."""
    person = buyer(plain)
    for title, kind in ((LIST, 'list'), (FORM, 'form')):

        def variant(label, env, kind=kind):
            spec = specification(env, 'res.partner', kind)
            page = {
                'list': listed(env, spec),
                'form': lambda _: env['res.partner'].browse(person).web_read(spec),
            }
            return Variant(f'{label} ({len(spec)} fields)', env, page[kind])

        without, ours = bench.compare(
            title,
            [variant('without add-on', plain), variant('add-on', crm)],
            unit='page',
            runs=bench.args.runs * 20,
            warm=3,
        )
        more = ours.queries[0] - without.queries[0]
        bench.check(f'{title}: more queries', more, {'list': 1, 'form': 3}[kind], 'queries')
        bench.check(f'{title}: more processor time', (calm_ratio(ours, without) - 1) * 100, 10, '%')


def own_pages(bench, crm):
    """Our lists, against core's list of the same customers by name."""
    action = crm['ir.actions.act_window']._for_xml_id('retail_crm.res_partner_action_customers')
    assert 'retail_customer' in action['domain']
    domain = [('retail_customer', '=', True), ('parent_id', '=', False)]
    core = specification(crm, 'res.partner', 'list')
    spec = specification(crm, 'res.partner', 'list', 'retail_crm.res_partner_view_list_customer')
    figures = specification(crm, 'retail.profile', 'list')

    def profiles(order):
        return lambda _: crm['retail.profile'].web_search_read(
            [], figures, limit=80, count_limit=10001, order=order
        )

    bench.compare(
        f'our lists, 80 of {crm["res.partner"].search_count(domain):,}',
        [
            Variant("core's list, same customers, by name", crm, listed(crm, core, domain)),
            Variant('Customers by name', crm, listed(crm, spec, domain)),
            Variant(
                'Customers by spend of 12 months',
                crm,
                listed(crm, spec, domain, 'retail_spend_12m DESC'),
            ),
            Variant(
                'Customers by last purchase',
                crm,
                listed(crm, spec, domain, 'retail_last_order_date DESC'),
            ),
            Variant(
                'Customers who have bought',
                crm,
                listed(crm, spec, [*domain, ('retail_profile_id', '!=', False)]),
            ),
            Variant('Customer Figures', crm, profiles(None)),
            Variant('Customer Figures by spend of 12 months', crm, profiles('spend_12m DESC')),
        ],
        unit='page',
    )
    crm.cr.rollback()
    with bench.explaining(crm, 'Customers by spend of 12 months'):
        listed(crm, spec, domain, 'retail_spend_12m DESC')(None)
    crm.cr.rollback()


def class_pages(bench, crm):
    """For information: groups and lists by class, and the churn list as its menu opens it."""
    profiles, partners = crm['retail.profile'], crm['res.partner']
    action = crm['ir.actions.act_window']._for_xml_id('retail_crm.retail_profile_action_churn')
    assert 'search_default_awake' in action['context']
    search = profiles.get_views([(False, 'search')])['views']['search']
    [awake] = etree.fromstring(search['arch']).xpath("//filter[@name='awake']/@domain")
    churn = [*literal_eval(action['domain']), *literal_eval(awake)]
    customers = [('retail_customer', '=', True), ('parent_id', '=', False)]
    contacts = specification(
        crm, 'res.partner', 'list', 'retail_crm.res_partner_view_list_customer'
    )
    figures = specification(
        crm, 'retail.profile', 'list', 'retail_crm.retail_profile_view_list_churn'
    )
    best = [*customers, ('retail_abc_class', '=', 'a')]

    def grouped(model, domain, name):
        return lambda _: model.formatted_read_group(domain, [name], ['__count'])

    def churning(order):
        return lambda _: profiles.web_search_read(
            churn, figures, limit=80, count_limit=10001, order=order
        )

    pages = {
        'contacts by lifecycle': grouped(partners, customers, 'retail_lifecycle'),
        f'contacts of class A by spend, 80 of {partners.search_count(best):,}': listed(
            crm, contacts, best, 'retail_spend_12m DESC'
        ),
        f'churn list, 80 of {profiles.search_count(churn):,}': churning(
            'clv_next_12m DESC, last_order_date'
        ),
        'churn list by expected margin only': churning('clv_next_12m DESC'),
        'figures by lifecycle': grouped(profiles, [], 'lifecycle'),
    }
    bench.compare(
        'pages by class', [Variant(label, crm, page) for label, page in pages.items()], unit='page'
    )
    crm.cr.rollback()
    for label, page in pages.items():
        with bench.explaining(crm, label) as wanted:
            if wanted:
                page(None)
        crm.cr.rollback()


def main():
    bench = Bench('pages', __doc__)
    plain, crm = bench.environments('plain', 'crm')
    bench.yardsticks(crm)
    if bench.wants('core'):
        core_pages(bench, plain, crm)
    if bench.wants('own'):
        own_pages(bench, crm)
    if bench.wants('classes'):
        class_pages(bench, crm)
    bench.finish()


if __name__ == '__main__':
    main()
