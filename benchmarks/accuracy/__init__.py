"""Ask: what do fewer bits cost and save, on real data?"""
