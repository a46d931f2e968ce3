/** Tables whose values are written in every way that a server knows, in both directions to the letter. */
export const everyType = String.raw`
CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"', 'a,b');
CREATE DOMAIN mail AS varchar(40) CHECK (VALUE ~ '@');
CREATE DOMAIN price AS numeric(12, 3);
CREATE TYPE pair AS (a int, b text, c float8);
CREATE TYPE nested AS (p pair, at timestamptz[], m mood);
CREATE TYPE span AS RANGE (subtype = float8);
CREATE TABLE floats (a float4, b float8);
INSERT INTO floats VALUES (0.1, 0.1), (1e-45, 5e-324), (3.4028235e38, 1.7976931348623157e308), ('NaN', 'NaN'),
  ('Infinity', '-Infinity'), ('-0', '-0'), (1.0000001, 1.0000000000000002), (16777216, 9007199254740993), (NULL, NULL);
CREATE TABLE numbers (a smallint, b bigint, c numeric, d numeric(10, 2), e price, m money, o oid, s serial);
INSERT INTO numbers VALUES (-32768, -9223372036854775808, 1.500, 1.5, 7, -1234.56, 4294967295),
  (32767, 9223372036854775807, 'NaN', 'NaN', 0, 92233720368547758.07, 0), (0, 0, 1e-30, 0, 1e-3, 0, 1), (0, 0, 1e131000, 0, 0, 0, 1);
CREATE TABLE texts (a text, b char(5), c varchar, d name, e "char", f mail, g mood, h xml, i bytea);
INSERT INTO texts VALUES (E'\\N', 'a', E'\t\n\r\b\f\v\\', 'n', 'x', 'a@b', 'it''s "ok"', '<a b="c">&lt;</a>', '\x00ff5c0a09'),
  ('\.', '', '', '', '', NULL, 'a,b', '<?xml version="1.0"?><x>größe</x>', ''), (E'\\.\n\\.', 'ä€', 'größe 名 😀', 'x', '\', '"@"', 'sad', 'just text', NULL),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (repeat('long ', 100000), NULL, NULL, NULL, NULL, NULL, NULL, NULL, decode(repeat('5c', 200000), 'hex'));
CREATE TABLE times (a date, b time, c timetz, d timestamp, e timestamptz, f interval, g interval(0));
INSERT INTO times VALUES ('infinity', '24:00', '23:59:59.999999-12:30', '-infinity', 'infinity', '-1 mons +2 days -03:04:05.678901', '1.6 s'),
  ('0044-03-15 BC', '00:00', '00:00+00', '4713-01-01 BC', '0001-01-01 BC', '-178000000 years', '0'), ('5874897-12-31', '1:2:3.000001', '01:02:00.5+05:45', '294276-12-31 23:59:59.999999', '2026-03-29 02:30 Europe/Berlin', 'P1Y2M3DT4H5M6S', NULL),
  ('1900-01-01', NULL, NULL, NULL, '1893-03-31 12:00 Europe/Berlin', '1 year -1 day', NULL);
CREATE TABLE documents (a json, b jsonb, c tsvector, d tsquery, e jsonpath, f uuid, g pg_lsn);
INSERT INTO documents VALUES ('{"b":1,  "a":  [1e5, null,"\\n\u00e4"] }', '{"b": 1, "a": [1e5, null, "\\n\u00e4"], "n": 1.10}', $$'it''s':1A,2 b 'c\\d':3$$, 'a & !(b | c:*A)', '$.a[*] ? (@ > 1)', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '16/B374D848');
CREATE TABLE nets (a inet, b cidr, c macaddr, d macaddr8, e bit(5), f bit varying, g bit(1)[]);
INSERT INTO nets VALUES ('10.0.0.1/8', '10/8', '08-00-2b-01-02-03', '08002b0102030405', B'10101', B'', ARRAY[B'1', NULL, B'0']), ('::ffff:1.2.3.4', '2001:db8::/32', NULL, NULL, NULL, B'1', '{}');
CREATE TABLE shapes (a point, b line, c lseg, d box, e path, f polygon, g circle);
INSERT INTO shapes VALUES ('(0.1,-0)', '{0.1,2,3}', '[(1,2),(3,4)]', '(1,2),(0.3,4)', '[(1,2),(3,4)]', '((1,2),(3,4),(5,6))', '<(1,2),0.1>'), ('(NaN,Infinity)', NULL, NULL, NULL, '((1,2),(3,4))', NULL, NULL);
CREATE TABLE ranges (a int4range, b numrange, c tstzrange, d daterange, e span, f int8range[]);
INSERT INTO ranges VALUES ('[1,5]', '(1.10,)', '[2026-01-01 00:00+02,)', '[2026-01-01,infinity)', '(0.1,0.2]', ARRAY['[1,2)'::int8range, 'empty']), ('empty', 'empty', '(,)', NULL, NULL, NULL);
CREATE TABLE arrays (a int[], b text[][], c mood[], d float8[], e pair[], f nested, g pair, h mail[]);
INSERT INTO arrays VALUES ('[0:2]={1,NULL,3}', ARRAY[['a', 'NULL'], ['"', E'\\']], '{"a,b",sad}', '{NaN,-0,0.1}', ARRAY[ROW(1, 'x,"y"', 0.1)::pair, NULL], ROW(ROW(NULL, '', '-0'), ARRAY['2026-01-01 12:00+05:30'::timestamptz], 'sad'), ROW(1, E'\n(', NULL), '{a@b,"c, d@e"}'), ('{}', '{}', '{}', '{}', '{}', NULL, NULL, '{}');
CREATE TABLE names (a regclass, b regtype, c regproc, d regprocedure, e regoperator, f regrole, g regnamespace, h regconfig, i oidvector, j int2vector, k tid, l xid);
INSERT INTO names VALUES ('floats', 'mood', 'now', 'lower(text)', '+(int4,int4)', 'postgres', 'public', 'simple', '1 2', '3 4', '(1,2)', '77'), (NULL, 'timestamptz[]', '-', NULL, NULL, '-', NULL, NULL, '', '', NULL, NULL);
CREATE TABLE made (id bigint GENERATED ALWAYS AS IDENTITY (START 7), a int, twice int GENERATED ALWAYS AS (a * 2) STORED, b text DEFAULT 'b');
INSERT INTO made (a) SELECT generate_series(1, 100);
ALTER TABLE made DROP COLUMN b; ALTER TABLE made ADD c text DEFAULT 'later', ADD "c ""d""; --" text;
CREATE TABLE "Hostile; ""name""\. $$" ("a.b" int, "FROM stdin;" text, "größe" text, "new
line" text, "):" text); INSERT INTO "Hostile; ""name""\. $$" VALUES (1, ':x', E':\'y\'', '\gexec', 'ä');
CREATE TABLE columnless (); INSERT INTO columnless SELECT FROM generate_series(1, 3);
CREATE TABLE parted (d date, v text) PARTITION BY RANGE (d); CREATE TABLE parted_2026 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE parted_rest (v text, d date); ALTER TABLE parted ATTACH PARTITION parted_rest DEFAULT;
INSERT INTO parted SELECT '2025-12-01'::date + n, 'row ' || n FROM generate_series(1, 100) n;
CREATE TABLE family (a int); CREATE TABLE grandchild (b text) INHERITS (family); INSERT INTO family VALUES (1); INSERT INTO grandchild VALUES (1, 'x'), (2, NULL);
CREATE UNLOGGED TABLE passing (a int); INSERT INTO passing VALUES (1);
`

/** Partitions by the hash of an enum: its labels have other numbers in another database, and their rows other partitions. */
export const hashedPartitions = `
CREATE TYPE colour AS ENUM (${Array.from({ length: 40 }, (_, n) => `'colour ${n}'`).join(', ')});
CREATE TABLE "Paint; 'er" (c colour, n int) PARTITION BY HASH (c);
${[0, 1, 2, 3].map((n) => `CREATE TABLE "größe ${n}; Type: x" PARTITION OF "Paint; 'er" FOR VALUES WITH (MODULUS 4, REMAINDER ${n});`).join('\n')}
INSERT INTO "Paint; 'er" SELECT c, n FROM unnest(enum_range(NULL::colour)) c, generate_series(1, 3) n;
`

/** A parent that got a column after its child did: a restored child has it before its own. */
export const lateColumn = `
CREATE TABLE parent (a int); CREATE TABLE "child; 1" (b text, "größe" int) INHERITS (parent);
CREATE TABLE log (of regclass) INHERITS (parent); ALTER TABLE parent ADD "c ä" int DEFAULT 7; INSERT INTO log VALUES (1, 'parent', 2);
INSERT INTO parent VALUES (1, 2); INSERT INTO "child; 1" VALUES (3, 'größe', 4, 5), (3, NULL, 4, 5);
`
