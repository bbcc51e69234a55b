CREATE TABLE assets (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL,
    owner_email text NOT NULL,
    criticality smallint NOT NULL DEFAULT 3 CHECK (criticality BETWEEN 1 AND 5)
);
