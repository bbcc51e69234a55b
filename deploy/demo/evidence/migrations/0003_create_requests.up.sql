CREATE TABLE requests (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    control     text NOT NULL,
    due_on      date NOT NULL,
    answered_by bigint REFERENCES artifacts (id)
);

CREATE INDEX requests_open ON requests (due_on) WHERE answered_by IS NULL;
