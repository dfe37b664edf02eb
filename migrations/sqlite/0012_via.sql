-- The Via chain of the message that a delivery passes on (RFC 9110, 7.6.3), so that one which comes back to a hub that it
-- went through is known there. Empty: the message had none, or the hub speaks for itself.
ALTER TABLE delivery ADD COLUMN via TEXT NOT NULL DEFAULT '';
