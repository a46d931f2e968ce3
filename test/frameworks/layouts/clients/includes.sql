-- what another script does
\ir elsewhere.sql
