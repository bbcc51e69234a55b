-- The database that every statement of statements.sql finds.
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (x int, y int);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN anything AS int;
CREATE SCHEMA app;
CREATE ROLE tenant;

CREATE TABLE t (
    id int PRIMARY KEY,
    a int,
    b text,
    c varchar(10),
    n numeric(6, 2),
    at timestamp,
    day date,
    m mood,
    filled int NOT NULL DEFAULT 1,
    u int,
    CONSTRAINT t_filled CHECK (filled > 0)
);
CREATE INDEX t_a ON t (a);
CREATE INDEX t_c ON t (c);
CREATE INDEX t_b ON t (lower(b));
CREATE UNIQUE INDEX t_u ON t (u);
INSERT INTO t (id, a, b, c, n, at, day, m, u)
    SELECT i, i, 'b' || i, 'c' || i, i, now(), now(), 'ok', i FROM generate_series(1, 20) i;

-- Nothing hangs on it.
CREATE TABLE plain (a int, b text, c varchar(10), v varchar(20)[], i inet, k cidr, p positive);
INSERT INTO plain SELECT i, 'b' || i, 'c' || i, '{}', '10.0.0.1', '10.0.0.0/8', i FROM generate_series(1, 20) i;

CREATE TABLE customer (id int PRIMARY KEY, code text CONSTRAINT customer_code UNIQUE, name text);
INSERT INTO customer SELECT i, 'code' || i, 'name' || i FROM generate_series(1, 20) i;
CREATE TABLE orders (
    id serial PRIMARY KEY,
    customer_id int CONSTRAINT orders_customer REFERENCES customer (id),
    total numeric
);
INSERT INTO orders (customer_id, total) SELECT i, i FROM generate_series(1, 10) i;
CREATE TABLE line (
    id int GENERATED ALWAYS AS IDENTITY,
    order_id int REFERENCES orders (id) ON DELETE CASCADE
);
INSERT INTO line (order_id) SELECT i FROM generate_series(1, 5) i;

CREATE TABLE measured (at date NOT NULL, value int) PARTITION BY RANGE (at);
CREATE TABLE measured_old PARTITION OF measured FOR VALUES FROM ('2000-01-01') TO ('2010-01-01');
CREATE TABLE measured_new PARTITION OF measured FOR VALUES FROM ('2010-01-01') TO ('2030-01-01');
CREATE INDEX measured_value ON measured (value);
CREATE TABLE measured_later (at date NOT NULL, value int);
INSERT INTO measured_later VALUES ('2035-01-01', 1);
INSERT INTO measured SELECT date '2009-12-25' + i, i FROM generate_series(1, 20) i;
CREATE TABLE sorted (k int, v int) PARTITION BY LIST (k);
CREATE TABLE sorted_one PARTITION OF sorted FOR VALUES IN (1);
CREATE TABLE sorted_rest PARTITION OF sorted DEFAULT;
INSERT INTO sorted SELECT i, i FROM generate_series(1, 5) i;

CREATE TABLE animal (name text, legs int);
CREATE TABLE dog (breed text) INHERITS (animal);
INSERT INTO animal VALUES ('cow', 4);
INSERT INTO dog VALUES ('rex', 4, 'mutt');

CREATE VIEW names AS SELECT id, name FROM customer;
CREATE VIEW long_names AS SELECT * FROM names WHERE length(name) > 3;
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum(total) AS total FROM orders GROUP BY customer_id;
CREATE UNIQUE INDEX totals_customer ON totals (customer_id);
CREATE SEQUENCE numbers;
CREATE SEQUENCE owned OWNED BY plain.a;

CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION one() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE PROCEDURE work() LANGUAGE plpgsql AS 'BEGIN END';
CREATE TRIGGER t_touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE ruled (a int);
CREATE RULE ruled_quiet AS ON DELETE TO ruled WHERE old.a < 0 DO INSTEAD NOTHING;
CREATE POLICY t_mine ON t USING (true);
CREATE STATISTICS t_stats ON a, u FROM t;
CREATE PUBLICATION news FOR TABLE customer;
