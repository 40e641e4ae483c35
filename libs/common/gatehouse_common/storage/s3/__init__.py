"""Objects in a bucket of any server that speaks S3. Import it only where such a store was chosen: it needs boto3."""

from .place import S3Place, parse_place
from .store import S3Store, open_s3

__all__ = ["S3Place", "S3Store", "open_s3", "parse_place"]
