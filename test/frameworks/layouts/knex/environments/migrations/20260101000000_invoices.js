exports.up = (knex) => knex.schema.createTable('invoices', (table) => table.increments())
exports.down = (knex) => knex.schema.dropTable('invoices')
