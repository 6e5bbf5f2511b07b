-- People name things in the trash by their number, and what came later by a higher one: none is ever given again.
CREATE TABLE trash_once (
    id {identity-once},
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
INSERT INTO trash_once (id, kind, operation, repository_id, manifest_id, blob_id, tag, tag_created_at, tag_pushed_at, deleted_at, cause, actor, run)
    SELECT id, kind, operation, repository_id, manifest_id, blob_id, tag, tag_created_at, tag_pushed_at, deleted_at, cause, actor, run FROM trash;
DROP TABLE trash;
ALTER TABLE trash_once RENAME TO trash;
CREATE INDEX trash_by_time ON trash (deleted_at, id);
CREATE INDEX trash_by_operation ON trash (operation);
CREATE INDEX trash_by_manifest ON trash (manifest_id, repository_id) WHERE manifest_id IS NOT NULL;
CREATE INDEX trash_by_link ON trash (repository_id, blob_id) WHERE blob_id IS NOT NULL;
CREATE INDEX trash_by_tag ON trash (repository_id, tag) WHERE tag IS NOT NULL;
