"""How long a search in the directory takes, in ours and in made-up ones of 1,000, 10,000 and 100,000 services.

    .venv/bin/python -m bench.directory [--searches 500] [--sizes 1000 10000 100000]

A made-up directory has the taxonomy, the districts and the words of ours; a service of it covers one district (seven in
ten), the county, or the nation, and has one to three terms. Searches are a third each: a term and a district with the
words around them; the same words without the term; the same with an age and open now. Times are of one search in one
thread, without the database.
"""

import argparse
import random
import resource
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as clock

from content.directory_schema import read_services_file
from content.schema import Content, load_content
from helpline.bootstrap import COUNTY_AREA, areas_of
from helpline.directory_index import ServiceSearch
from helpline.domain.directory import WEEKDAYS, Organisation, Schedule, Service, Wanted, identifier
from helpline.services.signposting import MOST_OFFERED
from helpline.settings import REPOSITORY

SEED = 20261123
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
KINDS = ("term and place", "free words", "open now")


def made_up(ours: Sequence[Service], districts: Sequence[str], codes: Sequence[str], size: int) -> list[Service]:
    """A directory of so many services in the words of ours; the same one every time."""
    chance = random.Random(SEED + size)
    words = [word for service in ours for word in f"{service.name} {service.description}".split()]
    services = []
    for number in range(size):
        reach = chance.random()
        area = chance.choice(districts) if reach < 0.7 else COUNTY_AREA if reach < 0.9 else "UK"
        opens = time_of_day(chance.randrange(7, 12))
        days = tuple(sorted(chance.sample(WEEKDAYS, chance.randrange(1, 8)), key=WEEKDAYS.index))
        run_by = f"Body {chance.randrange(max(1, size // 2))}"
        services.append(
            replace(
                ours[0],
                id=identifier("bench", str(number)),
                source_id=str(number),
                organisation=Organisation(identifier("bench", run_by), run_by),
                name=" ".join(chance.choices(words, k=4)),
                description=" ".join(chance.choices(words, k=30)),
                status="active",
                confidence=chance.choice(("high", "medium")),
                areas=(area,),
                terms=tuple(chance.sample(codes, chance.randrange(1, 4))),
                minimum_age=chance.choice((None, None, 18, 65)),
                maximum_age=None,
                schedules=(Schedule(days, opens, time_of_day(chance.randrange(13, 22))),),
            )
        )
    return services


def time_of_day(hour: int) -> clock:
    """The full hour."""
    return MONDAY.replace(hour=hour).time()


def searches(content: Content, districts: Sequence[str], count: int) -> list[tuple[str, Wanted]]:
    """So many searches with their kinds; the same ones for every directory."""
    chance = random.Random(SEED)
    terms = list(content.taxonomy.terms.values())
    wanted = []
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        district, term = chance.choice(districts), chance.choice(terms)
        words = f"is there a {chance.choice(term.words)} near {district} for my mum who is 84"
        authority = next(one for one in content.guide.authorities.values() if district in one.districts)
        whole = Wanted((term.code,), words, district, authority.short_name)
        if kind == "free words":
            whole = replace(whole, terms=())
        if kind == "open now":
            whole = replace(whole, age=84, open_at=MONDAY + timedelta(minutes=chance.randrange(7 * 24 * 60)))
        wanted.append((kind, whole))
    return wanted


def timed(search: ServiceSearch, every: Sequence[tuple[str, Wanted]]) -> list[tuple[str, float]]:
    """How long each search takes, in milliseconds, with its kind."""
    search.find(every[0][1], MOST_OFFERED)
    taken = []
    for kind, wanted in every:
        started = time.perf_counter()
        search.find(wanted, MOST_OFFERED)
        taken.append((kind, (time.perf_counter() - started) * 1000))
    return taken


def main() -> None:
    """Build each directory, search it, and print a line for it."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--searches", type=int, default=500)
    arguments.add_argument("--sizes", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    given = arguments.parse_args()
    content = load_content(REPOSITORY / "content")
    areas = areas_of(content)
    ours = read_services_file(REPOSITORY / "content" / "services" / "essex.json", content.taxonomy, areas).services
    districts, codes = sorted(areas - {COUNTY_AREA}), sorted(content.taxonomy.terms)
    every = searches(content, districts, given.searches)
    heads = ("services", "index made in, s", "p50, ms", "p95, ms", "p95 / size before", *(f"p95 {k}" for k in KINDS))
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    before: float | None = None
    for size in (0, *given.sizes):
        services = made_up(ours, districts, codes, size) if size else ours
        started = time.perf_counter()
        search = ServiceSearch(services)
        made_in = time.perf_counter() - started
        taken = timed(search, every)
        p95 = percentile([one for _, one in taken])
        cells = [
            str(size) if size else f"ours, {len(ours)}",
            f"{made_in:.2f}",
            f"{statistics.median(one for _, one in taken):.2f}",
            f"{p95:.2f}",
            f"{p95 / before:.1f}" if before else "",
            *(f"{percentile([one for of, one in taken if of == kind]):.2f}" for kind in KINDS),
        ]
        print(f"| {' | '.join(cells)} |", flush=True)
        before = p95 if size else None
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def percentile(times: Sequence[float]) -> float:
    """The time that 95 in 100 stay below."""
    return statistics.quantiles(times, n=20)[18]


if __name__ == "__main__":
    main()
