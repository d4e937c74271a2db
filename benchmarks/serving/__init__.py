"""Ask: how many answers a second, as a service and over a corpus?"""
