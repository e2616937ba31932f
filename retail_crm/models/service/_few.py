def fetch_few(records, field, names):
    """Read a column together with a few others instead of all of a wide table; return whether that was done.

    What ``_fetch_field`` does, for a field among ``names``; for any other one nothing is read here.
    """
    if field.name not in names or not (
        field.prefetch is True and records.env.context.get('prefetch_fields', True)
    ):
        return False
    fields = (records._fields[name] for name in names)
    may = {one.name for one in fields if records._has_field_access(one, 'read')}
    records.fetch([field.name, *(may - {field.name})])  # refused when that one may not be read
    return True
