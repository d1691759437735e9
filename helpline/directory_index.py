"""Finding services: an index in memory of what residents may be shown, made anew when the directory changes."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from tantivy import Document, Filter, Index, Occur, Query, SchemaBuilder, TextAnalyzerBuilder, Tokenizer

from helpline.domain.directory import NATIONAL, Reach, Service, Wanted, nearest_first, one_for_each_organisation
from helpline.storage import directory
from helpline.storage.engine import Database, StorageUnavailable

# How many of each reach are looked at before ages, hours and doubles are sorted out.
CANDIDATES = 200
LOOK_FOR_CHANGES_SECONDS = 15.0
_WRITER_BYTES = 64_000_000
_ENGLISH = "english"


def _english() -> TextAnalyzerBuilder:
    return (
        TextAnalyzerBuilder(Tokenizer.simple())
        .filter(Filter.remove_long(40))
        .filter(Filter.lowercase())
        .filter(Filter.stopword("english"))
        .filter(Filter.stemmer("english"))
    )


def _schema_builder() -> SchemaBuilder:
    builder = SchemaBuilder()
    builder.add_unsigned_field("number", stored=True)
    for name in ("area", "term", "reach"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("words", tokenizer_name=_ENGLISH, index_option="freq")
    return builder


class ServiceSearch:
    """The search over one state of the directory."""

    def __init__(self, services: Iterable[Service]) -> None:
        """Takes only what is_shown."""
        self._services = [service for service in services if service.is_shown]
        self._schema = _schema_builder().build()
        self._analyzer = _english().build()
        index = Index(self._schema)
        index.register_tokenizer(_ENGLISH, self._analyzer)
        writer = index.writer(heap_size=_WRITER_BYTES, num_threads=1)
        for number, service in enumerate(self._services):
            document = Document()
            document.add_unsigned("number", number)
            document.add_text("reach", service.reach.name)
            for area in service.areas:
                document.add_text("area", area)
            for term in service.terms:
                document.add_text("term", term)
            # What it is called says more than what is written about it.
            for text in (service.name, service.name, service.organisation.name, service.description):
                document.add_text("words", text)
            if service.eligibility:
                document.add_text("words", service.eligibility)
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._searcher = index.searcher()

    def find(self, wanted: Wanted, most: int) -> list[Service]:
        """The services that fit, nearest first and one for each organisation, at most so many.

        Where no district is known, only services for everybody in the area, or in the nation, fit.
        """
        found: list[Service] = []
        for reach in Reach:
            if reach is Reach.LOCAL and wanted.district is None:
                continue
            found += self._of(reach, wanted)
            if len(found) >= CANDIDATES:
                break
        return one_for_each_organisation(nearest_first(found, wanted))[:most]

    def _of(self, reach: Reach, wanted: Wanted) -> Iterator[Service]:
        need = self._need(wanted)
        if need is None or (wanted.elsewhere and reach is not Reach.NATIONAL):
            return
        where = [(Occur.Must, Query.const_score_query(self._term("reach", reach.name), 0.0))]
        if reach is not Reach.NATIONAL:
            where.append((Occur.Must, Query.const_score_query(self._in_areas(wanted), 0.0)))
        query = Query.boolean_query([*where, (Occur.Must, need)])
        for _, address in self._searcher.search(query, limit=CANDIDATES, count=False).hits:
            number = self._searcher.doc(address)["number"][0]
            service = self._services[number]
            if _fits_person(service, wanted):
                yield service

    def _in_areas(self, wanted: Wanted) -> Query:
        areas = [area for area in (wanted.district, wanted.authority_area) if area]
        if areas:
            return Query.boolean_query([(Occur.Should, self._term("area", area)) for area in areas])
        everywhere = [self._term("area", area) for area in self._every_area()]
        return Query.boolean_query([(Occur.Must, one) for one in everywhere] or [(Occur.Must, Query.empty_query())])

    def _every_area(self) -> Sequence[str]:
        return sorted({area for service in self._services for area in service.areas} - set(NATIONAL) - {"Essex"})

    def _need(self, wanted: Wanted) -> Query | None:
        words = self._analyzer.analyze(wanted.words) if wanted.words else []
        text = [(Occur.Should, self._term("words", word)) for word in dict.fromkeys(words)]
        terms = [(Occur.Should, Query.const_score_query(self._term("term", term), 1.0)) for term in wanted.terms]
        if terms:
            return Query.boolean_query([(Occur.Must, Query.boolean_query(terms)), *text])
        return Query.boolean_query(text) if text else None

    def _term(self, field: str, value: str) -> Query:
        return Query.term_query(self._schema, field, value, "basic" if field != "words" else "freq")


def _fits_person(service: Service, wanted: Wanted) -> bool:
    if wanted.age is not None and not (service.minimum_age or 0) <= wanted.age <= (service.maximum_age or 200):
        return False
    return wanted.open_at is None or service.is_open(wanted.open_at) is True


class DirectorySearch:
    """The search over the stored directory. It looks now and then whether the directory has changed."""

    def __init__(self, database: Database, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._search: ServiceSearch | None = None
        self._version = -1
        self._looked_at = 0.0

    def find(self, wanted: Wanted, most: int) -> list[Service]:
        """See ServiceSearch.find. Raises helpline.storage.engine.StorageUnavailable if nothing was read yet."""
        return self._current().find(wanted, most)

    def _current(self) -> ServiceSearch:
        with self._lock:
            now = self._monotonic()
            if self._search is None or now - self._looked_at >= LOOK_FOR_CHANGES_SECONDS:
                self._looked_at = now
                try:
                    self._search = self._newest()
                except StorageUnavailable:
                    # What was read before is better than nothing.
                    if self._search is None:
                        raise
            return self._search

    def _newest(self) -> ServiceSearch:
        with self._database.read() as session:
            newest = directory.version(session)
            if self._search is None or newest != self._version:
                self._search = ServiceSearch(directory.shown_services(session))
                self._version = newest
            return self._search
