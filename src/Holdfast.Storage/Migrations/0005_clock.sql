-- The latest time that this store has known: nothing is ever dated before it. One row.
CREATE TABLE clock (
    id {long} PRIMARY KEY CHECK (id = 1),
    seen_at {long} NOT NULL
){rows};

-- Where the time went on without having passed: the clock jumped ahead, or the store lay still. No age counts what is between.
CREATE TABLE clock_leaps (
    from_at {long} PRIMARY KEY,
    to_at {long} NOT NULL
){rows};
