"""Work on batches in which one record that fails keeps no other from its turn."""

import logging

from odoo.exceptions import ConcurrencyError, UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

_logger = logging.getLogger(__name__)


def safely(records, work, failed):
    """Do something with a batch, else with each of its records; what fails is rolled back, logged and shown.

    :param work: function of the records
    :param failed: function of the one record that failed and the error; it shows it to somebody and puts the record off
    """
    if not records:
        return
    try:
        with records.env.cr.savepoint():
            work(records)
    except (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, ConcurrencyError):
        raise  # the whole transaction is lost and repeated by the scheduler
    except Exception as error:  # whatever fails is shown, and tried again later
        if len(records) > 1:
            for record in records:
                safely(record, work, failed)
            return
        if isinstance(error, UserError):
            _logger.info('%s: %s', records, error)  # refused, as it would be to a person
        else:
            _logger.exception('%s failed', records)
        failed(records, error)
