"""What a script may hand to `batches`, how its samples are loaded, and what the script gets back a slice at a time."""

from ..slices import Slice
from .batch import Batch
from .columns import Data
from .nested import to_device
from .opening import as_source, plan_of
from .options import Loading
from .recipe import collated
from .source import Reading, Source

__all__ = ["Batch", "Data", "Loading", "Reading", "Slice", "Source", "as_source", "collated", "plan_of", "to_device"]
