-- What was refused: how many of a rule's findings stood in bodies that were refused for them, and which objects were
-- refused and may be lost. Few rows: a party has at most so many of a module, what is older than a week goes.

ALTER TABLE finding ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;

CREATE TABLE refusal (
    party  TEXT    NOT NULL,
    module TEXT    NOT NULL,
    object TEXT    NOT NULL, -- folded id; empty: not readable, or one too many
    count  INTEGER NOT NULL,
    first  INTEGER NOT NULL,
    last   INTEGER NOT NULL,
    PRIMARY KEY (party, module, object)
) STRICT, WITHOUT ROWID;

-- Rows about an object have its owner's spelling of the id and are found by any; refused messages also by the request's
-- own id, which of the others nobody needs.
DROP INDEX audit_object;
CREATE INDEX audit_object ON audit (sequence >> 14, upper(object)) WHERE object <> '';
CREATE INDEX audit_refused ON audit (sequence >> 14, request_id) WHERE status >= '2' AND status < '5';

-- The object's id as its owner spells it, for people; empty: as `object` has it.
ALTER TABLE delivery ADD COLUMN name TEXT NOT NULL DEFAULT '';
