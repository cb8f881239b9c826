-- What would let a job start before its time: it is woken by this name.
ALTER TABLE job ADD COLUMN waits_for TEXT COLLATE "C";
CREATE INDEX job_waits_for ON job (waits_for) WHERE waits_for IS NOT NULL;
