-- What lines of editable datasets were: one row per change that had an effect, numbered as the line was.
CREATE TABLE line_revision (
    dataset TEXT NOT NULL,
    i BIGINT NOT NULL,
    line TEXT NOT NULL,
    action TEXT NOT NULL,
    at_us BIGINT NOT NULL,
    owner TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (dataset, i)
);
CREATE INDEX line_revision_line ON line_revision (dataset, line, i);
CREATE INDEX line_revision_owner ON line_revision (dataset, owner, i);
CREATE INDEX line_revision_at ON line_revision (dataset, at_us);
