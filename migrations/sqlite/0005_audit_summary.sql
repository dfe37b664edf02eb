-- What 1024 rows of the audit are about, written with the last of them: `bits` is a set of parties and actions, with a few
-- too many in it; oldest and newest are their times. Who looks for a party, an action or a time passes over a block at once.
-- `seal` proves it, so that nobody hides rows by changing it.
CREATE TABLE audit_summary (
    block  INTEGER NOT NULL PRIMARY KEY, -- sequence >> 10
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    bits   BLOB    NOT NULL,
    seal   BLOB    NOT NULL
) STRICT;
