drop database if exists Shop;
SELECT 1; DROP DATABASE "Quo""ted" WITH (FORCE);
alter database later rename to shop;
