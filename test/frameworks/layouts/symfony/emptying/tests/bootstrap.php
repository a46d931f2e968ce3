<?php

require dirname(__DIR__).'/vendor/autoload.php';
passthru('php bin/console doctrine:database:drop --force');
