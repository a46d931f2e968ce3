export default { client: 'better-sqlite3', connection: { filename: './shop.sqlite' }, useNullAsDefault: true }
