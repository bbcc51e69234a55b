ALTER TABLE risks ADD COLUMN score smallint GENERATED ALWAYS AS (likelihood * impact) STORED;
