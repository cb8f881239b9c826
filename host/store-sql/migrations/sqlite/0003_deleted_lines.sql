-- Few lines are deleted, and none stays so for long: an index of all others cost each write of a line.
DROP INDEX line_deleted;
CREATE INDEX line_deleted ON line (dataset, i) WHERE deleted = 1;
