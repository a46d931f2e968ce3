exports.Invoices1767225600000 = class Invoices1767225600000 {
  up(runner) {
    return runner.query('CREATE TABLE invoices (id integer PRIMARY KEY)')
  }

  down(runner) {
    return runner.query('DROP TABLE invoices')
  }
}
