CREATE TABLE collectors (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name      text NOT NULL UNIQUE,
    schedule  text NOT NULL DEFAULT 'daily',
    is_active boolean NOT NULL DEFAULT true
);
