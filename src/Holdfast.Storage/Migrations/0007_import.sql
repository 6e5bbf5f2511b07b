-- Was it an import that put the tag there last (1), and no client (0)? Only such a tag follows its source when that is imported again.
ALTER TABLE tags ADD COLUMN imported {long} NOT NULL DEFAULT 0;
