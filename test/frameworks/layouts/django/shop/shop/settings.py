import os

print('settings are loaded', end='')

SECRET_KEY = 'no secret'
INSTALLED_APPS = []
DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.postgresql',
        'NAME': os.environ.get('SHOP_DATABASE', 'shop_dev'),
        'USER': 'shop',
        'PASSWORD': 'p@ss/word',
        'HOST': '127.0.0.1',
        'PORT': '5432',
    },
    'stock': {
        'ENGINE': 'django.db.backends.mysql',
        'NAME': 'stock_dev',
        'USER': 'stock',
        'TEST': {'NAME': 'stock_for_tests'},
    },
}
