<?php

return array(
  'APP_ENV' => 'prod',
  'DATABASE_URL' => 'postgresql://shop@db.example:5432/frozen',
);
