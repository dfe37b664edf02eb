-- What the whole of OCPI needs beside the first path: rate limits, findings of validation, pushes of locations and
-- tariffs, and who used a token last.

ALTER TABLE party ADD COLUMN validation INTEGER NOT NULL DEFAULT 0; -- 0 as the setting says, 1 tolerant, 2 strict
ALTER TABLE party ADD COLUMN push TEXT NOT NULL DEFAULT '';

-- party 0: everybody without a limit of its own.
CREATE TABLE rate_limit (
    party     INTEGER NOT NULL,
    module    TEXT    NOT NULL,
    requests  INTEGER NOT NULL,
    period_ms INTEGER NOT NULL,
    PRIMARY KEY (party, module)
) STRICT, WITHOUT ROWID;

CREATE TABLE finding (
    party   TEXT    NOT NULL,
    module  TEXT    NOT NULL,
    object  TEXT    NOT NULL,
    field   TEXT    NOT NULL,
    rule    TEXT    NOT NULL,
    count   INTEGER NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    example TEXT    NOT NULL,
    PRIMARY KEY (party, module, object, field, rule)
) STRICT, WITHOUT ROWID;

-- A delivery of one EVSE of a location.
ALTER TABLE delivery ADD COLUMN evse TEXT NOT NULL DEFAULT '';

CREATE INDEX object_token ON object (token_uid, sequence) WHERE kind = 2;
ALTER TABLE command ADD COLUMN token_uid TEXT NOT NULL DEFAULT '';
CREATE INDEX command_token ON command (token_uid, id) WHERE token_uid <> '';

-- What was handed to the outbox of HubClientInfo for it: all changes of parties up to this last_updated.
ALTER TABLE receiver ADD COLUMN told INTEGER NOT NULL DEFAULT 0;

-- A receiver has a queue per module: what is slow or refused in one delays no other.
DROP INDEX delivery_pending;
DROP INDEX delivery_held;
DROP INDEX delivery_dead;
CREATE INDEX delivery_pending ON delivery (receiver, module, id) WHERE state = 0;
CREATE INDEX delivery_held ON delivery (receiver, module, id) WHERE state = 2;
CREATE INDEX delivery_dead ON delivery (receiver, module, id) WHERE state = 3;
