"""The tables of the directory: the objects of Open Referral UK 3.0 that we use, under their own names.

https://github.com/OpenReferralUK/uk-profile (schema/, 2024). feed, source_id, source_url, source_date, confidence and
content_hash are ours; so are the columns that the standard has no field for.
"""

from datetime import date, datetime, time
from typing import Any

from sqlalchemy import JSON, Date, Float, ForeignKey, Index, Integer, String, Text, Time, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpline.storage.models import Base, UtcDateTime

_OWNED = "all, delete-orphan"


class OrukOrganization(Base):
    """Who runs services."""

    __tablename__ = "oruk_organization"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)


class OrukService(Base):
    """A service, of one feed."""

    __tablename__ = "oruk_service"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    feed: Mapped[str] = mapped_column(String(80))
    source_id: Mapped[str] = mapped_column(String(120))
    organization_id: Mapped[str] = mapped_column(ForeignKey("oruk_organization.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20))
    fees: Mapped[str | None] = mapped_column(Text)
    minimum_age: Mapped[int | None] = mapped_column(Integer)
    maximum_age: Mapped[int | None] = mapped_column(Integer)
    assured_date: Mapped[date | None] = mapped_column(Date)
    last_modified: Mapped[datetime] = mapped_column(UtcDateTime)
    eligibility: Mapped[str | None] = mapped_column(Text)
    hours: Mapped[str | None] = mapped_column(Text)
    text_number: Mapped[str | None] = mapped_column(Text)
    confidence: Mapped[str] = mapped_column(String(8))
    source_url: Mapped[str | None] = mapped_column(Text)
    source_date: Mapped[str | None] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(String(64))

    organization: Mapped[OrukOrganization] = relationship(lazy="joined")
    service_areas: Mapped[list["OrukServiceArea"]] = relationship(
        cascade=_OWNED, lazy="selectin", order_by="OrukServiceArea.id"
    )
    contacts: Mapped[list["OrukContact"]] = relationship(cascade=_OWNED, lazy="selectin")
    schedules: Mapped[list["OrukSchedule"]] = relationship(cascade=_OWNED, lazy="selectin", order_by="OrukSchedule.id")
    cost_options: Mapped[list["OrukCostOption"]] = relationship(
        cascade=_OWNED, lazy="selectin", order_by="OrukCostOption.id"
    )
    service_at_locations: Mapped[list["OrukServiceAtLocation"]] = relationship(cascade=_OWNED, lazy="selectin")
    attributes: Mapped[list["OrukAttribute"]] = relationship(
        cascade=_OWNED, lazy="selectin", order_by="OrukAttribute.position"
    )

    __table_args__ = (UniqueConstraint("feed", "source_id"), Index(None, "status", "confidence"))


class OrukServiceArea(Base):
    """A place that a service covers."""

    __tablename__ = "oruk_service_area"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    service_id: Mapped[str] = mapped_column(ForeignKey("oruk_service.id"), index=True)
    name: Mapped[str] = mapped_column(String(80), index=True)


class OrukContact(Base):
    """How a service is reached."""

    __tablename__ = "oruk_contact"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    service_id: Mapped[str] = mapped_column(ForeignKey("oruk_service.id"), index=True)

    phones: Mapped[list["OrukPhone"]] = relationship(cascade=_OWNED, lazy="selectin", order_by="OrukPhone.id")


class OrukPhone(Base):
    """A number of a contact."""

    __tablename__ = "oruk_phone"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("oruk_contact.id"), index=True)
    number: Mapped[str] = mapped_column(String(40))
    description: Mapped[str | None] = mapped_column(Text)


class OrukSchedule(Base):
    """When a service is open. byday: "MO,TU" as in RFC 5545."""

    __tablename__ = "oruk_schedule"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    service_id: Mapped[str] = mapped_column(ForeignKey("oruk_service.id"), index=True)
    byday: Mapped[str] = mapped_column(String(20))
    opens_at: Mapped[time] = mapped_column(Time)
    closes_at: Mapped[time] = mapped_column(Time)


class OrukCostOption(Base):
    """What a service costs. amount in pounds."""

    __tablename__ = "oruk_cost_option"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    service_id: Mapped[str] = mapped_column(ForeignKey("oruk_service.id"), index=True)
    option: Mapped[str] = mapped_column(Text)
    amount: Mapped[float | None] = mapped_column(Float)
    amount_description: Mapped[str] = mapped_column(Text)


class OrukLocation(Base):
    """A building."""

    __tablename__ = "oruk_location"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    address_1: Mapped[str] = mapped_column(Text)
    city: Mapped[str] = mapped_column(Text)
    postal_code: Mapped[str] = mapped_column(String(16))
    latitude: Mapped[float | None] = mapped_column(Float)
    longitude: Mapped[float | None] = mapped_column(Float)


class OrukServiceAtLocation(Base):
    """A service in a building."""

    __tablename__ = "oruk_service_at_location"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    service_id: Mapped[str] = mapped_column(ForeignKey("oruk_service.id"), index=True)
    location_id: Mapped[str] = mapped_column(ForeignKey("oruk_location.id"), index=True)

    location: Mapped[OrukLocation] = relationship(lazy="joined")


class OrukTaxonomy(Base):
    """A list of terms."""

    __tablename__ = "oruk_taxonomy"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)


class OrukTaxonomyTerm(Base):
    """A term. code: our short name of it."""

    __tablename__ = "oruk_taxonomy_term"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    taxonomy_id: Mapped[str] = mapped_column(ForeignKey("oruk_taxonomy.id"))
    code: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)


class OrukAttribute(Base):
    """A term that a service has. position: the first says best what it is."""

    __tablename__ = "oruk_attribute"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    service_id: Mapped[str] = mapped_column(ForeignKey("oruk_service.id"), index=True)
    taxonomy_term_id: Mapped[str] = mapped_column(ForeignKey("oruk_taxonomy_term.id"), index=True)
    position: Mapped[int] = mapped_column(Integer)

    taxonomy_term: Mapped[OrukTaxonomyTerm] = relationship(lazy="joined")


class DirectoryImport(Base):
    """An import of a feed, with its report. The newest id is the directory's version."""

    __tablename__ = "directory_import"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    feed: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    report: Mapped[dict[str, Any]] = mapped_column(JSON)
