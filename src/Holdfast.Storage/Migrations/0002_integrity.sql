-- What is deleted stays for a while and can be restored; what nothing refers to is reviewed, and only then goes; what is found broken is remembered.
-- A trashed row keeps its edges, so that the foreign keys of the first migration hold all that it needs (P3, P7). NULL: live.

ALTER TABLE links ADD COLUMN trashed_at {long};
ALTER TABLE manifests ADD COLUMN trashed_at {long};
CREATE INDEX manifests_live ON manifests (repository_id) WHERE trashed_at IS NULL;

-- When it was last put, last pulled (within an hour; 0: never), and since when it has had no tag (NULL: it has one).
ALTER TABLE manifests ADD COLUMN pushed_at {long} NOT NULL DEFAULT 0;
ALTER TABLE manifests ADD COLUMN pulled_at {long} NOT NULL DEFAULT 0;
ALTER TABLE manifests ADD COLUMN untagged_at {long};
ALTER TABLE tags ADD COLUMN pushed_at {long} NOT NULL DEFAULT 0;
UPDATE manifests SET pushed_at = created_at;
UPDATE tags SET pushed_at = updated_at;
UPDATE manifests SET untagged_at = created_at WHERE NOT EXISTS (SELECT 1 FROM tags t WHERE t.manifest_id = manifests.id);

-- When all bytes were last hashed and right (0: never), and the store's stamp of those bytes. deleting_at: the collection is removing them.
ALTER TABLE blobs ADD COLUMN verified_at {long} NOT NULL DEFAULT 0;
ALTER TABLE blobs ADD COLUMN stamp {long} NOT NULL DEFAULT 0;
ALTER TABLE blobs ADD COLUMN deleting_at {long};
CREATE INDEX blobs_by_verified ON blobs (verified_at, id);
CREATE INDEX blobs_deleting ON blobs (deleting_at) WHERE deleting_at IS NOT NULL;

-- One row for each deleted thing. kind: 1 tag, 2 manifest, 3 blob link. cause: 1 client, 2 retention, 3 collection.
-- All that one delete took has one operation. A trashed tag is nothing but its row here, which holds its manifest.
CREATE TABLE trash (
    id {identity},
    kind {long} NOT NULL,
    operation TEXT NOT NULL,
    repository_id {long} NOT NULL REFERENCES repositories (id) ON DELETE RESTRICT,
    manifest_id {long},
    blob_id {long},
    tag {name},
    tag_created_at {long},
    tag_pushed_at {long},
    deleted_at {long} NOT NULL,
    cause {long} NOT NULL,
    actor TEXT NOT NULL,
    run TEXT,
    FOREIGN KEY (manifest_id, repository_id) REFERENCES manifests (id, repository_id) ON DELETE RESTRICT,
    FOREIGN KEY (repository_id, blob_id) REFERENCES links (repository_id, blob_id) ON DELETE RESTRICT
){rows};
CREATE INDEX trash_by_time ON trash (deleted_at, id);
CREATE INDEX trash_by_operation ON trash (operation);
CREATE INDEX trash_by_manifest ON trash (manifest_id, repository_id) WHERE manifest_id IS NOT NULL;
CREATE INDEX trash_by_link ON trash (repository_id, blob_id) WHERE blob_id IS NOT NULL;
CREATE INDEX trash_by_tag ON trash (repository_id, tag) WHERE tag IS NOT NULL;

-- A claim on a link for the manifest that is about to use it; good for collection.lease after taken_at.
CREATE TABLE leases (
    repository_id {long} NOT NULL,
    blob_id {long} NOT NULL,
    taken_at {long} NOT NULL,
    PRIMARY KEY (repository_id, blob_id),
    FOREIGN KEY (repository_id, blob_id) REFERENCES links (repository_id, blob_id) ON DELETE RESTRICT
){rows-by-key};

-- What may have lost its last holder. Due collection.grace after queued_at.
-- orphaned_at: when the delete was that led to it, however many steps above.
CREATE TABLE manifest_reviews (
    manifest_id {long} PRIMARY KEY REFERENCES manifests (id) ON DELETE CASCADE,
    queued_at {long} NOT NULL,
    orphaned_at {long} NOT NULL
){rows};
CREATE INDEX manifest_reviews_by_time ON manifest_reviews (queued_at);
CREATE INDEX manifest_reviews_by_delete ON manifest_reviews (orphaned_at);

CREATE TABLE link_reviews (
    repository_id {long} NOT NULL,
    blob_id {long} NOT NULL,
    queued_at {long} NOT NULL,
    PRIMARY KEY (repository_id, blob_id),
    FOREIGN KEY (repository_id, blob_id) REFERENCES links (repository_id, blob_id) ON DELETE CASCADE
){rows-by-key};
CREATE INDEX link_reviews_by_time ON link_reviews (queued_at);

CREATE TABLE blob_reviews (
    blob_id {long} PRIMARY KEY REFERENCES blobs (id) ON DELETE CASCADE,
    queued_at {long} NOT NULL
){rows};
CREATE INDEX blob_reviews_by_time ON blob_reviews (queued_at);

-- What was there before nothing reviewed: links that no manifest uses, blobs that nothing has a link to.
INSERT INTO link_reviews (repository_id, blob_id, queued_at)
SELECT l.repository_id, l.blob_id, l.created_at FROM links l
WHERE NOT EXISTS (SELECT 1 FROM manifest_blobs e WHERE e.repository_id = l.repository_id AND e.blob_id = l.blob_id);
INSERT INTO blob_reviews (blob_id, queued_at)
SELECT b.id, b.created_at FROM blobs b
WHERE NOT EXISTS (SELECT 1 FROM links l WHERE l.blob_id = b.id) AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.blob_id = b.id);

-- Findings (P8). object: what it is about, a digest where it has one. Open until healed_at is set.
CREATE TABLE incidents (
    id {identity},
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    opened_at {long} NOT NULL,
    updated_at {long} NOT NULL,
    seen {long} NOT NULL,
    acknowledged_at {long},
    acknowledged_by TEXT,
    healed_at {long},
    healed_by TEXT,
    tries {long} NOT NULL DEFAULT 0,
    next_try_at {long} NOT NULL DEFAULT 0
){rows};
CREATE UNIQUE INDEX incidents_open ON incidents (object, kind) WHERE healed_at IS NULL;
CREATE INDEX incidents_by_time ON incidents (opened_at, id);

-- When each check last ran, and where it stood when it was interrupted.
CREATE TABLE checks (
    name {name} NOT NULL PRIMARY KEY,
    started_at {long} NOT NULL,
    finished_at {long} NOT NULL,
    position TEXT NOT NULL,
    detail TEXT NOT NULL
){rows-by-key};

-- Up to which change of the journal this database has come. One row.
CREATE TABLE journal_position (
    id {long} PRIMARY KEY CHECK (id = 1),
    store {bytes} NOT NULL,
    sequence {long} NOT NULL
){rows};

-- The repository behind the blob: with it in front, deleting a manifest would read all edges of its repository to find its own.
DROP INDEX manifest_blobs_by_link;
CREATE INDEX manifest_blobs_by_link ON manifest_blobs (blob_id, repository_id);
