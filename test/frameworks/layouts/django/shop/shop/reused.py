from .settings import *

TEST_RUNNER = 'shop.runner.Reuses'
