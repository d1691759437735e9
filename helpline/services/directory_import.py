"""Taking a feed into the directory."""

from helpline.domain.directory import Feed, ImportReport
from helpline.services.core import Core
from helpline.storage import directory


def import_feed(core: Core, feed: Feed) -> ImportReport:
    """Store what a feed says, in one transaction: all of it, or nothing.

    Raises helpline.storage.engine.StorageUnavailable.
    """
    with core.database.write() as session:
        directory.keep_taxonomy(session, core.taxonomy)
        return directory.keep_feed(session, feed, core.clock.now())
