/** How one engine writes what the others write otherwise. */
export type Dialect = {
  /** A FROM clause of the whole numbers from 1 to `count`, called `n`. */
  series(count: number): string
  /** A whole number from 0 to `limit` - 1. */
  random(limit: number): string
  /** The time that lies `seconds` after 2020 began. */
  moment(seconds: string): string
}

export const dialects = {
  postgres: {
    series: (count) => `generate_series(1, ${count}) AS s(n)`,
    random: (limit) => `floor(random() * ${limit})::integer`,
    moment: (seconds) => `timestamp '2020-01-01' + (${seconds}) * interval '1 second'`,
  },
  mysql: {
    series: (count) => `(SELECT seq AS n FROM seq_1_to_${count}) s`,
    random: (limit) => `floor(rand() * ${limit})`,
    moment: (seconds) => `TIMESTAMP '2020-01-01 00:00:00' + INTERVAL (${seconds}) SECOND`,
  },
  sqlite: {
    series: (count) =>
      `(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${count}) SELECT n FROM s)`,
    random: (limit) => `abs(random()) % ${limit}`,
    moment: (seconds) => `datetime('2020-01-01', (${seconds}) || ' seconds')`,
  },
} as const satisfies Record<string, Dialect>

/** Of the dump, per order: what the three tables below come to. */
export const bytesPerOrder = 800

const cities = ['Aarhus', 'Brno', 'Cork', 'Graz', 'Lyon', 'Porto', 'Malmö', 'Köln']
const steps = {
  created: 'The customer placed the order in the web shop',
  paid: 'The payment was received, the invoice went out by e-mail',
  packed: 'The parcel was packed in the warehouse',
  shipped: 'The parcel was handed to the carrier',
  delivered: 'The carrier delivered the parcel to the customer',
}
const workers = ['shop-worker-1', 'shop-worker-2', 'shop-worker-3', 'payment-service']

/**
 * A shop's data as statements: of each order one row, two items and five events, in the order that they came. Most of it
 * repeats, as in most businesses: `zstd -1` makes about 7 % of it.
 */
export function shopStatements(dialect: Dialect, orders: number): readonly string[] {
  return [
    `CREATE TABLE orders (id bigint, customer_id bigint, placed_at timestamp NULL, state varchar(20), currency char(3),
       total numeric(10, 2), city varchar(40), country varchar(40), delivery varchar(80), updated_at timestamp NULL)`,
    'CREATE TABLE order_items (order_id bigint, line integer, product_id bigint, price numeric(10, 2), note varchar(80))',
    `CREATE TABLE events (id bigint, order_id bigint, happened_at timestamp NULL, state varchar(20), actor varchar(40),
       message varchar(120))`,
    orderRows(dialect, orders),
    itemRows(dialect, orders),
    eventRows(dialect, orders),
  ]
}

function orderRows({ series, random, moment }: Dialect, orders: number): string {
  return `INSERT INTO orders SELECT n, 1 + ${random(40_000)}, ${moment('n * 41')}, 'delivered', 'EUR',
    9.95 + 10 * ${random(300)}, ${choice('n % 8', cities)}, 'Germany', 'standard delivery, invoice by e-mail',
    ${moment('n * 41')} FROM ${series(orders)}`
}

function itemRows({ series, random }: Dialect, orders: number): string {
  return `INSERT INTO order_items SELECT (n + n % 2) / 2, 2 - n % 2, 1 + ${random(400)}, 19.95,
    'shipped from the central warehouse, returned: no, gift wrap: no' FROM ${series(orders * 2)}`
}

function eventRows({ series, moment }: Dialect, orders: number): string {
  const order = '(n - n % 5) / 5'
  return `INSERT INTO events SELECT n, ${order}, ${moment(`${order} * 41 + (n % 5) * 25200`)},
    ${choice('n % 5', Object.keys(steps))}, ${choice('n % 4', workers)}, ${choice('n % 5', Object.values(steps))}
    FROM ${series(orders * 5)}`
}

function choice(expression: string, values: readonly string[]): string {
  return `CASE ${expression} ${values.map((value, index) => `WHEN ${index} THEN '${value}'`).join(' ')} END`
}
