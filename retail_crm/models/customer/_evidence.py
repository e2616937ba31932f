"""What stands in the way of deleting somebody: rows of ours that name him and must stay."""


def names_of_evidence(records):
    """Return the names of our models that have rows about these contacts or users, which are not deleted along.

    The database refuses in any case, with words that nobody understands. Derived rows are gone by the time it is asked.
    """
    env = records.env
    found = []
    for name, model_class in env.registry.items():
        if not name.startswith('retail.') or not model_class._auto or model_class._transient:
            continue
        # sudo: nobody is told more than that there are such rows; without the filter of archived ones
        model = env[name].sudo().with_context(active_test=False)
        for field in model._fields.values():
            if (
                field.store
                and field.type == 'many2one'
                and field.comodel_name == records._name
                and field.ondelete == 'restrict'
                and model.search_count([(field.name, 'in', records.ids)], limit=1)
            ):
                found.append(env['ir.model'].sudo()._get(name).name)  # sudo: a label
    return sorted(set(found))
