"""Where do the runtimes have wheels?"""
