from . import test_access
from . import test_customer_moment
from . import test_customer_purchase
from . import test_customer_purchase_dimensions
from . import test_customer_purchase_invoice
from . import test_customer_profile
from . import test_customer_repair
