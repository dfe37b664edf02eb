-- A message that fails while others of its queue arrive backs off alone; partners' last errors outlive a restart.

ALTER TABLE delivery ADD COLUMN failed INTEGER NOT NULL DEFAULT 0; -- its last failed try; 0: none
ALTER TABLE delivery ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;  -- times it failed while others arrived

-- What is tried again, by when: next_attempt 0 is a message that waits for its first try, found by its id.
CREATE INDEX delivery_again ON delivery (receiver, module, next_attempt, id, alone) WHERE state = 0 AND next_attempt > 0;

ALTER TABLE queue ADD COLUMN suspects INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queue ADD COLUMN fresh_until INTEGER NOT NULL DEFAULT 0;

ALTER TABLE platform ADD COLUMN heard INTEGER NOT NULL DEFAULT 0;
ALTER TABLE platform ADD COLUMN last_error TEXT NOT NULL DEFAULT '';
