"""Ask: does it hold for a million calls, many threads, kills and damaged files?"""
