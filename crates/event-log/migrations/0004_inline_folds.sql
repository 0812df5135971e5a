-- Rows of inline views are the work of one fold: a changed fold has rows of its own, as a raised version has.

-- Empty where a fold cannot be told apart from others, and of those that were opened before it was asked for.
ALTER TABLE inline_views ADD COLUMN fold text COLLATE "C" NOT NULL DEFAULT '';
COMMENT ON COLUMN inline_views.fold IS 'The fingerprint of the fold whose rows they are.';

-- The schema that its partition is in.
ALTER TABLE inline_views ADD COLUMN place text COLLATE "C";
UPDATE inline_views SET place = 'inline_' || replace(view, '-', '_') || '_v' || version;
ALTER TABLE inline_views ALTER COLUMN place SET NOT NULL;

ALTER TABLE inline_views DROP CONSTRAINT inline_views_view_version_key;
ALTER TABLE inline_views ADD CONSTRAINT inline_views_fold_key UNIQUE (view, version, fold);
ALTER TABLE inline_views ADD CONSTRAINT inline_views_place_key UNIQUE (place);
