-- What a partner names of itself counts once an exchange with it has succeeded: `reached` are the URLs at which one
-- did, space separated; their hosts are the platform's own. What was registered before counts as it did.
ALTER TABLE platform ADD COLUMN reached TEXT NOT NULL DEFAULT '';
UPDATE platform SET reached = trim(credentials_url || ' ' || versions_url || ' ' || coalesce(
    (SELECT group_concat(r.url, ' ') FROM receiver r JOIN party p ON p.id = r.party
     WHERE p.platform = platform.id AND r.source = 'discovered'), ''));

-- What the POST with an initial token held, as a keyed digest: only the same again is answered a second time.
ALTER TABLE token ADD COLUMN content BLOB NOT NULL DEFAULT x'';
