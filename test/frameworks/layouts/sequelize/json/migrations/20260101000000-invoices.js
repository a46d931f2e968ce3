module.exports = {
  up: (queryInterface, Sequelize) =>
    queryInterface.createTable('invoices', { id: { type: Sequelize.INTEGER, primaryKey: true } }),
  down: (queryInterface) => queryInterface.dropTable('invoices'),
}
