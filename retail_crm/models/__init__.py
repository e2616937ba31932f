# In the order of the layers: an area may use only the areas above it.
from . import customer
from . import loyalty
from . import service
from . import care
