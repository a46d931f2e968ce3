-- migrate:up
CREATE TABLE invoices (id integer PRIMARY KEY);

-- migrate:down
DROP TABLE invoices;
