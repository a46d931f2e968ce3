import os

SECRET_KEY = 'no secret'
DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': os.environ['BLOG_DATABASE']}}
