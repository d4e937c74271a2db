"""Ask: where do the runtimes have wheels?"""
