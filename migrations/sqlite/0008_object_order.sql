-- Whose START_SESSION an authorization_reference belongs to: sessions whose cdr_token names no party are found by it.
ALTER TABLE command ADD COLUMN authorization_reference TEXT NOT NULL DEFAULT '';
ALTER TABLE command ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0; -- by the CPO, whatever came of it
CREATE INDEX command_reference ON command (authorization_reference, cpo) WHERE authorization_reference <> '';

-- Of an EVSE's value; empty: written before it was kept. A location's is of its own part from here on.
ALTER TABLE evse ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
