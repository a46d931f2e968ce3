<?php

return [
    Doctrine\Bundle\DoctrineBundle\DoctrineBundle::class => ["all" => true],
];
