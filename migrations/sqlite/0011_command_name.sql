-- What a command is about as its eMSP spells it; object is the folded id that others are compared with. Empty: of commands before.
ALTER TABLE command ADD COLUMN name TEXT NOT NULL DEFAULT '';
