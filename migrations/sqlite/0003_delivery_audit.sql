-- What a queue remembers over a restart, what each try was, what a receiver acknowledged, which session a CDR is of,
-- and an audit that can be asked by message and pruned without losing its proof.

-- The queue of a receiver. `fence` grows with each new holder; `active_ms`: how long its messages could have been sent.
CREATE TABLE queue (
    receiver     TEXT    NOT NULL PRIMARY KEY,
    fence        INTEGER NOT NULL,
    holder       TEXT    NOT NULL,
    lease_until  INTEGER NOT NULL,
    failures     INTEGER NOT NULL,
    paused_until INTEGER NOT NULL,
    active_ms    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE delivery ADD COLUMN active_from INTEGER NOT NULL DEFAULT -1; -- the queue's active_ms at the first try
ALTER TABLE delivery ADD COLUMN tries TEXT NOT NULL DEFAULT '';   -- a line each
ALTER TABLE delivery ADD COLUMN receipt TEXT NOT NULL DEFAULT ''; -- Location that the receiver answered
CREATE INDEX delivery_cdr ON delivery (created, id) WHERE kind = 3;

ALTER TABLE object ADD COLUMN session TEXT NOT NULL DEFAULT ''; -- of a CDR: its session_id
CREATE INDEX object_cdr_session ON object (kind, owner, session) WHERE kind = 3;
CREATE INDEX object_counterparty ON object (counterparty, kind, sequence) WHERE kind > 1;
CREATE INDEX object_completed ON object (kind, last_updated, sequence) WHERE kind = 2 AND status = 'COMPLETED';

CREATE INDEX audit_correlation ON audit (correlation_id, sequence);
CREATE INDEX audit_object ON audit (object, sequence) WHERE object <> '';
CREATE INDEX audit_conflict ON audit (time, sequence) WHERE status = 'conflict';

-- Of a CDR too `last_delivery` is the last one of it: so far only sessions had it.
UPDATE object SET last_delivery = d.last
FROM (SELECT owner, object, max(id) AS last FROM delivery WHERE kind = 3 GROUP BY owner, object) AS d
WHERE object.kind = 3 AND object.owner = d.owner AND object.id = d.object;

-- Rows first to last were pruned; `mac` is the chain's value at the last of them, `seal` proves the row itself.
CREATE TABLE audit_gap (
    first INTEGER NOT NULL PRIMARY KEY,
    last  INTEGER NOT NULL,
    mac   BLOB    NOT NULL,
    seal  BLOB    NOT NULL
) STRICT;

-- X-Correlation-ID of the CPO's last callback of it, which is the CPO's choice.
ALTER TABLE command ADD COLUMN callback_correlation_id TEXT NOT NULL DEFAULT '';
CREATE INDEX command_callback_correlation ON command (callback_correlation_id) WHERE callback_correlation_id <> '';

-- For retention: CDRs by age, and which of them a delivery still needs.
CREATE INDEX object_cdr_age ON object (kind, arrival, sequence) WHERE kind = 3;
CREATE INDEX delivery_cdr_open ON delivery (object, owner) WHERE kind = 3 AND state IN (0, 2);
