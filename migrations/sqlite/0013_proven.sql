-- The URLs at which an exchange succeeded: their hosts are proven to be the platform's own. "Reached" means a time elsewhere.
ALTER TABLE platform RENAME COLUMN reached TO proven;
