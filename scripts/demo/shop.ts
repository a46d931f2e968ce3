import { Database } from 'bun:sqlite'
import { randomFrom } from './random.ts'

const schema = `
  CREATE TABLE customers (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, city TEXT, confirmed_at TEXT, photo BLOB);
  CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL NOT NULL, stock INTEGER NOT NULL);
  CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers ON DELETE CASCADE,
    placed_at TEXT NOT NULL, note TEXT);
  CREATE TABLE order_items (
    order_id INTEGER NOT NULL REFERENCES orders ON DELETE CASCADE, product_id INTEGER NOT NULL REFERENCES products,
    quantity INTEGER NOT NULL, PRIMARY KEY (order_id, product_id)) WITHOUT ROWID;
  CREATE TABLE invoices (
    id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES orders ON DELETE CASCADE,
    number TEXT NOT NULL UNIQUE, total REAL NOT NULL, paid_at TEXT);
  CREATE INDEX orders_by_customer ON orders (customer_id);
  CREATE VIEW unpaid AS SELECT number, total FROM invoices WHERE paid_at IS NULL;
  CREATE TRIGGER take_from_stock AFTER INSERT ON order_items
    BEGIN UPDATE products SET stock = stock - NEW.quantity WHERE id = NEW.product_id; END;
  PRAGMA user_version = 7;`

const people = ['Ada', 'Bela', 'Chloé', 'Dilan', 'Élise', 'Farid', 'Greta', 'Håkon', 'Inés', 'Jörg', 'Kenji', 'Łucja']
const families = ['Adeyemi', 'Bianchi', 'Çelik', "O'Brien", 'García', 'Kowalski', 'Müller', 'Nguyễn', 'Šimek', '山田']
const cities = ['Aarhus', 'Brno', 'Cork', 'Gdańsk', 'Graz', 'İzmir', 'Köln', 'Lyon', 'Malmö', 'Porto', null]
const things = ['desk', 'lamp', 'chair', 'shelf', 'rug', 'mirror', 'stool', 'clock', 'vase']
const looks = ['oak', 'walnut', 'steel', 'linen', 'glass', 'cork']
const notes = [null, null, null, 'leave at the door', "it's a gift", 'ring twice;\nthird floor', '100 % paid "in cash"']

const counts = { customers: 1_200, products: things.length * looks.length, orders: 3_400 }
const random = randomFrom(2026)

/** Makes a shop's database at `path`: the same one each time. */
export function createShop(path: string): void {
  const database = new Database(path, { create: true, strict: true })
  database.run(schema)
  database.transaction(() => {
    fillCustomers(database)
    fillProducts(database)
    fillOrders(database)
  })()
  database.close()
}

function fillCustomers(database: Database): void {
  const insert = database.prepare('INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?)')
  for (let id = 1; id <= counts.customers; id++) {
    const name = `${random.pick(people)} ${random.pick(families)}`
    const confirmed = id <= counts.customers / 2 ? null : random.moment()
    const photo = id % 10 === 0 ? random.bytes(300) : null
    insert.run(id, name, `customer${id}@example.com`, random.pick(cities), confirmed, photo)
  }
}

function fillProducts(database: Database): void {
  const insert = database.prepare('INSERT INTO products VALUES (?, ?, ?, ?)')
  const names = things.flatMap((thing) => looks.map((look) => `${look} ${thing}`))
  for (const [index, name] of names.entries()) insert.run(index + 1, name, random.below(40_000) / 100, 5_000)
}

function fillOrders(database: Database): void {
  const order = database.prepare('INSERT INTO orders VALUES (?, ?, ?, ?)')
  const item = database.prepare('INSERT OR IGNORE INTO order_items VALUES (?, ?, ?)')
  const invoice = database.prepare('INSERT INTO invoices VALUES (?, ?, ?, ?, ?)')
  for (let id = 1; id <= counts.orders; id++) {
    order.run(id, 1 + random.below(counts.customers), random.moment(), random.pick(notes))
    for (let count = random.below(4); count >= 0; count--) item.run(id, 1 + random.below(54), 1 + random.below(3))
    const paid = random.below(5) > 0 ? random.moment() : null
    invoice.run(id, id, `R-${100_000 + id}`, random.below(200_000) / 100, paid)
  }
}

/** The mistake: whoever signed up before confirmations were introduced never confirmed, and everything hangs on customers. */
export const migration = `import { Database } from 'bun:sqlite'

const database = new Database('shop.sqlite')
database.run('PRAGMA foreign_keys = ON')
database.run('DELETE FROM customers WHERE confirmed_at IS NULL') // they never confirmed their address
database.run('ALTER TABLE orders DROP COLUMN note')
console.log('Migrated: remove_unconfirmed_customers')
`

/** All that a database holds: `rows` of each table in order, `schema` as it was written. */
export type Content = { readonly rows: ReadonlyMap<string, readonly string[]>; readonly schema: string }

export function readContent(path: string): Content {
  const database = new Database(path, { readonly: true, safeIntegers: true })
  const objects = database.query<{ name: string; type: string; sql: string }, []>(
    'SELECT name, type, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name',
  )
  const all = objects.all()
  const tables = all.filter(({ type }) => type === 'table').map(({ name }) => name)
  const rows = new Map(tables.map((name) => [name, rowsOf(database, name)]))
  const [version] = database.query('PRAGMA user_version').values()
  database.close()
  return { rows, schema: [...all.map(({ sql }) => sql), `user_version ${String(version)}`].join('\n') }
}

function rowsOf(database: Database, table: string): readonly string[] {
  const values = database.query(`SELECT * FROM "${table}" ORDER BY 1, 2`).values()
  return values.map((row) => JSON.stringify(row.map(exactly)))
}

/** A value with its type: 1, 1.0 and '1' are three. */
function exactly(value: unknown): unknown {
  if (typeof value === 'bigint') return `${value} integer`
  return value instanceof Uint8Array ? { blob: Buffer.from(value).toString('hex') } : value
}
