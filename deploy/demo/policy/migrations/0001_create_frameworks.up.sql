CREATE TABLE frameworks (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code    text NOT NULL UNIQUE,
    title   text NOT NULL,
    edition text NOT NULL
);
