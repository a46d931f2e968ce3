export const up = (pgm) => pgm.createTable('invoices', { id: 'id' })
