-- Rows of the audit are found by what they are about within blocks of 16384 rows. Correlation ids are random: in an
-- index over the whole audit each of them belongs into another page, which the commit has to read and write; here into
-- the few pages of the newest block.

DROP INDEX audit_correlation;
DROP INDEX audit_object;
CREATE INDEX audit_correlation ON audit (sequence >> 14, correlation_id);
CREATE INDEX audit_object ON audit (sequence >> 14, object) WHERE object <> '';
