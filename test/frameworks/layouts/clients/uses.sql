source none.sql
\. more.sql
INSERT INTO t VALUES (1); USE `od``d`;
CREATE DATABASE /*!32312 IF NOT EXISTS*/ `made`;
/*!40000 DROP DATABASE IF EXISTS gone*/;
