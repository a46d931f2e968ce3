from django.test.runner import DiscoverRunner


class Reuses(DiscoverRunner):
    def setup_databases(self, **kwargs):
        pass
