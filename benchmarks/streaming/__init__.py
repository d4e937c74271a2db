"""What does a pushed step cost?"""
