-- Written in the subset that SQLite and PostgreSQL share; what stands in braces comes from the dialect (SqlDialect).
-- Times are Unix milliseconds. Digests are one byte for the algorithm and the hash. Hard edges are RESTRICT foreign keys (P3).

CREATE TABLE registries (
    id {identity},
    name {name} NOT NULL UNIQUE
){rows};

CREATE TABLE repositories (
    id {identity},
    registry_id {long} NOT NULL REFERENCES registries (id) ON DELETE RESTRICT,
    name {name} NOT NULL,
    created_at {long} NOT NULL,
    UNIQUE (registry_id, name)
){rows};

CREATE TABLE blobs (
    id {identity},
    digest {bytes} NOT NULL UNIQUE,
    size {long} NOT NULL CHECK (size >= 0),
    created_at {long} NOT NULL
){rows};

-- Only a link lets a client of the repository see a blob.
CREATE TABLE links (
    repository_id {long} NOT NULL REFERENCES repositories (id) ON DELETE RESTRICT,
    blob_id {long} NOT NULL REFERENCES blobs (id) ON DELETE RESTRICT,
    created_at {long} NOT NULL,
    PRIMARY KEY (repository_id, blob_id)
){rows-by-key};
CREATE INDEX links_by_blob ON links (blob_id, repository_id);

CREATE TABLE manifests (
    id {identity},
    repository_id {long} NOT NULL REFERENCES repositories (id) ON DELETE RESTRICT,
    blob_id {long} NOT NULL REFERENCES blobs (id) ON DELETE RESTRICT,
    media_type TEXT NOT NULL,
    artifact_type TEXT,
    subject {bytes},
    annotations TEXT,
    created_at {long} NOT NULL,
    UNIQUE (repository_id, blob_id),
    UNIQUE (id, repository_id)
){rows};
CREATE INDEX manifests_by_blob ON manifests (blob_id);
CREATE INDEX manifests_by_subject ON manifests (repository_id, subject) WHERE subject IS NOT NULL;

-- The pushed bytes, as pushed; the blob store holds them too.
CREATE TABLE manifest_payloads (
    blob_id {long} PRIMARY KEY REFERENCES blobs (id) ON DELETE RESTRICT,
    payload {bytes} NOT NULL
){rows};

-- kind: 1 config, 2 layer, 3 a child that is a linked blob instead of a manifest (BuildKit's cache indexes list layers).
CREATE TABLE manifest_blobs (
    manifest_id {long} NOT NULL,
    repository_id {long} NOT NULL,
    blob_id {long} NOT NULL,
    kind {long} NOT NULL,
    PRIMARY KEY (manifest_id, blob_id, kind),
    FOREIGN KEY (manifest_id, repository_id) REFERENCES manifests (id, repository_id) ON DELETE CASCADE,
    FOREIGN KEY (repository_id, blob_id) REFERENCES links (repository_id, blob_id) ON DELETE RESTRICT
){rows-by-key};
CREATE INDEX manifest_blobs_by_link ON manifest_blobs (repository_id, blob_id);

CREATE TABLE manifest_children (
    manifest_id {long} NOT NULL,
    repository_id {long} NOT NULL,
    child_id {long} NOT NULL,
    PRIMARY KEY (manifest_id, child_id),
    FOREIGN KEY (manifest_id, repository_id) REFERENCES manifests (id, repository_id) ON DELETE CASCADE,
    FOREIGN KEY (child_id, repository_id) REFERENCES manifests (id, repository_id) ON DELETE RESTRICT
){rows-by-key};
CREATE INDEX manifest_children_by_child ON manifest_children (child_id, repository_id);

-- Recorded, not enforced. kind: 1 a layer that must not be pushed, 2 a child not fetched yet. The subject is a column of manifests.
CREATE TABLE soft_edges (
    manifest_id {long} NOT NULL REFERENCES manifests (id) ON DELETE CASCADE,
    digest {bytes} NOT NULL,
    kind {long} NOT NULL,
    PRIMARY KEY (manifest_id, digest, kind)
){rows-by-key};
CREATE INDEX soft_edges_by_digest ON soft_edges (digest);

CREATE TABLE tags (
    repository_id {long} NOT NULL,
    name {name} NOT NULL,
    manifest_id {long} NOT NULL,
    created_at {long} NOT NULL,
    updated_at {long} NOT NULL,
    PRIMARY KEY (repository_id, name),
    FOREIGN KEY (manifest_id, repository_id) REFERENCES manifests (id, repository_id) ON DELETE RESTRICT
){rows-by-key};
CREATE INDEX tags_by_manifest ON tags (manifest_id, repository_id);

CREATE TABLE uploads (
    id {bytes} NOT NULL PRIMARY KEY,
    repository_id {long} NOT NULL REFERENCES repositories (id) ON DELETE RESTRICT,
    algorithm {long} NOT NULL,
    started_at {long} NOT NULL
){rows-by-key};
CREATE INDEX uploads_by_repository ON uploads (repository_id);
