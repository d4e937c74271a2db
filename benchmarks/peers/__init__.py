"""Ask: how fast is every way to run a recurrent network on a CPU, on the same weights and inputs?"""
