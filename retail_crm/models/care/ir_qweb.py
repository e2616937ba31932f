from contextlib import contextmanager
from contextvars import ContextVar

from lxml import etree

from odoo import models

#: Programs of the texts that are being rendered for many records, by their source. None: not now.
_COMPILED = ContextVar('retail_crm_compiled', default=None)


@contextmanager
def compiled_once():
    """Have each text compiled once in the block: core compiles the text of a mail template for every record.

    For a block that renders in one environment.
    """
    token = _COMPILED.set({})
    try:
        yield
    finally:
        _COMPILED.reset(token)


class IrQweb(models.AbstractModel):
    """Texts that are no views are compiled once for all the records of a batch."""

    _inherit = 'ir.qweb'

    def _generate_code_uncached(self, template):
        compiled = _COMPILED.get()
        if compiled is None or not isinstance(template, etree._Element):
            return super()._generate_code_uncached(template)
        key = etree.tostring(template), self.env.lang
        if key not in compiled:
            compiled[key] = super()._generate_code_uncached(template)
        return compiled[key]
