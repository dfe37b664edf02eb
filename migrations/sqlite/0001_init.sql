-- What the hub keeps. Bodies are bytes as received; beside them stands only what is searched.
-- Times are milliseconds since 1970 UTC; party keys and ids are folded to upper case. Absent texts are ''.
-- Numbers of rows (sequence, id) are given by the writer, never by the database.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE platform (
    id                   INTEGER NOT NULL PRIMARY KEY,
    revision             INTEGER NOT NULL,
    status               INTEGER NOT NULL,
    credentials_url      TEXT    NOT NULL,
    versions_url         TEXT    NOT NULL,
    token                BLOB    NOT NULL, -- sealed
    previous_token       BLOB    NOT NULL, -- sealed
    previous_token_until INTEGER NOT NULL,
    encoding             INTEGER NOT NULL,
    learned_raw          INTEGER NOT NULL,
    allowed_hosts        TEXT    NOT NULL,
    roles                BLOB    NOT NULL,
    last_seen            INTEGER NOT NULL,
    created              INTEGER NOT NULL,
    updated              INTEGER NOT NULL
) STRICT;

CREATE TABLE party (
    id             INTEGER NOT NULL PRIMARY KEY,
    platform       INTEGER NOT NULL,
    revision       INTEGER NOT NULL,
    party_key      TEXT    NOT NULL,
    country_code   TEXT    NOT NULL,
    party_id       TEXT    NOT NULL,
    roles          INTEGER NOT NULL,
    name           TEXT    NOT NULL,
    website        TEXT    NOT NULL,
    suspended      INTEGER NOT NULL,
    suspend_reason TEXT    NOT NULL,
    last_updated   INTEGER NOT NULL,
    created        INTEGER NOT NULL
) STRICT;

CREATE TABLE token (
    hash        BLOB    NOT NULL PRIMARY KEY, -- SHA-256; the token itself is nowhere
    platform    INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    fingerprint TEXT    NOT NULL,
    created     INTEGER NOT NULL,
    expires     INTEGER NOT NULL,
    used        INTEGER NOT NULL
) STRICT;

CREATE TABLE receiver (
    party  INTEGER NOT NULL,
    module TEXT    NOT NULL,
    url    TEXT    NOT NULL,
    source TEXT    NOT NULL,
    PRIMARY KEY (party, module)
) STRICT, WITHOUT ROWID;

CREATE TABLE rule (
    emsp  INTEGER NOT NULL,
    cpo   INTEGER NOT NULL,
    state INTEGER NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (emsp, cpo)
) STRICT, WITHOUT ROWID;

-- Tariffs (kind 1), sessions (2) and CDRs (3). `sequence` is the order of first arrival.
CREATE TABLE object (
    sequence      INTEGER NOT NULL PRIMARY KEY,
    kind          INTEGER NOT NULL,
    owner         TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    revision      INTEGER NOT NULL,
    last_updated  INTEGER NOT NULL,
    arrival       INTEGER NOT NULL, -- of the last changed content
    last_delivery INTEGER NOT NULL, -- 0: none; what a newer state of it supersedes
    size          INTEGER NOT NULL,
    counterparty  TEXT    NOT NULL,
    token_uid     TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    digest        BLOB    NOT NULL,
    body          BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX object_identity ON object (kind, id, owner);
CREATE INDEX object_page ON object (kind, owner, sequence);
CREATE INDEX object_tariff ON object (kind, sequence) WHERE kind = 1;

-- The narrow head of a location: all that a change of one of its EVSEs touches.
CREATE TABLE location (
    sequence          INTEGER NOT NULL PRIMARY KEY,
    owner             TEXT    NOT NULL,
    id                TEXT    NOT NULL,
    revision          INTEGER NOT NULL,
    last_updated      INTEGER NOT NULL,
    arrival           INTEGER NOT NULL,
    size              INTEGER NOT NULL, -- as served, an upper bound
    evse_count        INTEGER NOT NULL,
    last_updated_text TEXT    NOT NULL, -- with quotes; spliced into the body
    digest            BLOB    NOT NULL  -- of the last PUT; empty when something changed since
) STRICT;
CREATE UNIQUE INDEX location_identity ON location (id, owner);
CREATE INDEX location_page ON location (owner, sequence);

CREATE TABLE location_body (
    sequence       INTEGER NOT NULL PRIMARY KEY,
    children_at    INTEGER NOT NULL,
    children_form  INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    updated_length INTEGER NOT NULL,
    body           BLOB    NOT NULL -- without its EVSEs
) STRICT;

-- `place` is the location's sequence * 1048576 + the position in its list: a location's EVSEs lie together, in order.
CREATE TABLE evse (
    place        INTEGER NOT NULL PRIMARY KEY,
    location     INTEGER NOT NULL,
    uid          TEXT    NOT NULL,
    revision     INTEGER NOT NULL, -- the location's when it was written
    last_updated INTEGER NOT NULL,
    body         BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX evse_identity ON evse (location, uid);

-- state: 0 pending, 1 delivered, 2 held, 3 dead, 4 superseded. kind -1: the body is here, else it is the object's.
CREATE TABLE delivery (
    id             INTEGER NOT NULL PRIMARY KEY,
    state          INTEGER NOT NULL,
    kind           INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    next_attempt   INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    done           INTEGER NOT NULL,
    receiver       TEXT    NOT NULL,
    sender         TEXT    NOT NULL,
    module         TEXT    NOT NULL,
    method         TEXT    NOT NULL,
    owner          TEXT    NOT NULL,
    object         TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    url            TEXT    NOT NULL,
    correlation_id TEXT    NOT NULL,
    last_error     TEXT    NOT NULL,
    body           BLOB    NOT NULL
) STRICT;
CREATE INDEX delivery_pending ON delivery (receiver, id) WHERE state = 0;
CREATE INDEX delivery_held ON delivery (receiver, id) WHERE state = 2;
CREATE INDEX delivery_dead ON delivery (receiver, id) WHERE state = 3;
-- Lanes of what goes to many receivers; sessions and CDRs find theirs by object.last_delivery.
CREATE INDEX delivery_lane ON delivery (receiver, object) WHERE state IN (0, 2) AND kind < 2;

-- state: 0 sent, 1 accepted, 2 ended.
CREATE TABLE command (
    id             INTEGER NOT NULL PRIMARY KEY,
    state          INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    expires        INTEGER NOT NULL,
    callback_hash  BLOB    NOT NULL,
    command        TEXT    NOT NULL,
    emsp           TEXT    NOT NULL,
    cpo            TEXT    NOT NULL,
    object         TEXT    NOT NULL,
    response_url   TEXT    NOT NULL,
    result         TEXT    NOT NULL,
    correlation_id TEXT    NOT NULL,
    result_body    BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX command_callback ON command (callback_hash);
CREATE INDEX command_reservation ON command (emsp, object, id) WHERE command = 'RESERVE_NOW';
CREATE INDEX command_open ON command (expires, id) WHERE state < 2;

-- Append only. mac = HMAC over the mac of the row before and every column of this one.
CREATE TABLE audit (
    sequence       INTEGER NOT NULL PRIMARY KEY,
    kind           INTEGER NOT NULL,
    time           INTEGER NOT NULL,
    latency_ms     INTEGER NOT NULL,
    actor          TEXT    NOT NULL,
    action         TEXT    NOT NULL,
    party          TEXT    NOT NULL,
    module         TEXT    NOT NULL,
    method         TEXT    NOT NULL,
    sender         TEXT    NOT NULL,
    receiver       TEXT    NOT NULL,
    object         TEXT    NOT NULL,
    status         TEXT    NOT NULL,
    request_id     TEXT    NOT NULL,
    correlation_id TEXT    NOT NULL,
    detail         TEXT    NOT NULL,
    mac            BLOB    NOT NULL
) STRICT;
