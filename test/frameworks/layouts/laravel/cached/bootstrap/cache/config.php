<?php return array (
  'database' => array ('default' => 'mysql'),
);
