-- Who is meant: what tells a command that a CPO accepted from one that it did not, a token from another with its uid, and a
-- reservation that is over from one that stands; and how a platform wants to be addressed.

-- 1: the hub calls this platform as itself, not as the party whose message it passes on.
ALTER TABLE platform ADD COLUMN from_hub INTEGER NOT NULL DEFAULT 0;
-- 1: a command about a session that the hub never heard of may go to this CPO.
ALTER TABLE party ADD COLUMN forward_unknown_sessions INTEGER NOT NULL DEFAULT 0;

ALTER TABLE object ADD COLUMN token_type TEXT NOT NULL DEFAULT ''; -- of a session: type of its cdr_token
DROP INDEX object_token;
CREATE INDEX object_token ON object (token_uid, counterparty, token_type) WHERE kind = 2;
-- A bound on `kind` here is a second reason for the planner to look at kinds instead of at one.
DROP INDEX object_counterparty;
CREATE INDEX object_counterparty ON object (counterparty, kind, sequence) WHERE counterparty <> '';

ALTER TABLE command ADD COLUMN valid_until INTEGER NOT NULL DEFAULT 0; -- RESERVE_NOW: its expiry_date; 0: not known
ALTER TABLE command ADD COLUMN token_type TEXT NOT NULL DEFAULT '';
UPDATE command SET accepted = 1 WHERE state = 1 OR result IN ('ACCEPTED', 'CANCELED_RESERVATION');
-- Their expiry_date was not kept: none of them stands for more than a day.
UPDATE command SET valid_until = created + 86400000 WHERE command = 'RESERVE_NOW';
DROP INDEX command_token;
CREATE INDEX command_token ON command (token_uid, emsp, token_type) WHERE token_uid <> '' AND accepted = 1;
DROP INDEX command_reservation;
CREATE INDEX command_reservation ON command (object, id) WHERE command IN ('RESERVE_NOW', 'CANCEL_RESERVATION');
