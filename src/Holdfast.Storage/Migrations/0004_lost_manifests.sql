-- Manifests of which a rebuild knew that they were, but not what they need (their media type is marked): as long as a repository has one, nothing is
-- collected there for want of a manifest (P6).
CREATE INDEX manifests_lost ON manifests (repository_id) WHERE media_type >= 'lost:' AND media_type < 'lost;';

-- What is to be healed next, however much is open.
CREATE INDEX incidents_due ON incidents (next_try_at, id) WHERE healed_at IS NULL;
