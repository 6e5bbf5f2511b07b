-- Which registry a cache was filled from, by the name that clients know it by; NULL: a hosted one, or not known.
ALTER TABLE registries ADD COLUMN upstream TEXT;

-- Since when the upstream refuses to say where the tag is; NULL: it does not.
ALTER TABLE upstream_tags ADD COLUMN denied_at {long};
