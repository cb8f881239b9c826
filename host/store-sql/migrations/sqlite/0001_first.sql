-- Documents: the metadata of every feature. `keys` holds the extracted attributes as they were written, so that a
-- document reads as one row; `document_key` is their index. Instants are microseconds since 1970, as everywhere here.
CREATE TABLE document (
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    owner TEXT,
    sort_title TEXT NOT NULL,
    search_text TEXT NOT NULL,
    keys TEXT NOT NULL,
    body TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_us BIGINT NOT NULL,
    updated_us BIGINT NOT NULL,
    PRIMARY KEY (collection, id)
);
CREATE INDEX document_created ON document (collection, created_us, id);
CREATE INDEX document_updated ON document (collection, updated_us, id);
CREATE INDEX document_title ON document (collection, sort_title, id);

CREATE TABLE document_key (
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    is_unique BIGINT NOT NULL,
    PRIMARY KEY (collection, id, name, value),
    FOREIGN KEY (collection, id) REFERENCES document (collection, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX document_key_value ON document_key (collection, name, value);
CREATE UNIQUE INDEX document_key_unique ON document_key (collection, name, value) WHERE is_unique = 1;

-- Logs. The head numbers the records; its row is also what makes writers of one stream wait for each other.
CREATE TABLE log_head (
    stream TEXT NOT NULL PRIMARY KEY,
    last_seq BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE log_record (
    stream TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at_us BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (stream, seq)
) WITHOUT ROWID;

-- Lines of editable datasets. The head numbers the writes and orders their writers, as for logs.
CREATE TABLE line_head (
    dataset TEXT NOT NULL PRIMARY KEY,
    last_i BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE line (
    dataset TEXT NOT NULL,
    id TEXT NOT NULL,
    i BIGINT NOT NULL,
    body TEXT NOT NULL,
    deleted BIGINT NOT NULL,
    PRIMARY KEY (dataset, id)
);
CREATE UNIQUE INDEX line_i ON line (dataset, i);
CREATE INDEX line_deleted ON line (dataset, deleted, i);

-- The queue. At most one job of a key runs at a time: the last index says it too.
CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    job_key TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('ready', 'running', 'failed')),
    attempts BIGINT NOT NULL,
    run_at_us BIGINT NOT NULL,
    worker TEXT,
    lease_until_us BIGINT,
    progress DOUBLE,
    cancel_requested BIGINT NOT NULL,
    error TEXT
);
CREATE INDEX job_due ON job (state, run_at_us, id);
CREATE INDEX job_by_key ON job (job_key, id);
CREATE UNIQUE INDEX job_running_key ON job (job_key) WHERE state = 'running';
