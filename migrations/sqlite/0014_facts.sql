-- What decides is a number, what people read is made from it: why a delivery is held, and how often it was refused.

ALTER TABLE delivery ADD COLUMN hold INTEGER NOT NULL DEFAULT 0; -- 0 none, 1 unknown eMSP, 2 suspended, 3 no rule, 4 no receiver URL
ALTER TABLE delivery ADD COLUMN refused INTEGER NOT NULL DEFAULT 0; -- times in a row its receiver refused it

UPDATE delivery SET hold = CASE reason WHEN 'unknown eMSP' THEN 1 WHEN 'suspended' THEN 2 WHEN 'no rule' THEN 3 ELSE 4 END,
    reason = '' WHERE reason IN ('unknown eMSP', 'suspended', 'no rule', 'no receiver URL');
UPDATE delivery SET refused = iif(reason = 'refused once', 1, 2) WHERE state = 0 AND reason IN ('refused once', 'refused twice');
