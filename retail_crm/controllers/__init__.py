from . import limits
from . import privacy
from . import portal
from . import portal_loyalty
from . import portal_service
from . import portal_request
from . import portal_return
from . import faq
