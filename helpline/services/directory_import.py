"""Taking a feed into the directory."""

from helpline.domain.directory import Feed, ImportReport
from helpline.services.core import Core
from helpline.storage import directory

# Of fewer, half may well go in a day.
FEWEST_TO_DOUBT = 10


class MostAreGone(Exception):
    """A feed has so little of what it had before that it is more likely broken than right."""

    def __init__(self, feed: str, gone: int, of: int) -> None:
        super().__init__(
            f"{gone} of the {of} services of {feed} are not in it any more, so it may be broken; nothing was changed. "
            "If it is right, import it again with --withdraw-most."
        )


def import_feed(core: Core, feed: Feed, *, withdraw_most: bool = False) -> ImportReport:
    """Store what a feed says, in one transaction: all of it, or nothing.

    withdraw_most: somebody has looked, and the feed is right although most of what it had is gone.

    Raises:
        MostAreGone: nothing was changed.
        helpline.storage.engine.StorageUnavailable.
    """
    with core.database.write() as session:
        before = directory.listed_in(session, feed.name)
        gone = len(before - {service.source_id for service in feed.services})
        if not withdraw_most and len(before) >= FEWEST_TO_DOUBT and 2 * gone > len(before):
            raise MostAreGone(feed.name, gone, len(before))
        directory.keep_taxonomy(session, core.taxonomy)
        return directory.keep_feed(session, feed, core.clock.now())
