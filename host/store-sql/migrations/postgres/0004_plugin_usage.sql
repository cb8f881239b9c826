-- What plugins used: one row per day (since 1970, UTC), plugin, version, account and thing that called. Times are microseconds.
CREATE TABLE plugin_usage (
    day BIGINT NOT NULL,
    plugin TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    instance TEXT COLLATE "C" NOT NULL,
    answered BIGINT NOT NULL,
    reported BIGINT NOT NULL,
    trapped BIGINT NOT NULL,
    stopped BIGINT NOT NULL,
    cancelled BIGINT NOT NULL,
    wall_us BIGINT NOT NULL,
    guest_us BIGINT NOT NULL,
    memory_peak_bytes BIGINT NOT NULL,
    host_calls BIGINT NOT NULL,
    bytes_in BIGINT NOT NULL,
    bytes_out BIGINT NOT NULL,
    http_bytes_in BIGINT NOT NULL,
    http_bytes_out BIGINT NOT NULL,
    PRIMARY KEY (plugin, day, account, kind, instance, version)
);
-- What an account used today, and what is old enough to be forgotten.
CREATE INDEX plugin_usage_day ON plugin_usage (day, account);
