\connect :name
