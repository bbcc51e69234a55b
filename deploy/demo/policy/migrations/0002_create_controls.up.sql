CREATE TABLE controls (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    framework_id bigint NOT NULL REFERENCES frameworks (id),
    code         text NOT NULL,
    title        text NOT NULL,
    body         text NOT NULL DEFAULT '',
    UNIQUE (framework_id, code)
);
