"""Ask: is any exported file wrong, over a broad set of models and random ones?"""
