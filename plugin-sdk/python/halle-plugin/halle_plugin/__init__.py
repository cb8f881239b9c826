"""What plugins for Halle are written with.

Compiled into a plugin, these functions call the platform; in a test, they are answered by `halle_plugin.testing.FakeHost`.
"""

from ._types import Batch, Field
from .columns import (
    KINDS,
    BatchBuilder,
    Column,
    Rows,
    batch_of,
    field,
    format_day,
    format_instant,
    parse_day,
    parse_instant,
)
from .data import (
    Writer,
    blob_of,
    csv_rows,
    lines,
    open_write,
    read_bytes,
    read_dataset,
    read_reference,
    source_file,
    state_delete,
    state_get,
    state_keys,
    state_put,
)
from .http import (
    Response,
    download,
    get_json,
    next_link,
    pages,
    post_json,
    request,
    send,
    send_patiently,
    upload,
    with_query,
)
from .kinds import (
    Answer,
    Call,
    CatalogConnector,
    Context,
    Data,
    DataRequest,
    Enricher,
    Entry,
    Fetched,
    Listing,
    Operation,
    Outcome,
    Page,
    Picture,
    Planned,
    Prepared,
    Processing,
    Publication,
    RemoteService,
    Service,
    Session,
    Visualisation,
    not_modified,
)
from .problem import Fault, Problem, fault_of
from .run import advance, check_cancelled, config, debug, error, info, remaining_ms, secret_names, task, warn
