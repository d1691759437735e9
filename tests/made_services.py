"""Services for tests: an ordinary one, of which a test names what matters to it."""

from dataclasses import replace
from datetime import time
from typing import Any

from helpline.domain.directory import Feed, Organisation, Schedule, Service, ServicePhone, identifier

OFFICE_HOURS = Schedule(("MO", "TU", "WE", "TH", "FR"), time(9, 0), time(17, 0))

_ORDINARY = Service(
    id="",
    feed="made",
    source_id="",
    organisation=Organisation("", ""),
    name="",
    description="A group for people who look after somebody.",
    status="active",
    confidence="high",
    areas=("Maldon",),
    terms=("carers",),
    phones=(ServicePhone("020 7946 0101"),),
)


def a_service(name: str = "Carers Together", *, run_by: str | None = None, feed: str = "made", **more: Any) -> Service:
    """A service that is shown. It has an organisation of its own unless the test says who runs it."""
    organisation = more.pop("organisation", None) or Organisation(
        identifier("organisation", run_by or name), run_by or name
    )
    ids = {"id": identifier("service", feed, name), "source_id": name.lower().replace(" ", "-")}
    return replace(_ORDINARY, **{**ids, "feed": feed, "name": name, "organisation": organisation, **more})


def a_feed(*services: Service) -> Feed:
    """Everything that the feed "made" lists."""
    return Feed("made", services)
