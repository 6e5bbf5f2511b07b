-- 1: hosted, 2: a cache. What a cache's manifests refer to is recorded (soft_edges: 2 a child, 3 a config or layer) and not enforced: it may be still to
-- come, or be evicted again.
ALTER TABLE registries ADD COLUMN kind {long} NOT NULL DEFAULT 1;

-- What the upstream last said of a tag: when it was where it points here, and since when there is none (NULL: it is there).
CREATE TABLE upstream_tags (
    repository_id {long} NOT NULL,
    name {name} NOT NULL,
    confirmed_at {long} NOT NULL,
    gone_at {long},
    PRIMARY KEY (repository_id, name),
    FOREIGN KEY (repository_id, name) REFERENCES tags (repository_id, name) ON DELETE CASCADE
){rows-by-key};
