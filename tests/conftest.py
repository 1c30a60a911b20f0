"""Settings that hold for every test."""

from hypothesis import settings

# How long an example takes says something of the machine, not of the code: speed is shown by `make bench`.
settings.register_profile("tlsconf", deadline=None)
settings.load_profile("tlsconf")
