/** A schema with one of everything that pg_dump dumps, and names that want to be quoted. */
export const everything = String.raw`
CREATE SCHEMA app; CREATE SCHEMA "we""ird; $x$ -- schema";
COMMENT ON SCHEMA app IS 'it''s; the \ app';
CREATE EXTENSION pgcrypto; CREATE EXTENSION hstore SCHEMA app; COMMENT ON EXTENSION hstore IS 'mine';
CREATE TYPE app.mood AS ENUM ('sad', 'o''k', 'happy');
CREATE DOMAIN app.email AS text CHECK (VALUE ~ '@') DEFAULT 'a@b';
CREATE TYPE app.pair AS (a int, b text);
CREATE TYPE app.span AS RANGE (subtype = float8);
CREATE COLLATION app.german (provider = libc, locale = 'C');
CREATE TABLE app.users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE app.german NOT NULL,
  mood app.mood DEFAULT 'happy', mail app.email, p app.pair, s app.span, h app.hstore,
  upper_name text GENERATED ALWAYS AS (upper(name)) STORED, raw bytea, n numeric, ts timestamptz, j jsonb, arr text[]);
INSERT INTO app.users(name, p, s, h, raw, n, ts, j, arr) VALUES
  ('Ann', (1, 'x'), '[1,2)', 'a=>1', '\x00ff5c0a', 'NaN', 'infinity', '{"a": "\\n"}', ARRAY['x', NULL, '\.']),
  (E'\\.\n\\.\nB\tb\\', NULL, NULL, NULL, NULL, 1.50, '2020-01-01', NULL, '{}'), ('\N', NULL, NULL, NULL, NULL, NULL, NULL, 'null', NULL);
CREATE TABLE app.orders (id serial PRIMARY KEY, user_id int REFERENCES app.users ON DELETE CASCADE DEFERRABLE, amount int CHECK (amount > 0));
INSERT INTO app.orders(user_id, amount) SELECT 1, i FROM generate_series(1, 1000) i;
CREATE INDEX ON app.orders (amount) WHERE amount > 10;
CREATE STATISTICS app.st ON user_id, amount FROM app.orders;
CREATE SEQUENCE "Seq 1" START 7 INCREMENT 3; SELECT nextval('"Seq 1"'), nextval('"Seq 1"');
CREATE TABLE part (d date, v int) PARTITION BY RANGE (d);
CREATE TABLE part_2020 PARTITION OF part FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE part_rest PARTITION OF part DEFAULT;
INSERT INTO part SELECT '2019-12-01'::date + i, i FROM generate_series(1, 500) i;
CREATE TABLE parent (a int); CREATE TABLE child (b int) INHERITS (parent);
INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (3, 4);
CREATE UNLOGGED TABLE unlogged (a int); INSERT INTO unlogged VALUES (1);
CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES;
CREATE TABLE "Tab; ""le" ("col 'x'; --" text, "größe" int, "new
line" int); INSERT INTO "Tab; ""le" VALUES ('a', 1, 2);
CREATE TABLE "we""ird; $x$ -- schema"."user" (a int);
CREATE VIEW app.v AS SELECT name FROM app.users; CREATE VIEW app.v2 AS SELECT * FROM app.v;
CREATE MATERIALIZED VIEW app.mv AS SELECT count(*) AS n FROM app.orders;
CREATE FUNCTION app.f(x int) RETURNS int LANGUAGE plpgsql AS $f$ BEGIN -- it's; $$
  RETURN x + 1; END $f$;
CREATE FUNCTION app.q() RETURNS text LANGUAGE sql AS 'SELECT ''\! echo; COPY x FROM stdin;''';
CREATE PROCEDURE app.proc() LANGUAGE sql AS $$ SELECT 1 $$;
CREATE AGGREGATE app.total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE OPERATOR app.@+@ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);
CREATE CAST (app.pair AS text) WITH INOUT;
CREATE FUNCTION app.trig() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'never while loading'; END $$;
CREATE TRIGGER t BEFORE INSERT ON app.orders FOR EACH ROW EXECUTE FUNCTION app.trig();
CREATE RULE r AS ON INSERT TO app.v2 DO INSTEAD (SELECT 1; SELECT 2);
CREATE FUNCTION app.ev() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER "ev trig" ON ddl_command_end EXECUTE FUNCTION app.ev();
ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY; CREATE POLICY pol ON app.orders USING (user_id = 1);
CREATE TEXT SEARCH CONFIGURATION app.ts (COPY = simple);
CREATE PUBLICATION pub FOR TABLE app.orders;
SELECT lo_from_bytea(4711, decode(repeat('00ff5c27', 10000), 'hex')); COMMENT ON LARGE OBJECT 4711 IS 'big';
CREATE TABLE lo_ref (o oid); INSERT INTO lo_ref VALUES (4711);
GRANT SELECT ON app.users TO PUBLIC; REVOKE EXECUTE ON FUNCTION app.f FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO PUBLIC;
COMMENT ON COLUMN app.users.name IS E'line\n\\! echo';
`

/** What only newer servers have. */
export const sinceFourteen = `
CREATE FUNCTION app.atomic(x int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN x > 0 THEN 1 ELSE 2 END; SELECT 3; END;
`
