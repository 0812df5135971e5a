-- Letters also go to a topic, after they are kept: which ones are still to be sent.
ALTER TABLE dead_letters ADD COLUMN told boolean NOT NULL DEFAULT false;
CREATE INDEX dead_letters_untold ON dead_letters (view, version, lane, id) WHERE NOT told;
