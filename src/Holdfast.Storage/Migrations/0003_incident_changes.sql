-- A number that only grows: whoever watches asks for what came after the last that he saw. Times alone would go back with the clock.
CREATE INDEX incidents_by_change ON incidents (updated_at);

-- What the last attempt to heal it met, for people; NULL: there was none.
ALTER TABLE incidents ADD COLUMN tried TEXT;
