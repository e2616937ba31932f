from . import privacy
from . import portal
from . import portal_loyalty
