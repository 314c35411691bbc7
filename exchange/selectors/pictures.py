"""Pictures of outcomes by the hash of their bytes."""

from exchange.errors import NotFound
from exchange.models import Picture


def is_kept(digest: str) -> bool:
    """Return whether there is a picture under a hash."""
    return Picture.objects.filter(pk=digest).exists()


def image(digest: str) -> bytes:
    """Return a picture as it is served. Raises NotFound."""
    found = Picture.objects.filter(pk=digest).values_list("image", flat=True).first()
    if found is None:
        raise NotFound("there is no such picture")
    return bytes(found)
