from hypothesis import settings

# a busy machine may pause any example for a second; slowness is the benchmarks' business
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")
