"""The five kinds. A plugin is an instance of a class made of one of these, named `plugin` in its module."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Mapping, Optional, Sequence, Union

from ._types import Batch, Field, WireRequest
from .columns import Rows
from .http import Response
from .problem import Problem


@dataclass
class Planned:
    """What an enricher will do with the columns of one dataset."""

    #: Keys of the columns it needs; batches hold these, in this order.
    inputs: list[str]
    #: Columns it adds.
    outputs: list[Field]


@dataclass
class Answer:
    """The answer to one batch."""

    #: The planned outputs, one row per row of the batch, in the same order.
    columns: Batch
    #: Rows that could not be treated: index in the batch, and why.
    problems: list[tuple[int, Problem]] = field(default_factory=list)


@dataclass
class Prepared:
    """A configuration, checked."""

    config: Any
    #: Remarks for the person who configures; they do not prevent saving.
    notes: list[Problem] = field(default_factory=list)


@dataclass
class Outcome:
    """How a run ended well."""

    summary: str
    details: Any = None


class Session:
    """One enrichment, for the batches of one job."""

    def run(self, rows: Rows) -> Answer:
        """Treats a batch. A problem fails the job: report single rows in the answer."""
        raise NotImplementedError


class Enricher:
    """Adds columns to the rows of a dataset."""

    #: Title for people.
    title: ClassVar[str]
    #: Inputs it can use; a dataset's column matches by concept, else by key.
    inputs: ClassVar[Sequence[Field]] = ()

    def plan(self, input: list[Field], config: Any) -> Planned:
        """Decides what to read and what to add, before any row."""
        raise NotImplementedError

    def open(self, input: list[Field], config: Any) -> Session:
        """Begins a job. `input` are the fields of the planned inputs."""
        raise NotImplementedError


class Processing:
    """Does work on a schedule or on demand."""

    title: ClassVar[str]

    def prepare(self, draft: Any) -> Prepared:
        """Checks a configuration that somebody is about to save. By default it is kept as it is."""
        return Prepared(draft)

    def run(self, config: Any, trigger: Mapping[str, str]) -> Union[str, Outcome]:
        """Runs to the end; answers a sentence for the run's page. A problem fails the run.

        `trigger` has `reason`, `runId` and `startedAt`, the only clock of a run.
        """
        raise NotImplementedError


@dataclass
class Entry:
    """A folder or a resource of the remote catalogue."""

    id: str
    title: str
    #: `folder` or `resource`.
    kind: str = "resource"
    format: Optional[str] = None
    #: Bytes.
    size: Optional[int] = None
    #: RFC 3339.
    updated: Optional[str] = None
    details: Any = None


@dataclass
class Page:
    """Which page of a catalogue is wanted."""

    #: A folder; the root when absent.
    folder: Optional[str] = None
    #: What a person typed.
    q: Optional[str] = None
    #: From 1.
    page: int = 1
    size: int = 10
    filters: Any = field(default_factory=dict)


@dataclass
class Listing:
    """One page."""

    entries: list[Entry]
    #: Entries over all pages, if the catalogue tells.
    total: Optional[int] = None
    #: Folders from the root to here.
    path: list[Entry] = field(default_factory=list)


@dataclass
class Fetched:
    """A resource, brought to the host."""

    #: A file of the host, usually what `download` answered.
    body: Any
    #: File name, whose ending tells the format.
    name: str
    #: Attributes for the dataset, in Data Fair's names.
    metadata: Mapping[str, Any] = field(default_factory=dict)
    #: What recognises an unchanged resource.
    etag: Optional[str] = None


@dataclass
class Publication:
    """A publication of a local dataset in the remote catalogue."""

    #: `create` or `update`.
    target: str
    remote_id: Optional[str] = None
    url: Optional[str] = None
    #: What the connector wants back at the next call.
    state: Any = None


class CatalogConnector:
    """Exchanges datasets with another catalogue."""

    title: ClassVar[str]
    #: What it can do: `browse`, `search`, `fetch`, `publish-dataset`.
    abilities: ClassVar[Sequence[str]] = ()

    def prepare(self, draft: Any) -> Prepared:
        """Checks a configuration that somebody is about to save. By default it is kept as it is."""
        return Prepared(draft)

    def browse(self, config: Any, page: Page) -> Listing:
        """A page of a folder, or of what a search finds."""
        raise NotImplementedError

    def fetch(self, config: Any, id: str, options: Any) -> Fetched:
        """Brings a resource; raise `not_modified()` when `options["etag"]` still holds."""
        raise NotImplementedError

    def publish(self, config: Any, dataset: Any, current: Publication) -> Publication:
        """Creates or updates the remote twin of a dataset. May be called again with what the last call answered."""
        raise Problem("unsupported", "Ce connecteur ne sait pas publier.")

    def unpublish(self, config: Any, current: Publication) -> None:
        """Removes the remote twin; fine if it is gone already."""
        raise Problem("unsupported", "Ce connecteur ne sait pas dépublier.")


def not_modified() -> Problem:
    """Says that a resource did not change since the last fetch. Raise it."""
    return Problem("not-modified", "La ressource n'a pas changé.")


@dataclass
class DataRequest:
    """Data that a visualisation wants."""

    name: str
    #: Slot or identifier of the dataset, from the configuration.
    dataset: str
    #: `lines`, `values_agg` or `metric_agg`.
    operation: str
    #: Query parameters of that operation in the API.
    params: Mapping[str, Any] = field(default_factory=dict)
    #: 1 to 10,000.
    rows_max: int = 1000


@dataclass
class Data:
    """Data as it was found."""

    name: str
    rows: Rows


@dataclass
class Context:
    """Where a picture will be shown."""

    width: int = 800
    height: int = 500
    locale: str = "fr"
    #: `primary`, `background`, `text` (`#rrggbb`) and `dark`, all optional.
    theme: Mapping[str, Any] = field(default_factory=dict)
    #: RFC 3339.
    now: Optional[str] = None
    title: Optional[str] = None


@dataclass
class Picture:
    """A picture with what it takes to understand it without seeing it."""

    #: `svg`, `html`, `vega-lite` or `vega`.
    format: str
    #: Text for SVG and HTML, a document otherwise.
    content: Any
    #: One or two sentences that tell what it shows.
    alt: str
    #: The same data: `{"columns": [...], "rows": [[...]]}`.
    table: Optional[Mapping[str, Any]] = None


class Visualisation:
    """Draws pictures from data."""

    title: ClassVar[str]
    #: Columns a dataset should have; none: any dataset.
    needs: ClassVar[Sequence[Field]] = ()
    #: Sizes it is made for, such as `1200x630`.
    sizes: ClassVar[Sequence[str]] = ()

    def query(self, config: Any) -> list[DataRequest]:
        """Data wanted for a configuration."""
        raise NotImplementedError

    def render(self, data: list[Data], config: Any, context: Context) -> Picture:
        """Draws. `data` are the answers, in the order of the requests."""
        raise NotImplementedError


@dataclass
class Operation:
    """An operation of a service that can enrich rows."""

    id: str
    title: str
    input: list[Field]
    output: list[Field]
    rows_per_request_max: int = 1
    #: What the adapter wants to find again at `build` and `parse`.
    details: Any = None


@dataclass
class Service:
    """Which service, which operation, for which columns."""

    #: Base URL.
    server: str
    operation: Operation
    #: Fields of the batch.
    inputs: list[Field]
    #: Wanted outputs; none for all.
    select: list[str] = field(default_factory=list)
    #: Name of the secret that authorises requests.
    auth: Optional[str] = None
    #: Rows of the batch; told to `parse`.
    rows: int = 0

    @property
    def outputs(self) -> list[Field]:
        """The outputs that are wanted, in the order of the operation."""
        return [output for output in self.operation.output if not self.select or output.key in self.select]


@dataclass
class Call:
    """A request that carries some rows of a batch."""

    #: Indexes of the rows in the batch.
    rows: list[int]
    request: WireRequest


class RemoteService:
    """Turns a service into enrichments."""

    title: ClassVar[str]
    #: Descriptions of services it understands: `openapi-3.0`, `openapi-3.1`.
    formats: ClassVar[Sequence[str]] = ()

    def operations(self, document: Any) -> list[Operation]:
        """Operations of a service described by an OpenAPI 3 document, those that cannot enrich left out."""
        raise NotImplementedError

    def build(self, service: Service, rows: Rows) -> list[Call]:
        """Requests that carry a batch."""
        raise NotImplementedError

    def parse(self, service: Service, calls: list[Call], responses: list[Response]) -> Answer:
        """Columns from the answers, one response per call, in order."""
        raise NotImplementedError
