from .settings import *

DATABASES = {'default': {**DATABASES['default'], 'NAME': 'shop_live', 'HOST': 'db.shop.example'}}
