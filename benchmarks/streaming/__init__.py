"""Ask: what does a pushed step cost?"""
